"""A host over a real ledger file, a target in memory, and the hands of staff at that target."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from jknbridge import reconciling
from jknbridge.fhir.records import Record
from jknbridge.host import Host
from jknbridge.ledger import schema as s
from jknbridge.plugins import build
from jknbridge.reconciling import DayReport
from jknbridge.settings import parse
from jknbridge.testing.clock import ManualClock, idle
from jknbridge.testing.memory import CARD, MemoryPlugin

DAY = date(2026, 1, 5)
PERSON = "0009999000011"


class Clinic:
    """One facility's bridge. ``far`` is the target's truth; ``hand`` deletes there as staff do."""

    def __init__(self, folder: Path, **overrides: Any) -> None:
        self.plugin = MemoryPlugin()
        self.far = self.plugin.far
        for i in range(11, 40):
            self.far.people[f"00099990000{i}"] = {"sini": True}
        self.plugins = build([self.plugin], entry_points=False)
        self.config: dict[str, Any] = {
            "ledger": {"url": f"sqlite:///{folder}/ledger.sqlite3"},
            "sumber": {"emr": {"topics": ["fhir.encounter"], "mulai_dari": "awal"}},
            "waktu": {"settle": {"layanan": 0}},
            "faskes": {
                "99990001": {
                    "nama": "Klinik Uji", "zona": "WIB", "organisasi": ["Organization/99990001"],
                    "memori": {"mulai": "2026-01-01", "base_url": "memory://uji", **overrides},
                }
            },
        }  # fmt: skip
        self.clock = ManualClock()
        self._offsets = itertools.count()
        self.host = Host(parse(self.config, self.plugins), self.plugins, clock=self.clock)
        row = {"facility": "*", "list": "memori.poli", "local": "Location/umum", "code": "001", "set_at": 0.0}
        self.host.ledger.write_now(lambda c: c.execute(s.mapping.insert(), {**row, "set_by": "uji"}))

    @property
    def instance(self) -> Any:
        return next(iter(self.host.instances))

    def publish(self, *resources: dict[str, Any]) -> None:
        records = [
            Record("fhir.encounter", 0, next(self._offsets), None, json.dumps(r).encode(), (), 0) for r in resources
        ]
        self.host.take_in(records, lambda record, reason: [])

    async def work(self, *also: Any) -> None:
        """Let the host work, with whatever else runs in it, until nothing happens any more."""
        tasks = [asyncio.create_task(self.host.run(edges=False)), *(asyncio.create_task(one) for one in also)]
        self.host.wakes.all()
        await idle(self.host, self.clock, tasks[0])
        self.host.stop()
        await tasks[0]
        for task in tasks[1:]:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self.host._stop.clear()
        self.host.courier.stopping = False

    async def reconcile(self, *days: date, release: bool = False) -> list[DayReport]:
        wanted = [(self.instance, days or (DAY,))]
        async with reconciling.own_clients(self.host) as client_of:
            return await reconciling.reconcile(self.host, wanted, client_of, release=release)

    def rows(self) -> list[dict[str, Any]]:
        query = select(s.submission).order_by(s.submission.c.id)
        return self.host.ledger.read_now(lambda c: [dict(r._mapping) for r in c.execute(query)])

    def row(self, kind: str, key: str = "enc-1") -> dict[str, Any]:
        return next(r for r in self.rows() if r["kind"] == kind and r["key"].endswith(f"/{key}"))

    def states(self) -> dict[str, tuple[str, str]]:
        return {f"{r['kind']} {r['key'].rsplit('/', 1)[1]}": (r["held"], r["work"]) for r in self.rows()}

    def noted(self) -> list[tuple[str, str | None]]:
        query = select(s.reconciled).order_by(s.reconciled.c.id)
        return self.host.ledger.read_now(lambda c: [(r.outcome, r.kind) for r in c.execute(query)])

    def contacts(self) -> list[tuple[str, int]]:
        vault = self.host.ledger.vault
        query = select(s.outbox).where(s.outbox.c.topic == "jkn.kbk.kontak.v1").order_by(s.outbox.c.id)
        bodies = self.host.ledger.read_now(lambda c: [vault.open_bytes(r.value_box, None) for r in c.execute(query)])
        return [(b["state"], b["revision"]) for b in map(json.loads, bodies)]

    def hand(self, kind: str) -> None:
        """Staff delete every row of a kind in the target's own page."""
        for name in [name for name in self.far.rows if name[1] == kind]:
            del self.far.rows[name]

    def effects(self) -> list[str]:
        return [operation for _, operation, _ in self.far.effects]

    @staticmethod
    def encounter(id: str = "enc-1", status: str = "finished", person: str = "p1", **more: Any) -> dict[str, Any]:
        return {
            "resourceType": "Encounter", "id": id, "status": status, "subject": {"reference": f"Patient/{person}"},
            "meta": {"lastUpdated": "2026-01-05T02:00:01Z"}, "period": {"start": "2026-01-05T01:00:00+00:00"},
            "serviceProvider": {"reference": "Organization/99990001"},
            "location": [{"location": {"reference": "Location/umum"}}], **more,
        }  # fmt: skip

    @staticmethod
    def patient(card: str = PERSON, id: str = "p1") -> dict[str, Any]:
        return {"resourceType": "Patient", "id": id, "identifier": [{"system": CARD, "value": card}]}

    @staticmethod
    def row_of(id: str = "o1", text: str = "A") -> dict[str, Any]:
        return {
            "resourceType": "Observation", "id": id, "status": "final", "valueString": text,
            "encounter": {"reference": "Encounter/enc-1"}, "subject": {"reference": "Patient/p1"},
        }  # fmt: skip


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    made = Clinic(tmp_path)
    yield made
    made.host.close()


@pytest.fixture
def make_clinic(tmp_path: Path) -> Iterator[Any]:
    made: list[Clinic] = []

    def make(**overrides: Any) -> Clinic:
        made.append(Clinic(tmp_path / str(len(made)), **overrides))
        return made[-1]

    yield make
    for one in made:
        one.host.close()
