"""The texts of a visit, in the EMR's own words: keluhan, anamnesa, terapiObat, terapiNonObat, bmhp (pcare §6.2, §22
#10).

Each has an ordered list of places; the first that says something is used. Complaint and history are never invented and
never stand in for each other: missing, the visit waits. ``"Tidak Ada"`` is what users of PCare type where nothing was
given, and is allowed for the therapies and bmhp only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from html import unescape

from jknbridge.fhir import look
from jknbridge_adapters.pcare import diagnosa, kode
from jknbridge_adapters.pcare.gaps import Gaps
from jknbridge_adapters.pcare.visit import Content, Visit, latest_first

NOTHING = "Tidak Ada"
KELUHAN_LIMIT, TEXT_LIMIT = 400, 2000  # what SIMRS-Khanza cuts at; BPJS documents none (pcare §5.1, §6.2)

CHIEF_COMPLAINT = "10154-3"
PRESENT_ILLNESS = "10164-2"
_PROBLEM = "problem-list-item"
_COMPLAINT_CATEGORY = "chief-complaint"
_AT_DEPARTURE = frozenset({"359746009", "162668006"})  # condition stable / unstable: said on leaving, no complaint
_NON_DRUG = frozenset({"277132007", "409063005", "409073007"})  # therapeutic, counselling, education (SATUSEHAT)
_TAG = re.compile(r"<[^>]*>")

KELUHAN_WHERE = (
    "Encounter.reasonCode; Encounter.diagnosis use CC; Composition/Observation LOINC 10154-3; "
    "Condition.category chief-complaint or problem-list-item"
)
ANAMNESA_WHERE = "Composition section or Observation LOINC 10164-2; Condition.note of the chief complaint"

Source = Callable[[Visit], Iterable[str | None]]


def keluhan(visit: Visit, gaps: Gaps) -> str | None:
    return _required("keluhan", KELUHAN_WHERE, _KELUHAN, KELUHAN_LIMIT, visit, gaps)


def keluhan_if_known(visit: Visit) -> str | None:
    """For a registration, where the complaint is optional (§5.1)."""
    return keluhan(visit, Gaps())


def anamnesa(visit: Visit, gaps: Gaps) -> str | None:
    return _required("anamnesa", ANAMNESA_WHERE, _ANAMNESA, TEXT_LIMIT, visit, gaps)


def terapi_obat(lines: Iterable[str], gaps: Gaps) -> str:
    """The visit's prescriptions as the EMR wrote them."""
    return _cut("terapiObat", _join(lines), TEXT_LIMIT, gaps) or NOTHING


def terapi_non_obat(visit: Visit, gaps: Gaps) -> str:
    """Procedures that treat, counsel or educate, and what care plans say."""
    procedures = [
        _phrase(look.text_of(one.get("code")), _notes(one))
        for one in _by_time(visit, "Procedure", "performedDateTime", "performedPeriod")
        if look.status(one) == "completed" and any(c.code in _NON_DRUG for c in look.codings(one.get("category")))
    ]
    plans = [look.text(one, "description") for one in _by_time(visit, "CarePlan", "created", "period")]
    return _cut("terapiNonObat", _join([*procedures, *plans]), TEXT_LIMIT, gaps) or NOTHING


def bmhp(visit: Visit, gaps: Gaps) -> str:
    """Materials that procedures say they used (``Procedure.usedCode``)."""
    done = _by_time(visit, "Procedure", "performedDateTime", "performedPeriod")
    used = [look.text_of(item) for one in done if look.status(one) == "completed" for item in look.at(one, "usedCode")]
    return _cut("bmhp", _join(used), TEXT_LIMIT, gaps) or NOTHING


# --- where the complaint and its history stand, in this order ---------------------------------------------------------


def _reason(visit: Visit) -> Iterator[str | None]:
    for concept in look.at(visit.encounter, "reasonCode"):
        yield look.text_of(concept)


def _marked_complaint(visit: Visit) -> Iterator[str | None]:
    for condition in diagnosa.complaints(visit):
        yield look.text_of(condition.get("code")) or _notes(condition)


def _narrative(loinc: str, *, notes_first: bool) -> Source:
    def read(visit: Visit) -> Iterator[str | None]:
        for composition in _by_time(visit, "Composition", "date"):
            for section in _sections(composition, loinc):
                yield _plain(section)
                for entry in look.at(section, "entry"):
                    condition = visit.follow(entry, "Condition")
                    if condition is not None and diagnosa.stands(condition):
                        spoken = (_notes(condition), look.text_of(condition.get("code")))
                        yield next((one for one in (spoken if notes_first else reversed(spoken)) if one), None)
        for observation in latest_first(visit, visit.mine("Observation"), "effectiveDateTime", "issued")[::-1]:
            if look.code_of(observation.get("code"), kode.LOINC) == loinc:
                yield look.text(observation, "valueString") or look.text_of(observation.get("valueCodeableConcept"))

    return read


def _of_category(category: str) -> Source:
    def read(visit: Visit) -> Iterator[str | None]:
        for condition in _complaint_conditions(visit, category):
            yield look.text_of(condition.get("code")) or _notes(condition)

    return read


def _complaint_notes(visit: Visit) -> Iterator[str | None]:
    marked = diagnosa.complaints(visit)
    for category in (_COMPLAINT_CATEGORY, _PROBLEM):
        marked = marked or _complaint_conditions(visit, category)
    for condition in marked:
        yield _notes(condition)


_KELUHAN: tuple[Source, ...] = (
    _reason,
    _marked_complaint,
    _narrative(CHIEF_COMPLAINT, notes_first=False),
    _of_category(_COMPLAINT_CATEGORY),
    _of_category(_PROBLEM),
)
_ANAMNESA: tuple[Source, ...] = (_narrative(PRESENT_ILLNESS, notes_first=True), _complaint_notes)


def _complaint_conditions(visit: Visit, category: str) -> list[Content]:
    return [
        condition
        for condition in _by_time(visit, "Condition", "recordedDate", "onsetDateTime")
        if diagnosa.stands(condition)
        and any(coding.code == category for coding in look.codings(condition.get("category")))
        and not any(coding.code in _AT_DEPARTURE for coding in look.codings(condition.get("code")))
    ]


def _sections(holder: Content, loinc: str) -> Iterator[Content]:
    for section in look.at(holder, "section"):
        if isinstance(section, Mapping):
            if look.code_of(section.get("code"), kode.LOINC) == loinc:
                yield section
            yield from _sections(section, loinc)


def _plain(section: Content) -> str | None:
    narrative = section.get("text")
    div = look.text(narrative, "div")
    return unescape(_TAG.sub(" ", div)) if div else None


def _notes(content: Content) -> str | None:
    return _join(look.text(note, "text") for note in look.at(content, "note")) or None


def _by_time(visit: Visit, type_: str, *names: str) -> list[Content]:
    return latest_first(visit, visit.mine(type_), *names)[::-1]


# --- text -------------------------------------------------------------------------------------------------------------


def _required(field: str, where: str, sources: Iterable[Source], limit: int, visit: Visit, gaps: Gaps) -> str | None:
    for source in sources:
        if text := _join(source(visit)):
            return _cut(field, text, limit, gaps)
    gaps.missing(field, where)
    return None


def _join(parts: Iterable[str | None]) -> str:
    """One line, each part once, in order."""
    lines = (" ".join(part.split()) for part in parts if part)
    return "; ".join(dict.fromkeys(line for line in lines if line))


def _phrase(name: str | None, note: str | None) -> str | None:
    return f"{name}: {note}" if name and note else name or note


def _cut(field: str, text: str, limit: int, gaps: Gaps) -> str:
    if len(text) <= limit:
        return text
    gaps.note("pcare.teks_dipotong", field=field, limit=limit)
    return text[: limit - 1] + "…"
