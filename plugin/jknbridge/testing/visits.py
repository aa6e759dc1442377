"""Synthetic visits in the shapes published SATUSEHAT bodies have, for tests and benchmarks. Invented people only.

:func:`visit` gives every resource of one finished outpatient visit; ``status`` and the keyword arguments bend it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

LOINC, SNOMED, ICD10 = "http://loinc.org", "http://snomed.info/sct", "http://hl7.org/fhir/sid/icd-10"
KFA = "http://sys-ids.kemkes.go.id/kfa"
DISPOSITION = "http://terminology.hl7.org/CodeSystem/discharge-disposition"
VITALS = (
    ("8480-6", 120, "mm[Hg]"), ("8462-4", 80, "mm[Hg]"), ("29463-7", 60, "kg"), ("8302-2", 165, "cm"),
    ("9279-1", 20, "/min"), ("8867-4", 80, "/min"), ("8280-0", 80, "cm"), ("8310-5", 36.8, "Cel"),
)  # fmt: skip
MAPPINGS = {
    "pcare.poli": {"Location/umum": "001", "Location/gigi": "002", "Location/konseling": "021"},
    "pcare.dokter": {"Practitioner/d1": "900001"},
    "pcare.status_pulang": {"home": "3"},
    "pcare.obat": {"kfa|93000001": "990000001", "kfa|93000002": "990000002"},
}


def concept(system: str, code: str, display: str | None = None) -> dict[str, Any]:
    coding = {"system": system, "code": code} | ({"display": display} if display else {})
    return {"coding": [coding]}


def visit(
    id: str,
    *,
    card: str = "0009999000001",
    facility: str = "99990001",
    status: str = "finished",
    version: int = 1,
    start: datetime | None = None,
    drugs: int = 1,
    diagnosis: str = "J06.9",
    poli: str = "Location/umum",
) -> list[dict[str, Any]]:
    """One visit's resources: Patient first, Encounter second, then its companions."""
    begin = start or datetime.now(UTC) - timedelta(minutes=1)
    at = begin.isoformat()
    meta = {"lastUpdated": (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=version)).isoformat()}
    patient = {"reference": f"Patient/{id}-p"}
    inside = {"encounter": {"reference": f"Encounter/{id}"}, "subject": patient, "meta": meta}
    encounter: dict[str, Any] = {
        "resourceType": "Encounter", "id": id, "meta": meta, "status": status,
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB", "display": "ambulatory"},
        "subject": patient,
        "participant": [{
            "type": [concept("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "ATND", "attender")],
            "individual": {"reference": "Practitioner/d1", "display": "dr. Uji"},
        }],
        "location": [{"location": {"reference": poli, "display": "Poli Uji"}}],
        "period": {"start": at} | ({"end": at} if status == "finished" else {}),
        "reasonCode": [{"text": "Demam 2 hari"}],
        "diagnosis": [{"condition": {"reference": f"Condition/{id}-c1"}, "rank": 1}],
        "hospitalization": {"dischargeDisposition": concept(DISPOSITION, "home", "Home")},
        "serviceProvider": {"reference": f"Organization/{facility}"},
    }  # fmt: skip
    person: dict[str, Any] = {
        "resourceType": "Patient", "id": f"{id}-p", "meta": meta, "name": [{"text": "KENARI RAHASIA"}],
        "identifier": [{"system": "https://fhir.kemkes.go.id/id/bpjs", "value": card}],
    }  # fmt: skip
    vitals: list[dict[str, Any]] = [
        {
            "resourceType": "Observation", "id": f"{id}-v{n}", "status": "final", "code": concept(LOINC, code),
            "effectiveDateTime": at, "valueQuantity": {"value": value, "unit": unit, "code": unit}, **inside,
        }
        for n, (code, value, unit) in enumerate(VITALS)
    ]  # fmt: skip
    told: list[dict[str, Any]] = [
        {
            "resourceType": "Observation", "id": f"{id}-sadar", "status": "final", "code": concept(LOINC, "67775-7"),
            "valueCodeableConcept": concept(SNOMED, "248234008", "Mentally alert"), **inside,
        },
        {
            "resourceType": "Observation", "id": f"{id}-anamnesa", "status": "final", "code": concept(LOINC, "10164-2"),
            "valueString": "Demam sejak dua hari", **inside,
        },
        {"resourceType": "Condition", "id": f"{id}-c1", "code": concept(ICD10, diagnosis), **inside},
        {
            "resourceType": "AllergyIntolerance", "id": f"{id}-a1", "patient": patient, "meta": meta,
            "code": concept(SNOMED, "716186003", "No known allergy"),
        },
        {
            "resourceType": "ClinicalImpression", "id": f"{id}-i1", "status": "completed",
            "prognosisCodeableConcept": [concept(SNOMED, "170968001", "Prognosis good")], **inside,
        },
    ]  # fmt: skip
    return [person, encounter, *vitals, *told, *(drug(id, n + 1, meta) for n in range(drugs))]


def drug(id: str, number: int, meta: dict[str, str]) -> dict[str, Any]:
    """One prescribed drug line of a visit."""
    return {
        "resourceType": "MedicationRequest", "id": f"{id}-m{number}", "status": "completed", "intent": "order",
        "meta": meta,
        "encounter": {"reference": f"Encounter/{id}"}, "subject": {"reference": f"Patient/{id}-p"},
        "medicationCodeableConcept": concept(KFA, f"9300000{1 + (number - 1) % 2}", "Paracetamol 500 mg"),
        "dosageInstruction": [{
            "text": "3 x 1 tablet sesudah makan",
            "timing": {"repeat": {"frequency": 3, "period": 1, "periodUnit": "d"}},
            "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "TAB", "code": "TAB"}}],
        }],
        "dispenseRequest": {"quantity": {"value": 10, "unit": "TAB"}},
    }  # fmt: skip
