"""Codes: how a local code is written for the facility's mapping, and the few meanings the contract itself supports.

The bridge ships a table only where a standard code says the very same as a PCare code of pcare §3. All else goes
through the facility's mapping, and a mapping always wins over these tables (``Code.if_unmapped``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from jknbridge.fhir.look import Coding
from jknbridge.verdicts import Code

SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"
KFA = "http://sys-ids.kemkes.go.id/kfa"
ICD10 = ("http://hl7.org/fhir/sid/icd-10", "urn:oid:2.16.840.1.113883.6.3")

SHORT: Mapping[str, str] = {
    SNOMED: "snomed|",
    LOINC: "loinc|",
    KFA: "kfa|",
    ICD10[0]: "icd10|",
    ICD10[1]: "icd10|",
    "http://hl7.org/fhir/sid/icd-9-cm": "icd9cm|",
    "http://terminology.hl7.org/CodeSystem/discharge-disposition": "",
    "http://terminology.hl7.org/CodeSystem/service-type": "layanan|",
}
"""How a known system is written in a local code; others are written in full (``system|code``)."""

KESADARAN: Mapping[str, str] = {
    "snomed|248234008": "01",  # Mentally alert: compos mentis
    "snomed|371632003": "04",  # Coma
}
"""LOINC 67775-7 values → kdSadar. Somnolence and sopor have no one SNOMED concept that EMRs agree on: mapping."""

PROGNOSA: Mapping[str, str] = {
    "snomed|170968001": "02",  # Prognosis good: bonam
    "snomed|170969009": "03",  # Prognosis bad: malam
}
"""ClinicalImpression.prognosisCodeableConcept → kdPrognosa. Sanam and the two dubia need the facility's mapping."""

BUILT_IN: Mapping[str, Mapping[str, str]] = {"pcare.kesadaran": KESADARAN, "pcare.prognosa": PROGNOSA}


def local(coding: Coding) -> str:
    """``snomed|248234008``, ``kfa|93006334``, ``home``: one coding as the mapping names it."""
    if coding.system is None:
        return coding.code
    return SHORT.get(coding.system, f"{coding.system}|") + coding.code


def preferred(found: Iterable[Coding], *systems: str) -> Coding | None:
    """The coding of the first of these systems that is there, else the first coding at all."""
    known = list(found)
    for system in systems:
        for coding in known:
            if coding.system == system:
                return coding
    return known[0] if known else None


def code(list_: str, coding: Coding) -> Code:
    """A code for the mapping; where the contract supports the meaning, that stands unless the facility maps it."""
    name = local(coding)
    return Code(list_, name, coding.display, if_unmapped=BUILT_IN.get(list_, {}).get(name))


def number(value: Decimal) -> int | float:
    """A JSON number: whole where it is whole, so that 60 and 60.0 are one value."""
    return int(value) if value == value.to_integral_value() else float(value)
