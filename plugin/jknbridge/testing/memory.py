"""A whole target in memory, with its adapter: what every host test runs against, and an example of an adapter.

Three kinds cover what targets differ in: ``daftar`` (natural key: a second one is refused), ``layanan`` (can be
revised), ``baris`` (no natural key: an equal row may stand twice). :class:`Target` keeps the ground truth and
misbehaves on demand."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from jknbridge.contacts import ContactDraft
from jknbridge.fhir.look import identifier
from jknbridge.http import Http
from jknbridge.journey import Journey
from jknbridge.reasons import Reason, register_all
from jknbridge.settings import TargetSettings
from jknbridge.spec import hookimpl
from jknbridge.targets import (
    Absent,
    Accepted,
    Adapter,
    Ambiguous,
    Answer,
    Call,
    CannotTell,
    Change,
    CredentialRefused,
    Day,
    DayRow,
    Doubt,
    Duplicate,
    Facts,
    Finding,
    Found,
    Held,
    Instance,
    Kind,
    Known,
    Later,
    NotKnown,
    Operation,
    Outcome,
    Question,
    Receipts,
    Refused,
    Unknown,
    Verb,
)
from jknbridge.verdicts import Code, Need, Ref, Unwanted, Verdict, Waiting, Wanted

register_all(
    {
        "memori.ditolak": ("Ditolak oleh tujuan uji", "Refused by the test target", "klinik"),
        "memori.nanti": ("Tujuan uji sedang sibuk", "The test target is busy", "BPJS"),
        "memori.hilang": ("Jawaban hilang", "The answer was lost", "BPJS"),
        "memori.ganda": ("Sudah ada", "Already there", "klinik"),
        "memori.status": ("Menunggu status", "Waits for a status", "klinik"),
        "memori.peserta": ("Menunggu data peserta", "Waits for the participant", "BPJS"),
        "memori.batal": ("Dibatalkan di EMR", "Cancelled in the EMR", "klinik"),
        "memori.tidak_dikenal": ("Peserta tidak dikenal", "Unknown participant", "klinik"),
        "memori.beberapa": ("Beberapa baris sama", "Several equal rows", "klinik"),
    }
)

CARD = "urn:uji:kartu"
KINDS = {
    "daftar": Kind(
        "daftar",
        Operation(Verb.ADD, natural_key=True),
        ("no",),
        delete=Operation(Verb.DELETE),
        fields={"kartu": Change.REPLACE, "hari": Change.REPLACE, "poli": Change.REPLACE},
        other=Change.FROZEN,
    ),
    "layanan": Kind(
        "layanan",
        Operation(Verb.ADD, natural_key=True),
        ("no",),
        edit=Operation(Verb.EDIT, repeat_safe=True),
        delete=Operation(Verb.DELETE),
        needs=("daftar",),
        fields={"poli": Change.REPLACE},
    ),
    "baris": Kind(
        "baris",
        Operation(Verb.ADD, snapshot=True),
        ("no",),
        delete=Operation(Verb.DELETE),
        needs=("layanan",),
        other=Change.REPLACE,
    ),
}


@dataclass(slots=True)
class Target:
    """The far side. ``faults``: per ``kind.verb`` a queue of what the next requests meet: ``lost`` (effect, no answer),
    ``dropped`` (no effect, no answer), ``late`` (effect when :meth:`land` is called), ``later``, ``refused``,
    ``credential``, ``raise``."""

    rows: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)
    people: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    faults: dict[str, deque[str]] = field(default_factory=dict)
    effects: list[tuple[str, str, str]] = field(default_factory=list)
    requests: Counter[str] = field(default_factory=Counter)
    pending: list[tuple[str, Call]] = field(default_factory=list)
    unreadable: bool = False
    down: bool = False
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def apply(self, call: Call) -> Outcome:
        """The effect itself, judged as the target judges it."""
        kind, facility = call.kind.name, call.instance.facility
        if call.verb is Verb.DELETE:
            gone = self.rows.pop((facility, kind, call.values["no"]), None)
            if gone is None:
                return Unknown(Reason.of("memori.hilang"))
            self.effects.append((facility, f"{kind}.delete", call.values["no"]))
            return Accepted()
        if call.verb is Verb.EDIT:
            self.rows[facility, kind, call.values["no"]] = dict(call.payload)
            self.effects.append((facility, f"{kind}.edit", call.values["no"]))
            return Accepted()
        if kind != "baris" and self.find(facility, kind, call.payload):
            return Duplicate(Reason.of("memori.ganda"))
        number = f"{kind[0].upper()}{next(self._numbers)}"
        self.rows[facility, kind, number] = dict(call.payload)
        self.effects.append((facility, f"{kind}.add", number))
        return Accepted({"no": number})

    def land(self) -> None:
        """What was late takes effect now."""
        for _, call in self.pending:
            self.apply(call)
        self.pending.clear()

    def find(self, facility: str, kind: str, payload: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        """Rows with the same natural key (daftar, layanan) or the same content under the same parent (baris)."""
        keys = {"daftar": ("kartu", "hari", "poli"), "layanan": ("daftar",), "baris": ("layanan", "isi")}[kind]
        return [
            (number, row)
            for (at, of, number), row in self.rows.items()
            if at == facility and of == kind and all(row.get(k) == payload.get(k) for k in keys)
        ]

    def strike(self, operation: str) -> str | None:
        queue = self.faults.get(operation)
        return queue.popleft() if queue else None


class MemoryClient:
    def __init__(self, instance: Instance, target: Target) -> None:
        self._instance = instance
        self._target = target

    async def send(self, call: Call) -> Outcome:
        await asyncio.sleep(0)
        operation = f"{call.kind.name}.{call.verb.value}"
        self._target.requests[operation] += 1
        if self._target.down:
            return Later(Reason.of("memori.nanti"), busy=True)
        match self._target.strike(operation):
            case "lost":
                self._target.apply(call)
                return Unknown(Reason.of("memori.hilang"))
            case "dropped":
                return Unknown(Reason.of("memori.hilang"))
            case "late":
                self._target.pending.append((operation, call))
                return Unknown(Reason.of("memori.hilang"))
            case "later":
                return Later(Reason.of("memori.nanti"))
            case "refused":
                return Refused(Reason.of("memori.ditolak"))
            case "credential":
                return CredentialRefused(Reason.of("memori.ditolak"))
            case "raise":
                raise RuntimeError("a defect of the client")
            case _:
                return self._target.apply(call)

    async def snapshot(self, call: Call) -> Sequence[Mapping[str, Any]] | Later | CredentialRefused:
        if self._target.down:
            return Later(Reason.of("memori.nanti"), busy=True)
        return self._under(call)

    def _under(self, call: Call) -> list[Mapping[str, Any]]:
        parent = call.payload.get("layanan")
        return [
            {"no": number, **row}
            for (at, kind, number), row in self._target.rows.items()
            if at == self._instance.facility and kind == "baris" and row.get("layanan") == parent
        ]

    async def probe(self, doubts: Sequence[Doubt]) -> Sequence[Finding]:
        self._target.requests["probe"] += 1
        return [self._finding(doubt) for doubt in doubts]

    def _finding(self, doubt: Doubt) -> Finding:
        if self._target.unreadable or self._target.down:
            return CannotTell(Reason.of("memori.nanti"))
        call = doubt.call
        facility, kind = self._instance.facility, call.kind.name
        if call.verb is Verb.DELETE:
            there = (facility, kind, call.values["no"]) in self._target.rows
            return Found(call.values) if there else Absent(controlled=True)
        if kind == "baris":
            before = {row["no"] for row in call.snapshot or ()} | {values["no"] for values in doubt.ours}
            fresh = [row for row in self._under(call) if row["no"] not in before and row["isi"] == call.payload["isi"]]
            if len(fresh) > 1:
                return Ambiguous(tuple(fresh), Reason.of("memori.beberapa"))
            return Found({"no": fresh[0]["no"]}, fresh[0]) if fresh else Absent(controlled=True)
        found = self._target.find(facility, kind, call.payload)
        return Found({"no": found[0][0]}, found[0][1]) if found else Absent(controlled=bool(doubt.controls))

    async def ask(self, question: Question) -> Answer:
        self._target.requests["ask"] += 1
        if self._target.down:
            return Later(Reason.of("memori.nanti"), busy=True)
        person = self._target.people.get(question.subject[0])
        return Known(person) if person is not None else NotKnown(Reason.of("memori.tidak_dikenal"))

    async def day(self, day: date, held: Sequence[Held]) -> Day:
        if self._target.unreadable or self._target.down:
            return Day(None, Reason.of("memori.nanti"))
        rows = [
            DayRow(kind, {"no": number}, (row["kartu"], row["hari"], row["poli"]) if kind == "daftar" else (), row)
            for (at, kind, number), row in self._target.rows.items()
            if at == self._instance.facility and row.get("hari", day.isoformat()) == day.isoformat()
        ]
        return Day(tuple(rows))


class MemorySettings(TargetSettings):
    """Nothing beyond what every target has."""


class MemoryAdapter:
    """Encounter → daftar and layanan, each Observation with a text → baris. Status rules as for PCare."""

    target = "memori"
    version = 1
    kinds: Mapping[str, Kind] = KINDS
    reads = frozenset({"Encounter", "Patient", "Observation", "Location"})
    settings: type[TargetSettings] = MemorySettings

    def __init__(self, target: Target) -> None:
        self.far = target
        self.silent = False

    def translate(
        self, journey: Journey, receipts: Receipts, facts: Facts, settings: TargetSettings
    ) -> Sequence[Verdict]:
        if self.silent:
            return []
        encounter = journey.anchor.content
        key = journey.anchor.key
        status = "deleted" if encounter is None else encounter.get("status")
        if encounter is None or status in ("cancelled", "entered-in-error"):
            evidence: Any = "deleted" if encounter is None else status
            known = [(kind, key) for kind in ("daftar", "layanan")]
            known += [("baris", r.key) for r in journey.resources.get("Observation", ())]
            return [Unwanted(kind, k, evidence, Reason.of("memori.batal")) for kind, k in known]
        day = journey.day((encounter.get("period") or {}).get("start"))
        if status not in ("arrived", "in-progress", "finished") or day is None:
            return [Waiting("daftar", key, (Need(Reason.of("memori.status"), "Encounter.status"),))]
        patient = journey.linked((encounter.get("subject") or {}).get("reference")) or {}
        card = identifier(patient, (CARD,)) or ""
        answer = facts.get(Question("orang", (card,), day))
        if not isinstance(answer, Known):
            return [Waiting("daftar", key, (Need(Reason.of("memori.peserta"), "Patient.identifier"),))]
        poli: Any = Code(
            "memori.poli", str(((encounter.get("location") or [{}])[0].get("location") or {}).get("reference"))
        )
        contact = ContactDraft(
            "SAKIT_RAJAL",
            "gedung",
            "langsung",
            day,
            card,
            sick=True,
            encounter_status=str(status),
            registered_here=bool(answer.value.get("sini")),
            active=True,
        )
        daftar = Wanted(
            "daftar",
            key,
            {"kartu": card, "hari": day.isoformat(), "poli": poli, "keluhan": encounter.get("note")},
            day,
            claim=(card, day.isoformat(), poli),
        )
        if status != "finished":
            wait = (Need(Reason.of("memori.status"), "Encounter.status"),)
            return [daftar, Waiting("layanan", key, wait)]
        parent = Ref("memori.layanan", key, "no")
        return [
            daftar,
            Wanted(
                "layanan",
                key,
                {"daftar": Ref("memori.daftar", key, "no"), "isi": encounter.get("hasil"), "poli": poli},
                day,
                settle="layanan",
                contact=contact,
            ),
            *self._rows(journey, parent, day),
        ]

    def _rows(self, journey: Journey, parent: Ref, day: date) -> list[Verdict]:
        verdicts: list[Verdict] = []
        for resource in journey.resources.get("Observation", ()):
            if resource.content is None:
                verdicts.append(Unwanted("baris", resource.key, "deleted", Reason.of("memori.batal")))
            else:
                payload = {"layanan": parent, "isi": resource.content.get("valueString")}
                verdicts.append(Wanted("baris", resource.key, payload, day, parent=parent, settle="layanan"))
        return verdicts

    def compose(self, call: Call) -> Mapping[str, Any] | Reason:
        return call.payload

    def client(self, instance: Instance, http: Http) -> MemoryClient:
        return MemoryClient(instance, self.far)


class MemoryPlugin:
    """The plugin object to hand to :func:`jknbridge.plugins.build`."""

    def __init__(self, target: Target | None = None) -> None:
        self.far = target or Target()
        self.adapter = MemoryAdapter(self.far)

    @hookimpl
    def jknbridge_adapters(self) -> Sequence[Adapter]:
        return [self.adapter]
