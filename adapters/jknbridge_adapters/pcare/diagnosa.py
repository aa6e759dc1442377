"""Diagnoses: Encounter.diagnosis and its Conditions → kdDiag1, kdDiag2, kdDiag3 (pcare §6.2: ICD-10, null not "").

Which one is the main diagnosis decides the referral rules and KBK, so it is never guessed: ``rank`` says it, else
the order of Encounter.diagnosis, else a single Condition. ICD-10 codes go as they are; PCare's list R1 is ICD-10.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jknbridge.fhir import look
from jknbridge_adapters.pcare import kode
from jknbridge_adapters.pcare.gaps import Gaps
from jknbridge_adapters.pcare.visit import Content, Visit

CHIEF_COMPLAINT = "CC"
_ENCOUNTER_DIAGNOSIS = "encounter-diagnosis"
_VOID = frozenset({"entered-in-error", "refuted"})
_MOST = 3
_WHERE = "Encounter.diagnosis (rank) → Condition.code ICD-10"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    code: str
    display: str | None


def diagnoses(visit: Visit, gaps: Gaps) -> list[Diagnosis]:
    """Up to three, main diagnosis first. What is missing or unclear is in ``gaps``."""
    entries = _ranked(visit)
    found: list[Diagnosis] = []
    for entry in entries:
        reference = entry.get("condition")
        target = look.target(reference, "Condition", "Procedure")
        if target is not None and target.startswith("Procedure/"):
            continue
        condition = visit.journey.linked(target)
        if condition is None:
            gaps.need(
                "pcare.rujukan_hilang", "Encounter.diagnosis.condition", field=f"kdDiag{min(len(found) + 1, _MOST)}"
            )
        elif _stands(condition):
            _take(condition, found, gaps)
    if not entries:
        loose = _encounter_diagnoses(visit)
        if len({_icd10(condition) for condition in loose}) > 1:
            gaps.need("pcare.urutan_diagnosis", _WHERE)
        for condition in loose:
            _take(condition, found, gaps)
    if not found:
        gaps.missing("kdDiag1", _WHERE)
    if len(found) > _MOST:
        gaps.note("pcare.diagnosis_lebih_dari_tiga")
    return found[:_MOST]


def treats(visit: Visit) -> bool:
    """Whether a diagnosis of this visit is an illness: any ICD-10 outside Z00-Z99 (kontak §4, rules 7 and 8)."""
    conditions = [visit.follow(entry.get("condition"), "Condition") for entry in _ranked(visit)]
    conditions += _encounter_diagnoses(visit)
    codes = [icd.code for one in conditions if one is not None and _stands(one) and (icd := _icd10(one))]
    return any(not code.upper().startswith("Z") for code in codes)


def complaints(visit: Visit) -> list[Content]:
    """Conditions that Encounter.diagnosis calls the chief complaint."""
    marked = [
        e for e in look.at(visit.encounter, "diagnosis") if isinstance(e, Mapping) and _role(e) == CHIEF_COMPLAINT
    ]
    found = [visit.follow(entry.get("condition"), "Condition") for entry in marked]
    return [condition for condition in found if condition is not None and _stands(condition)]


def stands(condition: Content) -> bool:
    """Not refuted and not entered in error."""
    return _stands(condition)


def _ranked(visit: Visit) -> list[Mapping[str, Any]]:
    entries = [
        e for e in look.at(visit.encounter, "diagnosis") if isinstance(e, Mapping) and _role(e) != CHIEF_COMPLAINT
    ]
    return sorted(entries, key=_rank)  # sorted is stable: equal or missing ranks keep the order of the list


def _rank(entry: Mapping[str, Any]) -> tuple[bool, int]:
    rank = entry.get("rank")
    known = isinstance(rank, int) and not isinstance(rank, bool)
    return (not known, rank if known and isinstance(rank, int) else 0)


def _role(entry: Mapping[str, Any]) -> str | None:
    found = look.codings(entry.get("use"))
    return found[0].code if found else None


def _encounter_diagnoses(visit: Visit) -> list[Content]:
    return [
        condition
        for _, condition in visit.mine("Condition")
        if _stands(condition) and any(c.code == _ENCOUNTER_DIAGNOSIS for c in look.codings(condition.get("category")))
    ]


def _stands(condition: Content) -> bool:
    return not any(c.code in _VOID for c in look.codings(condition.get("verificationStatus")))


def _take(condition: Content, found: list[Diagnosis], gaps: Gaps) -> None:
    diagnosis = _icd10(condition)
    if diagnosis is None:
        gaps.need(
            "pcare.tanpa_icd10", "Condition.code, http://hl7.org/fhir/sid/icd-10", field=f"kdDiag{len(found) + 1}"
        )
    elif diagnosis.code not in {one.code for one in found}:
        found.append(diagnosis)


def _icd10(condition: Content) -> Diagnosis | None:
    for coding in look.codings(condition.get("code")):
        if coding.system in kode.ICD10:
            return Diagnosis(coding.code.upper(), coding.display)
    return None
