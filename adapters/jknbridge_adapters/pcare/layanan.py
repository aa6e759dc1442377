"""What kind of visit this is: sick or healthy, which contact kind, place and mode (kontak §3, §4).

The table is kontak §4's, first match wins. Sick or healthy is never guessed from a diagnosis: a healthy visit is
one whose ``Encounter.serviceType`` or ``type`` carries a code of ``kbk-jenis-layanan`` (or a home visit without any
treatment). Inpatient classes are recognised and parked: they are not built yet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from jknbridge.fhir import look
from jknbridge_adapters.pcare import diagnosa
from jknbridge_adapters.pcare.gaps import Gaps
from jknbridge_adapters.pcare.visit import Visit

JENIS: Mapping[str, str] = {
    "imunisasi": "SEHAT_IMUNISASI",
    "kia": "SEHAT_KIA",
    "kb": "SEHAT_KB",
    "skrining": "SEHAT_SKRINING",
    "edukasi": "SEHAT_EDUKASI",
    "kelompok": "SEHAT_KELOMPOK",
    "senam": "SEHAT_SENAM",
    "rumah": "SEHAT_RUMAH",
    "jarak": "SEHAT_JARAK",
    "lain": "SEHAT_LAIN",
}
"""Codes of ``kbk-jenis-layanan`` → contact kind."""

Mode: TypeAlias = Literal["langsung", "tidak_langsung"]

INPATIENT = frozenset({"IMP", "ACUTE", "NONAC"})
_AMBULATORY = frozenset({"AMB", "FLD", "SS"})
_THERAPY = frozenset({"277132007", "387713003"})  # SNOMED: therapeutic, surgical procedure


@dataclass(frozen=True, slots=True)
class Signs:
    """What the rules look at."""

    kelas: str | None
    jenis: str | None
    home: bool
    treated: bool


@dataclass(frozen=True, slots=True)
class Rule:
    number: int
    applies: Callable[[Signs], bool]
    kind: Callable[[Signs], str]


RULES: tuple[Rule, ...] = (
    Rule(1, lambda s: s.kelas in INPATIENT, lambda s: "SAKIT_INAP"),
    Rule(2, lambda s: s.kelas == "EMER", lambda s: "SAKIT_DARURAT"),
    Rule(3, lambda s: s.jenis == "senam", lambda s: "SEHAT_SENAM"),
    Rule(4, lambda s: s.jenis == "kelompok", lambda s: "SEHAT_KELOMPOK"),
    Rule(5, lambda s: s.kelas == "VR" and s.jenis is not None, lambda s: "SEHAT_JARAK"),
    Rule(6, lambda s: s.kelas == "VR", lambda s: "SAKIT_JARAK"),
    Rule(7, lambda s: s.home and s.treated, lambda s: "SAKIT_RUMAH"),
    Rule(8, lambda s: s.home, lambda s: "SEHAT_RUMAH"),
    Rule(9, lambda s: s.kelas in _AMBULATORY and s.jenis is not None, lambda s: JENIS[s.jenis or "lain"]),
    Rule(10, lambda s: s.kelas in _AMBULATORY, lambda s: "SAKIT_RAJAL"),
)
"""kontak §4, rows 1-10. Row 11 (OBSENC, PRENC, none) matches nothing and is parked for review."""


@dataclass(frozen=True, slots=True)
class Service:
    """``jenis``: the healthy service kind that the poli of a healthy visit is mapped by."""

    contact: str
    sick: bool
    jenis: str | None
    place: str
    mode: Mode


def service(visit: Visit, gaps: Gaps) -> Service | None:
    """What this visit is, or ``None`` with the reason in ``gaps``."""
    kelas = look.encounter_class(visit.encounter)
    jenis = _jenis(visit, gaps)
    if gaps.parked is not None:
        return None
    signs = Signs(kelas, jenis, kelas == "HH" or (kelas in _AMBULATORY and _at_home(visit)), _treated(visit))
    rule = next((rule for rule in RULES if rule.applies(signs)), None)
    if rule is None:
        gaps.park("pcare.kelas_tidak_didukung", kelas=kelas or "-")
        return None
    if rule.number == 1:
        gaps.park("pcare.rawat_inap_belum")
        return None
    if rule.number == 8 and jenis is None and not visit.finished:
        # Healthy only for want of a treatment, and the treatment may still be recorded.
        gaps.need(
            "pcare.jenis_kunjungan_rumah",
            f"Encounter.serviceType {visit.settings.sistem_jenis_layanan}; Encounter.diagnosis; Procedure.category",
        )
        return None
    contact = rule.kind(signs)
    sick = contact.startswith("SAKIT_")
    mode: Mode = "tidak_langsung" if kelas == "VR" else "langsung"
    return Service(contact, sick, None if sick else jenis or "rumah", _place(visit, signs), mode)


def _jenis(visit: Visit, gaps: Gaps) -> str | None:
    found = [*look.codings(visit.encounter.get("serviceType")), *look.codings(visit.encounter.get("type"))]
    code = next((c.code for c in found if c.system == visit.settings.sistem_jenis_layanan), None)
    if code is not None and code not in JENIS:
        gaps.park("pcare.jenis_layanan_tidak_dikenal", kode=code)
    return code


def _at_home(visit: Visit) -> bool:
    """Location.physicalType ``ho`` (house)."""
    places = [visit.follow(one, "Location") for one in look.at(visit.encounter, "location.location")]
    return any(c.code == "ho" for one in places if one is not None for c in look.codings(one.get("physicalType")))


def _treated(visit: Visit) -> bool:
    procedures = [content for _, content in visit.mine("Procedure") if look.status(content) == "completed"]
    therapy = any(c.code in _THERAPY for one in procedures for c in look.codings(one.get("category")))
    return therapy or diagnosa.treats(visit)


def _place(visit: Visit, signs: Signs) -> str:
    if signs.home:
        return "rumah"
    for one in look.at(visit.encounter, "location.location"):
        if place := visit.settings.tempat_lokasi.get(look.target(one, "Location") or ""):
            return place
    return "lain" if signs.kelas in ("VR", "FLD") else "gedung"
