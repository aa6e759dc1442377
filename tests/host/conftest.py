"""A host over a real ledger file and a target in memory, driven by a clock the test owns."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from jknbridge.fhir.records import Record
from jknbridge.host import Host
from jknbridge.ledger import schema as s
from jknbridge.plugins import build
from jknbridge.settings import parse
from jknbridge.testing.clock import ManualClock, idle
from jknbridge.testing.memory import CARD, MemoryPlugin


class World:
    """One host with everything around it."""

    def __init__(self, folder: Path, **overrides: Any) -> None:
        self.plugin = MemoryPlugin()
        self.far = self.plugin.far
        self.far.people["0009999000011"] = {"sini": True}
        self.plugins = build([self.plugin], entry_points=False)
        self.config: dict[str, Any] = {
            "ledger": {"url": f"sqlite:///{folder}/ledger.sqlite3"},
            "sumber": {"emr": {"topics": ["fhir.encounter"], "mulai_dari": "awal"}},
            "rekonsiliasi": {"aktif": False},
            "waktu": {"settle": {"layanan": 60}, "visibility": 30, "late_effect": 900},
            "faskes": {
                kode: {
                    "nama": f"Klinik {kode}",
                    "zona": zona,
                    "organisasi": [f"Organization/{kode}"],
                    "memori": {"mulai": "2026-01-01", "base_url": f"memory://{kode}"},
                }
                for kode, zona in (("99990001", "WIB"), ("99990002", "WIT"))
            },
        } | overrides
        self.clock = ManualClock()
        self.offsets = itertools.count()
        self.host = self.open()
        self.map("memori.poli", "Location/umum", "001")

    def open(self) -> Host:
        return Host(parse(self.config, self.plugins), self.plugins, clock=self.clock)

    def map(self, list_: str, local: str, code: str) -> None:
        row = {"facility": "*", "list": list_, "local": local, "code": code, "set_at": 0.0, "set_by": "uji"}
        self.host.ledger.write_now(lambda c: c.execute(s.mapping.insert(), row))

    def publish(self, *resources: dict[str, Any]) -> None:
        records = [
            Record("fhir.encounter", 0, next(self.offsets), None, json.dumps(r).encode(), (), 0) for r in resources
        ]
        self.host.take_in(records, lambda record, reason: [])

    async def settle(self, *advances: float) -> None:
        """Run the host until nothing happens any more, after each advance of the clock."""
        task = asyncio.create_task(self.host.run(edges=False))
        for seconds in (0.0, *advances):
            self.clock.advance(seconds)
            self.host.wakes.all()
            await idle(self.host, self.clock, task)
        self.host.stop()
        await task
        self.host._stop.clear()
        self.host.courier.stopping = False

    def rows(self) -> list[dict[str, Any]]:
        return self.host.ledger.read_now(
            lambda c: [dict(r._mapping) for r in c.execute(select(s.submission).order_by(s.submission.c.id))]
        )

    def states(self) -> dict[str, tuple[str, str]]:
        return {f"{r['kind']} {r['key'].rsplit('/', 1)[1]}": (r["held"], r["work"]) for r in self.rows()}

    def contacts(self) -> list[dict[str, Any]]:
        vault = self.host.ledger.vault
        query = select(s.outbox).where(s.outbox.c.topic == "jkn.kbk.kontak.v1").order_by(s.outbox.c.id)
        rows = self.host.ledger.read_now(lambda c: c.execute(query).all())
        return [json.loads(vault.open_bytes(row.value_box, None)) for row in rows]


def encounter(id: str = "enc-1", status: str = "finished", version: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": id,
        "status": status,
        "meta": {"lastUpdated": f"2026-01-05T02:00:{version:02d}Z"},
        "subject": {"reference": "Patient/p1"},
        "period": {"start": "2026-01-05T01:00:00+00:00"},
        "serviceProvider": {"reference": "Organization/99990001"},
        "location": [{"location": {"reference": "Location/umum"}}],
        **more,
    }


def patient(card: str = "0009999000011", id: str = "p1", version: int = 1) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": id,
        "identifier": [{"system": CARD, "value": card}],
        "meta": {"lastUpdated": f"2026-01-05T02:00:{version:02d}Z"},
    }


def observation(id: str = "o1", text: str = "A", version: int = 1, enc: str = "enc-1") -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "valueString": text,
        "meta": {"lastUpdated": f"2026-01-05T02:00:{version:02d}Z"},
        "encounter": {"reference": f"Encounter/{enc}"},
        "subject": {"reference": "Patient/p1"},
    }


@pytest.fixture
def world(tmp_path: Path) -> Any:
    made = World(tmp_path)
    yield made
    made.host.close()


@pytest.fixture
def make_world(tmp_path: Path) -> Any:
    made: list[World] = []

    def make(**overrides: Any) -> World:
        made.append(World(tmp_path / str(len(made)), **overrides))
        return made[-1]

    yield make
    for one in made:
        one.host.close()


Make = Callable[..., World]
