"""Rules that a row of the table cannot say, written by hand and named by their number (satusehat §6, §16, §16.1).

Each yields violations under the number it was seen with. They add to the table's rows; none replaces one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from jknbridge_adapters.satusehat.paths import values, walk
from jknbridge_adapters.satusehat.rules_check_values import date_violation, day
from jknbridge_adapters.satusehat.violations import Case, Violation, numbered

NIK_IBU: Final = "https://fhir.kemkes.go.id/id/nik-ibu"
_NEWBORN_DAYS: Final = 60
_WINDOW: Final = frozenset({"full", "no-future", "from-2014"})
_WIB: Final = timezone(timedelta(hours=7))
_EPISODES: Final = "http://terminology.kemkes.go.id/CodeSystem/episodeofcare/"
_VISITS: Final[Mapping[str, frozenset[str]]] = {
    f"{_EPISODES}puerperium": frozenset({"KF1", "KF2", "KF3", "KF4"}),
    f"{_EPISODES}neonate": frozenset({"KN1", "KN2", "KN3"}),
}
"""Values of a programme's Encounter identifier (§7). The ANC values are not published and not tested."""
_REFUSED_VACCINES: Final = frozenset({"93026440"})
"""KFA codes that exist and were refused for a vaccination (§16)."""
_INTEGERS: Final[Mapping[str, tuple[str, ...]]] = {
    "Encounter": ("diagnosis.rank",),
    "Patient": ("multipleBirthInteger", "telecom.rank"),
    "Organization": ("telecom.rank",),
    "MedicationRequest": ("dosageInstruction.timing.repeat.count",),
    "MedicationDispense": ("dosageInstruction.timing.repeat.count",),
    "ImagingStudy": ("numberOfSeries", "numberOfInstances", "series.number", "series.instance.number"),
    "Observation": ("valueInteger", "component.valueInteger"),
    "QuestionnaireResponse": ("item.answer.valueInteger",),
}
"""Integer elements without a row of their own: rule 10254 of the older table speaks for them."""


def encounter_episode_visit(case: Case) -> Iterator[Violation]:
    """10117: a programme's identifier has a known value."""
    for found in walk(case.root, "identifier", case.type).found:
        known = _VISITS.get(found.value.get("system", "")) if isinstance(found.value, dict) else None
        if known is not None and found.value.get("value") not in known:
            text = f"Code not found: '{found.value.get('value')}' in system: {found.value['system']}"
            yield Violation(10117, "value", f"{found.where}.value", numbered(text, 10117))


def encounter_start(case: Case) -> Iterator[Violation]:
    """10123: the row asks for presence only; the window and the form were seen live."""
    for found in walk(case.root, "period.start", case.type).found:
        violation = date_violation(10123, _WINDOW, found.where, found.value, case.now)
        if violation is not None:
            yield violation


def immunization_reason(case: Case) -> Iterator[Violation]:
    """10105: the row tests the system; live, an absent reason was refused too."""
    if walk(case.root, "reasonCode", case.type).found:
        return
    text = numbered("Element not found: Immunization.reasonCode", 10105)
    yield Violation(10105, "value", "Immunization.reasonCode", text)


def immunization_function(case: Case) -> Iterator[Violation]:
    """10307 reports the performer's function too: AP or OP for a new dose, EP for history."""
    if case.root.get("status") != "completed":
        return
    new_dose = case.root.get("primarysource") is True
    due = {"AP", "OP"} if new_dose else {"EP"}
    sent = {coding.get("code") for coding in values(case.root, "performer.function.coding") if isinstance(coding, dict)}
    if not due & sent:
        text = f"Performer function must contains code {' or '.join(sorted(due))}"
        yield Violation(10307, "value", "Immunization.performer", numbered(text, 10307))


def immunization_vaccine(case: Case) -> Iterator[Violation]:
    """10103: products that the platform's vaccine list lacks."""
    for found in walk(case.root, "vaccineCode.coding", case.type).found:
        coding: Any = found.value
        if isinstance(coding, dict) and coding.get("code") in _REFUSED_VACCINES:
            text = f"Code not found: '{coding['code']}' in system: {coding.get('system')}"
            yield Violation(10103, "value", f"{found.where}.code", numbered(text, 10103))


def immunization_dose(case: Case) -> Iterator[Violation]:
    """10456: the dose number is positive."""
    for found in walk(case.root, "protocolApplied.doseNumberPositiveInt", case.type).found:
        if isinstance(found.value, int) and found.value < 1:
            text = numbered(f"Integer formated as a string: '{found.value}'", 10456)
            yield Violation(10456, "value", found.where, text)


def newborn_age(case: Case) -> Iterator[Violation]:
    """10397: a child registered by its mother's NIK is not older than 60 days; the server counts in +07:00."""
    systems = [found.get("system") for found in values(case.root, "identifier") if isinstance(found, dict)]
    born = day(case.root.get("birthdate"))
    if NIK_IBU not in systems or born is None:
        return
    now = datetime.fromtimestamp(case.now, UTC).astimezone(_WIB)
    if (now.date() - born).days > _NEWBORN_DAYS:
        stamp = now.strftime("%A, %d-%b-%y %H:%M:%S %z")
        text = f"Day difference from Birth Date with {stamp} can't be more than {_NEWBORN_DAYS} days"
        yield Violation(10397, "format", "Patient.birthDate", f"{numbered(text, 10397)}.")


def second_active_episode(case: Case) -> Iterator[Violation]:
    """10109 and 10110: one active episode for a patient and type, nation-wide. Live it spells ``Rule Number``."""
    if case.view is None or case.root.get("status") != "active":
        return
    patients = values(case.root, "patient.reference")
    kinds = [coding.get("code") for coding in values(case.root, "type.coding") if isinstance(coding, dict)]
    if any(case.view.has_active_episode(str(patient), str(kind)) for patient in patients for kind in kinds):
        for rule in (10109, 10110):
            text = f"found duplicated EpisodeOfCare Type with status active. (Rule Number: {rule})"
            yield Violation(rule, "value", "", text)


def quoted_integers(case: Case) -> Iterator[Violation]:
    """10254: an integer sent as text, where the element has no row of its own."""
    for path in _INTEGERS.get(case.type, ()):
        for found in walk(case.root, path, case.type).found:
            if isinstance(found.value, str):
                text = numbered(f"Integer formated as a string: '{found.value}'", 10254)
                yield Violation(10254, "value", found.where, text)


Predicate = Callable[[Case], Iterator[Violation]]
HAND: Final[Mapping[str, tuple[Predicate, ...]]] = {
    "Encounter": (encounter_episode_visit, encounter_start, quoted_integers),
    "Immunization": (immunization_reason, immunization_function, immunization_vaccine, immunization_dose),
    "Patient": (newborn_age, quoted_integers),
    "EpisodeOfCare": (second_active_episode,),
    **{kind: (quoted_integers,) for kind in _INTEGERS if kind not in ("Encounter", "Patient")},
}
