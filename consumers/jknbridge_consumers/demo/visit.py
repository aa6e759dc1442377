"""One visit of the demo, from arrival to discharge, as resource versions on that day's waves.

A :class:`Visit` knows what an EMR would record; it says nothing of what PCare should make of it (``journeys.py`` does).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any

from jknbridge.settings import ZONES
from jknbridge_consumers.demo import fhir
from jknbridge_consumers.demo.fhir import Resource
from jknbridge_consumers.demo.people import Clinic, Person


class Wave(IntEnum):
    """The day in four waves of publishing; each is let settle before the next."""

    MORNING = 0
    SERVING = 1
    FINISHED = 2
    CORRECTED = 3

    @property
    def label(self) -> str:
        return ("pagi / arrivals", "berjalan / in progress", "selesai / finished", "koreksi / corrections")[self]


@dataclass(frozen=True, slots=True)
class Day:
    """One clinic's today. Read from the clock once, so that a run across midnight stays on one calendar day."""

    now: datetime

    @classmethod
    def of(cls, clinic: Clinic, now: float) -> Day:
        return cls(datetime.fromtimestamp(now, ZONES[clinic.zone]))

    @property
    def tanggal(self) -> str:
        """As PCare writes it."""
        return self.now.strftime("%d-%m-%Y")

    def at(self, minutes_ago: float) -> str:
        """A time of today that is past: shortly after midnight all of them are midnight."""
        midnight = self.now.replace(hour=0, minute=0, second=0, microsecond=0)
        return max(self.now - timedelta(minutes=minutes_ago), midnight).isoformat(timespec="seconds")

    def stamp(self, wave: Wave) -> str:
        """``meta.lastUpdated`` of what a wave writes: past, and later with each wave. Need not be today."""
        moment = self.now - timedelta(minutes=40 - 9 * wave)
        return moment.isoformat(timespec="milliseconds")


@dataclass(frozen=True, slots=True)
class Version:
    """One version of one resource, published on a wave."""

    wave: Wave
    resource: Resource

    @property
    def name(self) -> str:
        return f"{self.resource['resourceType']}/{self.resource['id']}"


def version(day: Day, wave: Wave, resource: Resource) -> Version:
    meta = {"versionId": str(wave + 1), "lastUpdated": day.stamp(wave)}
    return Version(wave, {"resourceType": resource["resourceType"], "id": resource["id"], "meta": meta, **resource})


@dataclass(frozen=True, slots=True)
class Drug:
    """A drug by the EMR's (invented) KFA code and name, and by PCare's code; ``dpho`` ``-``: not in DPHO, ``None``:
    nobody mapped it."""

    kfa: str | None
    name: str
    dpho: str | None

    @property
    def at_pcare(self) -> str:
        return self.name if self.dpho in ("-", None) else str(self.dpho)


DRUGS = {
    "paracetamol": Drug("93990001", "Paracetamol 500 mg Tablet", "990000001"),
    "ibuprofen": Drug("93990003", "Ibuprofen 400 mg Tablet", "990000003"),
    "amoksisilin": Drug("93990005", "Amoksisilin 500 mg Kapsul", "990000005"),
    "amlodipin": Drug("93990011", "Amlodipin 5 mg Tablet", "990000011"),
    "metformin": Drug("93990016", "Metformin 500 mg Tablet", "990000016"),
    "ambroksol": Drug("93990020", "Ambroksol 30 mg Tablet", "990000020"),
    "ctm": Drug("93990023", "Klorfeniramin 4 mg Tablet", "990000023"),
    "antasida": Drug("93990025", "Antasida DOEN Tablet Kunyah", "990000025"),
    "omeprazol": Drug("93990026", "Omeprazol 20 mg Kapsul", "990000026"),
    "minyak": Drug("93990090", "Minyak Gosok Contoh", "-"),
    "jamu": Drug("93990091", "Jamu Contoh Serbuk", None),
}


@dataclass(frozen=True, slots=True)
class Prescribed:
    """One line of a visit: a drug and how many, or a compound of two halves per powder."""

    drug: Drug
    amount: int
    second: Drug | None = None

    @property
    def lines(self) -> tuple[tuple[str, float], ...]:
        """(code or name, amount) as PCare should hold them."""
        if self.second is None:
            return ((self.drug.at_pcare, float(self.amount)),)
        return tuple((drug.at_pcare, self.amount / 2) for drug in (self.drug, self.second))


@dataclass(frozen=True, slots=True)
class Case:
    """Why somebody comes, and what is found."""

    complaint: str
    history: str
    icd10: str
    diagnosis: str
    drugs: tuple[str, ...] = ()


VITALS: tuple[tuple[str, str, str, str, int], ...] = (
    ("sistole", "8480-6", "Systolic blood pressure", "mm[Hg]", 118),
    ("diastole", "8462-4", "Diastolic blood pressure", "mm[Hg]", 76),
    ("beratBadan", "29463-7", "Body weight", "kg", 56),
    ("tinggiBadan", "8302-2", "Body height", "cm", 158),
    ("respRate", "9279-1", "Respiratory rate", "/min", 18),
    ("heartRate", "8867-4", "Heart rate", "/min", 78),
    ("lingkarPerut", "8280-0", "Waist circumference", "cm", 79),
    ("suhu", "8310-5", "Body temperature", "Cel", 36),
)
"""PCare's field, LOINC, name, unit, and a number that differs a little from person to person."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One Encounter and what belongs to it. ``without``: PCare's name of a vital that nobody measured."""

    id: str
    clinic: Clinic
    person: Person
    day: Day
    case: Case
    kelas: str = "AMB"
    place: str | None = "umum"
    jenis: str | None = None
    doctor: int = 0
    drugs: tuple[Prescribed, ...] = ()
    disposition: str | None = "home"
    without: str | None = None
    allergy: str | None = "none"
    icd10: bool = True
    payer: str | None = None
    card_in: str = "patient"
    nik: bool = True
    provider: str | None = None
    treatment: tuple[str, str] | None = None
    panel: bool = False
    began: int = 110
    extra: tuple[Resource, ...] = field(default=())

    def changed(self, **changes: Any) -> Visit:
        return replace(self, **changes)

    # --- what the EMR writes --------------------------------------------------------------------------------------

    def encounter(self, status: str) -> Resource:
        clinic, person = self.clinic, self.person
        finished = status == "finished"
        start, served, end = self.day.at(self.began), self.day.at(self.began - 40), self.day.at(self.began - 70)
        period = {"start": start} | ({"end": end} if finished else {})
        found: Resource = {
            "resourceType": "Encounter", "id": self.id, "status": status,
            "identifier": [{
                "system": f"http://sys-ids.kemkes.go.id/encounter/{clinic.code}", "value": self.id.upper(),
            }],
            "class": {"system": fhir.ACT, "code": self.kelas, "display": fhir.CLASSES[self.kelas]},
            "subject": fhir.reference("Patient", person.id, person.name),
            "participant": [{
                "type": [fhir.concept(fhir.PARTICIPATION, "ATND", "attender")],
                "individual": fhir.reference("Practitioner", clinic.doctors[self.doctor][0]),
            }],
            "period": period,
            "reasonCode": [{"text": self.case.complaint}],
            "statusHistory": self._history(status, start, served, end),
            "serviceProvider": fhir.reference("Organization", self.provider or clinic.code),
        }  # fmt: skip
        if self.place is not None:
            found["location"] = [{"location": fhir.reference("Location", self.location), "period": dict(period)}]
        if self.jenis is not None:
            found["serviceType"] = fhir.concept(fhir.HEALTHY, self.jenis)
        if finished and self.jenis is None:
            found["diagnosis"] = [{"condition": fhir.reference("Condition", f"{self.id}-diagnosis"), "rank": 1}]
        if finished and self.disposition is not None:
            found["hospitalization"] = {"dischargeDisposition": fhir.concept(fhir.DISPOSITION, self.disposition)}
        return found

    @property
    def location(self) -> str:
        return f"{self.clinic.code}-{self.place}"

    @staticmethod
    def _history(status: str, start: str, served: str, end: str) -> list[dict[str, Any]]:
        passed = {
            "planned": ["planned"], "arrived": ["arrived"], "in-progress": ["arrived", "in-progress"],
            "finished": ["arrived", "in-progress", "finished"],
        }.get(status, ["arrived", status])  # fmt: skip
        begins = {"arrived": start, "in-progress": served}
        return [{"status": one, "period": {"start": begins.get(one, end)}} for one in passed]

    def coming(self) -> list[Resource]:
        """The patient, and who pays if that was asked."""
        found = [fhir.patient(self.person, card=self.card_in == "patient", nik=self.nik)]
        if self.payer is not None:
            found.append(fhir.coverage(self.person, self.payer, card=self.card_in == "coverage"))
        return found

    def measured(self) -> list[Resource]:
        """Vitals, consciousness, the history of the complaint."""
        at = self.day.at(self.began - 35)
        made = list(self._vitals(at))
        alert = fhir.concept(fhir.SNOMED, "248234008", "Mentally alert")
        made.append(self._observation("sadar", "67775-7", "Level of responsiveness", at, valueCodeableConcept=alert))
        illness = "History of Present illness Narrative"
        made.append(self._observation("anamnesa", "10164-2", illness, at, valueString=self.case.history))
        return made

    def _vitals(self, at: str) -> list[Resource]:
        made = []
        for name, loinc, display, unit, _ in VITALS:
            if name != self.without and not (self.panel and name in ("sistole", "diastole")):
                value = fhir.quantity(self.vital(name), unit)
                made.append(self._observation(name.lower(), loinc, display, at, valueQuantity=value))
        if self.panel:
            parts = [
                {
                    "code": fhir.concept(fhir.LOINC, loinc, display),
                    "valueQuantity": fhir.quantity(self.vital(name), unit),
                }
                for name, loinc, display, unit, _ in VITALS[:2]
            ]
            made.append(self._observation("tensi", "85354-9", "Blood pressure panel", at, component=parts))
        return made

    def vital(self, name: str) -> float:
        base = next(value for known, *_, value in VITALS if known == name)
        return base + self.person.number % 7 * (0.1 if name == "suhu" else 1)

    def _observation(self, part: str, loinc: str, display: str, at: str, **value: Any) -> Resource:
        return fhir.observation(f"{self.id}-{part}", self.id, self.person, loinc, display, at, **value)

    def closing(self) -> list[Resource]:
        """Diagnosis, prognosis, allergies, prescriptions, treatment. A healthy visit has none of them."""
        if self.jenis is not None:
            return [*self.extra]
        at = self.day.at(self.began - 60)
        system, code = (fhir.ICD10, self.case.icd10) if self.icd10 else (fhir.SNOMED, "386661006")
        name = f"{self.id}-diagnosis"
        made = [fhir.condition(name, self.id, self.person, code, self.case.diagnosis, at, system)]
        made.append(fhir.impression(f"{self.id}-prognosis", self.id, self.person, at))
        made += self.allergies(at)
        made += [self.prescription(number) for number in range(len(self.drugs))]
        if self.treatment is not None:
            made.append(fhir.procedure(f"{self.id}-tindakan", self.id, self.person, at, *self.treatment))
        return [*made, *self.extra]

    def allergies(self, at: str) -> list[Resource]:
        """``none``: asked, none known; ``antibiotik``: one of drugs, none of food and air; ``None``: nobody asked."""
        none = fhir.allergy(self.person, fhir.concept(fhir.SNOMED, "716186003", "No known allergy"), at)
        if self.allergy == "none":
            return [none]
        if self.allergy is None:
            return []
        amoxicillin = DRUGS["amoksisilin"]
        said = (
            (fhir.concept(fhir.KFA, str(amoxicillin.kfa), amoxicillin.name), "medication"),
            (fhir.concept(fhir.SNOMED, "429625007", "No known food allergy"), "food"),
            (fhir.concept(fhir.SNOMED, "428607008", "No known environmental allergy"), "environment"),
        )
        return [
            {**fhir.allergy(self.person, code, at, category), "id": f"{self.person.id}-alergi-{category}"}
            for code, category in said
        ]

    def prescription(self, number: int, **changes: Any) -> Resource:
        """The prescription as written, or with its ``amount`` or ``status`` changed."""
        line = self.drugs[number]
        amount = changes.pop("amount", line.amount)
        name = f"{self.id}-obat-{number + 1}"
        if line.second is None:
            medication = fhir.medication(f"{name}-m", line.drug.kfa, line.drug.name)
        else:
            halves = [(str(drug.kfa), drug.name, 0.5) for drug in (line.drug, line.second)]
            medication = fhir.compound(f"{name}-m", "Puyer Contoh", halves)
        at = self.day.at(self.began - 65)
        return {**fhir.prescription(name, self.id, self.person, at, medication, amount), **changes}

    # --- versions -------------------------------------------------------------------------------------------------

    def version(self, wave: Wave, resource: Resource) -> Version:
        return version(self.day, wave, resource)

    def through(self, last: str = "finished", first: Wave = Wave.MORNING) -> list[Version]:
        """The usual day up to and with a status; ``first`` is the wave of arrival."""
        made = [self.version(first, one) for one in (*self.coming(), self.encounter("arrived"))]
        if last == "arrived":
            return made
        serving = max(Wave.SERVING, first)
        # A second arrival on the wave of serving: one version less, as when an EMR skips a status.
        if serving != first:
            made.append(self.version(serving, self.encounter("in-progress")))
        made += [self.version(serving, one) for one in self.measured()]
        if last == "in-progress":
            return made
        made.append(self.version(Wave.FINISHED, self.encounter("finished")))
        return made + [self.version(Wave.FINISHED, one) for one in self.closing()]
