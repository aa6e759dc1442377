"""Allergies: AllergyIntolerance → alergiMakan, alergiUdara, alergiObat (pcare §3, §22 #10).

``00`` says "no allergy", so it is sent only where the EMR recorded "no known allergy". Where it recorded nothing, the
facility's setting ``alergi_tanpa_catatan`` chooses between waiting and ``00`` with a note.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jknbridge.fhir import look
from jknbridge.verdicts import Code
from jknbridge_adapters.pcare import kode
from jknbridge_adapters.pcare.gaps import Gaps
from jknbridge_adapters.pcare.visit import Content, Visit, latest_first

NONE = "00"
_NO_KNOWN_ALLERGY = "716186003"


@dataclass(frozen=True, slots=True)
class Group:
    """One of PCare's three: the FHIR categories it takes, its mapping list, and the SNOMED "no known …" for it
    alone."""

    field: str
    list: str
    categories: frozenset[str]
    none_known: str


GROUPS: tuple[Group, ...] = (
    Group("alergiMakan", "pcare.alergi_makan", frozenset({"food"}), "429625007"),
    Group("alergiUdara", "pcare.alergi_udara", frozenset({"environment"}), "428607008"),
    Group("alergiObat", "pcare.alergi_obat", frozenset({"medication", "biologic"}), "409137002"),
)
_NONE_KNOWN = frozenset({_NO_KNOWN_ALLERGY, *(group.none_known for group in GROUPS)})
_ENDED = frozenset({"inactive", "resolved"})
_VOID = frozenset({"entered-in-error", "refuted"})
_WHERE = "AllergyIntolerance.category {categories}; none known: AllergyIntolerance.code SNOMED 716186003 / {none}"


def allergies(visit: Visit, gaps: Gaps) -> dict[str, str | Code]:
    """One code per group; what is missing is in ``gaps``."""
    records = _living(visit)
    if any(not _categories(one) and not _said_none(one) for one in records):
        gaps.need("pcare.alergi_tanpa_kategori", "AllergyIntolerance.category")
    found: dict[str, str | Code] = {}
    for group in GROUPS:
        value = _group(visit, group, records, gaps)
        if value is not None:
            found[group.field] = value
    return found


def _group(visit: Visit, group: Group, records: list[Content], gaps: Gaps) -> str | Code | None:
    where = _WHERE.format(categories="/".join(sorted(group.categories)), none=group.none_known)
    positive = [one for one in records if _categories(one) & group.categories and not _said_none(one)]
    if positive:
        coded = [c for one in positive if (c := kode.preferred(look.codings(one.get("code")), kode.KFA, kode.SNOMED))]
        if len(positive) > 1:
            gaps.note("pcare.alergi_lebih_dari_satu", field=group.field)
        if coded:
            return kode.code(group.list, coded[0])
        gaps.missing(group.field, "AllergyIntolerance.code.coding")
        return None
    if any(_said_none(one) in (_NO_KNOWN_ALLERGY, group.none_known) for one in records):
        return NONE
    if visit.settings.alergi_tanpa_catatan == "nol-nol":
        gaps.note("pcare.alergi_pengaturan", field=group.field)
        return NONE
    gaps.missing(group.field, where)
    return None


def _living(visit: Visit) -> list[Content]:
    """What stands at the visit, newest record first. Allergies are the patient's: they name no or another Encounter."""
    standing = [
        (resource, content)
        for resource, content in visit.journey.all("AllergyIntolerance")
        if not _has(content, "clinicalStatus", _ENDED) and not _has(content, "verificationStatus", _VOID)
    ]
    return latest_first(visit, standing, "recordedDate", "onsetDateTime")


def _has(content: Content, name: str, codes: frozenset[str]) -> bool:
    return any(coding.code in codes for coding in look.codings(content.get(name)))


def _categories(content: Mapping[str, object]) -> frozenset[str]:
    return frozenset(word for word in look.at(content, "category") if isinstance(word, str))


def _said_none(content: Content) -> str | None:
    found = (c.code for c in look.codings(content.get("code")) if c.system == kode.SNOMED)
    return next((code for code in found if code in _NONE_KNOWN), None)
