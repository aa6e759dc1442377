"""FHIR R4 resources in the shapes that published SATUSEHAT bodies have. Plain JSON; nothing here decides anything.

Each builder makes one whole resource without ``meta``; ``visit.version`` dates it. Codes of drugs (KFA) are invented;
LOINC, SNOMED and ICD-10 codes are the real ones.
"""

from __future__ import annotations

from typing import Any

from jknbridge_consumers.demo.people import Clinic, Person

Resource = dict[str, Any]

LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
ICD10, KFA = "http://hl7.org/fhir/sid/icd-10", "http://sys-ids.kemkes.go.id/kfa"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
DISPOSITION = "http://terminology.hl7.org/CodeSystem/discharge-disposition"
ORDERABLE_FORM = "http://terminology.hl7.org/CodeSystem/v3-orderableDrugForm"
UCUM = "http://unitsofmeasure.org"
HEALTHY = "urn:jknbridge:kbk-jenis-layanan"
CARD, NIK = "https://fhir.kemkes.go.id/id/bpjs", "https://fhir.kemkes.go.id/id/nik"
MEDICATION_TYPE = "https://fhir.kemkes.go.id/r4/StructureDefinition/MedicationType"

CLASSES = {
    "AMB": "ambulatory",
    "HH": "home health",
    "VR": "virtual",
    "IMP": "inpatient encounter",
    "OBSENC": "observation encounter",
}


def concept(system: str, code: str, display: str | None = None, text: str | None = None) -> dict[str, Any]:
    coding = {"system": system, "code": code} | ({"display": display} if display else {})
    return {"coding": [coding]} | ({"text": text} if text else {})


def reference(type_: str, id_: str, display: str | None = None) -> dict[str, Any]:
    return {"reference": f"{type_}/{id_}"} | ({"display": display} if display else {})


def organisation(clinic: Clinic) -> Resource:
    return {"resourceType": "Organization", "id": clinic.code, "active": True, "name": clinic.name}


def location(id_: str, name: str, clinic: Clinic) -> Resource:
    return {
        "resourceType": "Location", "id": id_, "status": "active", "name": name, "mode": "instance",
        "managingOrganization": reference("Organization", clinic.code),
    }  # fmt: skip


def practitioner(id_: str) -> Resource:
    return {
        "resourceType": "Practitioner",
        "id": id_,
        "active": True,
        "name": [{"text": id_.replace("-", " ").title()}],
    }


def patient(person: Person, *, card: bool = True, nik: bool = True) -> Resource:
    year, month, day = person.born
    numbers = [(NIK, person.nik)] * nik + [(CARD, person.card)] * card
    found: Resource = {
        "resourceType": "Patient", "id": person.id, "active": True,
        "identifier": [{"use": "official", "system": system, "value": value} for system, value in numbers],
        "name": [{"use": "official", "text": person.name}],
        "gender": person.gender, "birthDate": f"{year}-{month:02}-{day:02}", "deceasedBoolean": False,
        "communication": [{"language": concept("urn:ietf:bcp:47", "id-ID", "Indonesian"), "preferred": True}],
    }  # fmt: skip
    if not numbers:
        del found["identifier"]
    return found


def coverage(person: Person, payer: str, *, card: bool = False) -> Resource:
    return {
        "resourceType": "Coverage", "id": f"{person.id}-penjamin", "status": "active",
        "beneficiary": reference("Patient", person.id), "payor": [{"display": payer}], "type": {"text": payer},
        **({"subscriberId": person.card} if card else {}),
    }  # fmt: skip


def observation(id_: str, visit: str, person: Person, loinc: str, display: str, at: str, **value: Any) -> Resource:
    vital = not value.get("valueString")
    category = "http://terminology.hl7.org/CodeSystem/observation-category"
    return {
        "resourceType": "Observation", "id": id_, "status": "final",
        "category": [concept(category, *(("vital-signs", "Vital Signs") if vital else ("survey", "Survey")))],
        "code": concept(LOINC, loinc, display),
        "subject": reference("Patient", person.id, person.name), "encounter": reference("Encounter", visit),
        "effectiveDateTime": at, "issued": at, **value,
    }  # fmt: skip


def quantity(value: float, unit: str) -> dict[str, Any]:
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}


def condition(id_: str, visit: str, person: Person, code: str, name: str, at: str, system: str = ICD10) -> Resource:
    base = "http://terminology.hl7.org/CodeSystem/condition-"
    return {
        "resourceType": "Condition", "id": id_,
        "clinicalStatus": concept(f"{base}clinical", "active", "Active"),
        "category": [concept(f"{base}category", "encounter-diagnosis", "Encounter Diagnosis")],
        "code": concept(system, code, name),
        "subject": reference("Patient", person.id, person.name), "encounter": reference("Encounter", visit),
        "recordedDate": at,
    }  # fmt: skip


def allergy(person: Person, code: dict[str, Any], at: str, category: str | None = None) -> Resource:
    """For ``code`` "no known allergy" there is no category."""
    base = "http://terminology.hl7.org/CodeSystem/allergyintolerance-"
    return {
        "resourceType": "AllergyIntolerance", "id": f"{person.id}-alergi",
        "clinicalStatus": concept(f"{base}clinical", "active", "Active"),
        "verificationStatus": concept(f"{base}verification", "confirmed", "Confirmed"),
        **({"category": [category]} if category else {}),
        "code": code, "patient": reference("Patient", person.id, person.name), "recordedDate": at,
    }  # fmt: skip


def impression(id_: str, visit: str, person: Person, at: str) -> Resource:
    """The prognosis, as SATUSEHAT has it: a ClinicalImpression."""
    return {
        "resourceType": "ClinicalImpression", "id": id_, "status": "completed",
        "code": concept(SNOMED, "20481000", "Determination of prognosis"),
        "subject": reference("Patient", person.id, person.name), "encounter": reference("Encounter", visit),
        "effectiveDateTime": at, "date": at,
        "prognosisCodeableConcept": [concept(SNOMED, "170968001", "Prognosis good")],
    }  # fmt: skip


def procedure(id_: str, visit: str, person: Person, at: str, name: str, used: str | None = None) -> Resource:
    return {
        "resourceType": "Procedure", "id": id_, "status": "completed",
        "category": concept(SNOMED, "277132007", "Therapeutic procedure"), "code": {"text": name},
        "subject": reference("Patient", person.id, person.name), "encounter": reference("Encounter", visit),
        "performedPeriod": {"start": at, "end": at}, **({"usedCode": [{"text": used}]} if used else {}),
    }  # fmt: skip


def prescription(id_: str, visit: str, person: Person, at: str, medication: Resource, amount: int) -> Resource:
    """A MedicationRequest with its Medication contained, three times one a day."""
    return {
        "resourceType": "MedicationRequest", "id": id_, "contained": [medication], "status": "completed",
        "intent": "order", "medicationReference": {"reference": f"#{medication['id']}"},
        "subject": reference("Patient", person.id, person.name), "encounter": reference("Encounter", visit),
        "authoredOn": at,
        "dosageInstruction": [{
            "sequence": 1, "text": "3 x 1 sesudah makan",
            "timing": {"repeat": {"frequency": 3, "period": 1, "periodUnit": "d"}},
            "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "TAB", "system": ORDERABLE_FORM, "code": "TAB"}}],
        }],
        "dispenseRequest": {"quantity": {"value": amount, "unit": "TAB", "system": ORDERABLE_FORM, "code": "TAB"}},
    }  # fmt: skip


def medication(id_: str, code: str | None, name: str) -> Resource:
    kind = concept("http://terminology.kemkes.go.id/CodeSystem/medication-type", "NC", "Non-compound")
    return {
        "resourceType": "Medication", "id": id_, "status": "active",
        "code": concept(KFA, code, name, name) if code else {"text": name},
        "extension": [{"url": MEDICATION_TYPE, "valueCodeableConcept": kind}],
    }  # fmt: skip


def compound(id_: str, name: str, parts: list[tuple[str, str, float]]) -> Resource:
    """A powder of several drugs: (KFA code, name, tablets per powder) each."""
    kind = concept("http://terminology.kemkes.go.id/CodeSystem/medication-type", "SD", "Gives of such doses")
    powder = {"value": 1, "unit": "POWD", "system": ORDERABLE_FORM, "code": "POWD"}
    return {
        "resourceType": "Medication", "id": id_, "status": "active", "code": {"text": name},
        "extension": [{"url": MEDICATION_TYPE, "valueCodeableConcept": kind}],
        "ingredient": [
            {
                "itemCodeableConcept": concept(KFA, code, drug),
                "strength": {
                    "numerator": {"value": tablets, "unit": "TAB", "system": ORDERABLE_FORM, "code": "TAB"},
                    "denominator": powder,
                },
            }
            for code, drug, tablets in parts
        ],
    }  # fmt: skip


def referral(id_: str, visit: str, person: Person, at: str) -> Resource:
    return {
        "resourceType": "ServiceRequest", "id": id_, "status": "active", "intent": "original-order",
        "category": [concept(SNOMED, "3457005", "Patient referral")],
        "code": concept(SNOMED, "103696004", "Patient referral to specialist"),
        "subject": reference("Patient", person.id, person.name), "encounter": reference("Encounter", visit),
        "authoredOn": at,
    }  # fmt: skip
