"""Journeys built by hand, as the host would hand them to the adapter. Synthetic people only."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from jknbridge.journey import Journey, Resource
from jknbridge.targets import Known, NotKnown, Question
from jknbridge.verdicts import Verdict
from jknbridge_adapters.pcare.adapter import PCareAdapter
from jknbridge_adapters.pcare.settings import PCareSettings

CARD, NIK, FACILITY = "0009999000001", "9999000000000001", "99990001"
ICD10, SNOMED, LOINC = "http://hl7.org/fhir/sid/icd-10", "http://snomed.info/sct", "http://loinc.org"
PARTICIPANT = {
    "noKartu": CARD, "kdProviderPst": FACILITY, "aktif": True, "ketAktif": "AKTIF", "pstProl": None, "pstPrb": None,
    "nik": NIK, "tglLahir": "01-01-1980", "sex": "L",
}  # fmt: skip


def concept(system: str, code: str, display: str | None = None) -> dict[str, Any]:
    coding = {"system": system, "code": code}
    return {"coding": [coding | ({"display": display} if display else {})]}


def observation(id_: str, loinc: str, value: float, unit: str, at: str = "2026-03-02T09:00:00+07:00") -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": id_, "status": "final", "code": concept(LOINC, loinc),
        "encounter": {"reference": "Encounter/e1"}, "effectiveDateTime": at,
        "valueQuantity": {"value": value, "unit": unit, "code": unit, "system": "http://unitsofmeasure.org"},
    }  # fmt: skip


def condition(id_: str, icd10: str | None, **more: Any) -> dict[str, Any]:
    coded = {"code": concept(ICD10, icd10)} if icd10 else {}
    return {"resourceType": "Condition", "id": id_, "encounter": {"reference": "Encounter/e1"}, **coded, **more}


def prescription(id_: str, code: str = "93000001", name: str = "Paracetamol 500 mg", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest", "id": id_, "status": "completed", "intent": "order",
        "encounter": {"reference": "Encounter/e1"},
        "medicationCodeableConcept": concept("http://sys-ids.kemkes.go.id/kfa", code, name),
        "dosageInstruction": [{
            "sequence": 1, "text": "3 x 1 tablet sesudah makan",
            "timing": {"repeat": {"frequency": 3, "period": 1, "periodUnit": "d"}},
            "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "TAB", "code": "TAB"}}],
        }],
        "dispenseRequest": {"quantity": {"value": 10, "unit": "TAB"}},
        **more,
    }  # fmt: skip


def a_sick_visit() -> list[dict[str, Any]]:
    """A finished outpatient visit with everything PCare asks for."""
    return [
        {
            "resourceType": "Encounter", "id": "e1", "status": "finished",
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
            "subject": {"reference": "Patient/p1"},
            "participant": [{
                "type": [concept("v3", "ATND")],
                "individual": {"reference": "Practitioner/d1", "display": "dr. Uji"},
            }],
            "location": [{"location": {"reference": "Location/umum", "display": "Poli Umum"}}],
            "period": {"start": "2026-03-02T08:30:00+07:00", "end": "2026-03-02T09:30:00+07:00"},
            "reasonCode": [{"text": "Demam 2 hari"}],
            "diagnosis": [
                {"condition": {"reference": "Condition/c2"}, "rank": 2},
                {"condition": {"reference": "Condition/c1"}, "rank": 1},
            ],
            "hospitalization": {
                "dischargeDisposition": concept("http://terminology.hl7.org/CodeSystem/discharge-disposition", "home")
            },
            "serviceProvider": {"reference": f"Organization/{FACILITY}"},
        },
        {
            "resourceType": "Patient", "id": "p1", "name": [{"text": "KENARI RAHASIA"}],
            "identifier": [
                {"system": "https://fhir.kemkes.go.id/id/bpjs", "value": CARD},
                {"system": "https://fhir.kemkes.go.id/id/nik", "value": NIK},
            ],
        },
        condition("c1", "J06.9"),
        condition("c2", "R51"),
        observation("o1", "8480-6", 120, "mm[Hg]"),
        observation("o2", "8462-4", 80, "mm[Hg]"),
        observation("o3", "29463-7", 60.5, "kg"),
        observation("o4", "8302-2", 1.65, "m"),
        observation("o5", "9279-1", 20, "/min"),
        observation("o6", "8867-4", 80, "{beats}/min"),
        observation("o7", "8280-0", 80, "cm"),
        observation("o8", "8310-5", 37.8, "Cel"),
        {
            "resourceType": "Observation", "id": "o9", "status": "final", "code": concept(LOINC, "67775-7"),
            "encounter": {"reference": "Encounter/e1"},
            "valueCodeableConcept": concept(SNOMED, "248234008", "Mentally alert"),
        },
        {
            "resourceType": "Observation", "id": "o10", "status": "final", "code": concept(LOINC, "10164-2"),
            "encounter": {"reference": "Encounter/e1"}, "valueString": "Demam sejak dua hari, batuk pilek",
        },
        {
            "resourceType": "AllergyIntolerance", "id": "a1", "patient": {"reference": "Patient/p1"},
            "code": concept(SNOMED, "716186003", "No known allergy"),
        },
        {
            "resourceType": "ClinicalImpression", "id": "i1", "status": "completed",
            "encounter": {"reference": "Encounter/e1"},
            "prognosisCodeableConcept": [concept(SNOMED, "170968001", "Prognosis good")],
        },
        prescription("m1"),
    ]  # fmt: skip


class Receipts(dict[tuple[str, str], Mapping[str, str]]):
    def get(self, receipt: str, key: str) -> Mapping[str, str] | None:  # type: ignore[override]
        return super().get((receipt, key))


class Facts:
    def __init__(self, answers: Mapping[tuple[str, ...], Known | NotKnown]) -> None:
        self._answers = answers
        self.asked: list[Question] = []

    def get(self, question: Question) -> Known | NotKnown | None:
        self.asked.append(question)
        return self._answers.get(question.subject)


@dataclass
class Clinic:
    """One visit, to be bent by a test. ``gone``: ids of deleted resources (``Type/id``)."""

    resources: list[dict[str, Any]] = field(default_factory=a_sick_visit)
    gone: list[str] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    receipts: Receipts = field(default_factory=Receipts)
    participant: Known | NotKnown | None = field(default_factory=lambda: Known(dict(PARTICIPANT)))
    zone: str = "Asia/Jakarta"
    facts: Facts = field(default_factory=lambda: Facts({}))

    def __getitem__(self, reference: str) -> dict[str, Any]:
        type_, _, id_ = reference.partition("/")
        return next(r for r in self.resources if r["resourceType"] == type_ and r["id"] == id_)

    @property
    def encounter(self) -> dict[str, Any]:
        return self["Encounter/e1"]

    def add(self, *resources: dict[str, Any]) -> None:
        self.resources += resources

    def drop(self, reference: str) -> None:
        self.resources.remove(self[reference])

    def hold(self, kind: str, key: str, **values: str) -> None:
        self.receipts[f"pcare.{kind}", f"emr/{key}"] = values

    def settings(self) -> PCareSettings:
        base: dict[str, Any] = {
            "mulai": date(2026, 1, 1), "base_url": "http://localhost/pcare-rest", "cons_id": "90001",
            "secret_key": "rahasia-01", "user_key": "kunci-pcare-01", "username": "uji", "password": "Sandi#1",
        }  # fmt: skip
        return PCareSettings(**(base | self.options))

    def journey(self, order: Sequence[int] | None = None) -> Journey:
        held = [
            Resource("emr", one["resourceType"], one["id"], copy.deepcopy(one))
            for one in self.resources
            if f"{one['resourceType']}/{one['id']}" not in self.gone
        ]
        held += [Resource("emr", *reference.split("/"), None) for reference in self.gone]
        if order is not None:
            held = [held[i] for i in order]
        # The host sorts by reference, whatever order things came in (Journey.all: a stable order).
        by_type: dict[str, list[Resource]] = {}
        for one in sorted(held, key=lambda r: r.reference):
            by_type.setdefault(one.type, []).append(one)
        links = {one.reference: one for one in held}
        return Journey("emr", links["Encounter/e1"], FACILITY, ZoneInfo(self.zone), by_type, links)

    def verdicts(self, order: Sequence[int] | None = None) -> list[Verdict]:
        answers = {} if self.participant is None else {("noka", CARD): self.participant, ("nik", NIK): self.participant}
        self.facts = Facts(answers)
        return list(PCareAdapter().translate(self.journey(order), self.receipts, self.facts, self.settings()))

    def said(self) -> dict[tuple[str, str], Verdict]:
        """Verdicts by kind and local key without the source; each mentioned once."""
        verdicts = self.verdicts()
        found = {(v.kind, v.key.removeprefix("emr/")): v for v in verdicts}
        assert len(found) == len(verdicts), "a submission was mentioned twice"
        return found


@pytest.fixture
def clinic() -> Clinic:
    return Clinic()


@pytest.fixture
def make() -> Any:
    """The builders, for tests that need more resources."""

    class Make:
        observation = staticmethod(observation)
        condition = staticmethod(condition)
        prescription = staticmethod(prescription)
        concept = staticmethod(concept)
        card, nik, facility, icd10, snomed, loinc, participant = CARD, NIK, FACILITY, ICD10, SNOMED, LOINC, PARTICIPANT

    return Make
