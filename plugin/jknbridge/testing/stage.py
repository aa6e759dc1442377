"""A host over a real ledger file and a target in memory, on a clock the test owns: where the host's promises are tried.

:class:`Stage` runs the real loops until they are idle, after each step of time; :func:`encounter`, :func:`patient` and
:func:`observation` make the records its target understands. Not for an adapter's own tests: those want its sandbox
(:mod:`jknbridge.testing.conformance`).
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from jknbridge.fhir.records import Record
from jknbridge.host import Host
from jknbridge.ledger import schema as s
from jknbridge.plugins import build
from jknbridge.settings import parse
from jknbridge.testing.clock import ManualClock, idle
from jknbridge.testing.memory import CARD, MemoryPlugin

TOPIC = "fhir.encounter"
FACILITY = "99990001"
PATIENCE = 20.0
"""Real seconds after which a host that does not come to rest is given up."""
CARDS = ("0009999000011", "0009999000012")


class Stage:
    """One host with everything around it. ``config`` is laid over: settle 60 s, visibility 30 s, late_effect 900 s."""

    def __init__(self, folder: Path, **config: Any) -> None:
        self.plugin = MemoryPlugin()
        self.far = self.plugin.far
        for card in CARDS:
            self.far.people[card] = {"sini": True}
        self.plugins = build([self.plugin], entry_points=False)
        self.config: dict[str, Any] = {
            "ledger": {"url": f"sqlite:///{folder}/ledger.sqlite3"},
            "sumber": {"emr": {"topics": [TOPIC], "mulai_dari": "awal"}},
            "waktu": {"settle": {"layanan": 60}, "visibility": 30, "late_effect": 900},
            "faskes": {
                FACILITY: {"zona": "WIB", "memori": {"mulai": "2025-01-01", "base_url": f"memory://{FACILITY}"}},
            },
        } | config
        self.clock = ManualClock()
        self._offsets = itertools.count()
        self.host = Host(parse(self.config, self.plugins), self.plugins, clock=self.clock)
        self.map("memori.poli", "Location/umum", "001")

    def reopen(self) -> None:
        """Another worker over the same ledger, as after a crash: what this one had in hand is forgotten."""
        self.host.close()
        self.host = Host(parse(self.config, self.plugins), self.plugins, clock=self.clock)

    def close(self) -> None:
        self.host.close()

    def map(self, list_: str, local: str, code: str) -> None:
        row = {"facility": "*", "list": list_, "local": local, "code": code, "set_at": 0.0, "set_by": "uji"}
        self.host.ledger.write_now(lambda c: c.execute(s.mapping.insert(), row))

    # --- events and time ---------------------------------------------------------------------------------------------

    def publish(self, *resources: Mapping[str, Any]) -> list[Record]:
        """Take resources in as one batch; returns the records, so that a test can deliver them again."""
        return self.deliver(
            [Record(TOPIC, 0, next(self._offsets), None, json.dumps(r).encode(), (), 0) for r in resources]
        )

    def deliver(self, records: Sequence[Record]) -> list[Record]:
        self.host.take_in(records, lambda record, reason: [])
        return list(records)

    async def play(self, *advances: float) -> None:
        """Run the host until it is idle: now, and after each step of the clock (seconds)."""
        task = asyncio.create_task(self.host.run(edges=False))
        for seconds in (0.0, *advances):
            self.clock.advance(seconds)
            self.host.wakes.all()
            async with asyncio.timeout(PATIENCE):
                await idle(self.host, self.clock, task)
        self.host.stop()
        await task
        self.host._stop.clear()
        self.host.courier.stopping = False

    # --- what came of it ---------------------------------------------------------------------------------------------

    def rows(self) -> list[dict[str, Any]]:
        query = select(s.submission).order_by(s.submission.c.id)
        return self.host.ledger.read_now(lambda c: [dict(row._mapping) for row in c.execute(query)])

    def row(self, kind: str, id: str = "enc-1") -> dict[str, Any]:
        return next(row for row in self.rows() if row["kind"] == kind and row["key"].endswith(f"/{id}"))

    def states(self) -> dict[str, tuple[str, str]]:
        """``"<kind> <local id>"`` → (held, work)."""
        return {f"{r['kind']} {r['key'].rsplit('/', 1)[1]}": (r["held"], r["work"]) for r in self.rows()}

    def contacts(self) -> list[dict[str, Any]]:
        """Contact events in the order they were put out."""
        vault = self.host.ledger.vault
        query = select(s.outbox).where(s.outbox.c.topic == "jkn.kbk.kontak.v1").order_by(s.outbox.c.id)
        return self.host.ledger.read_now(
            lambda c: [json.loads(vault.open_bytes(r.value_box, None)) for r in c.execute(query)]
        )

    def sums(self) -> dict[str, int]:
        """The tally over all days: name → count."""
        query = select(s.tally.c.name, func.sum(s.tally.c.n)).group_by(s.tally.c.name)
        return self.host.ledger.read_now(lambda c: {name: int(n) for name, n in c.execute(query)})

    def holds(self) -> dict[tuple[str, str], dict[str, Any]]:
        """What the target holds, without the numbers it gave: (kind, content that names it) → content."""
        found = {}
        for (_, kind, _), row in self.far.rows.items():
            content = {name: self._named(value) for name, value in row.items()}
            found[kind, str(content.get("isi") if kind == "baris" else "")] = content
        return found

    def _named(self, value: Any) -> Any:
        """A number that the target gave, as the kind of row that has it."""
        return next((kind for (_, kind, number) in self.far.rows if number == value), value)


def encounter(id: str = "enc-1", status: str = "finished", version: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": id,
        "status": status,
        "meta": {"lastUpdated": f"2026-01-05T02:00:{version:02d}Z"},
        "subject": {"reference": "Patient/p1"},
        "period": {"start": "2026-01-05T01:00:00+00:00"},
        "serviceProvider": {"reference": f"Organization/{FACILITY}"},
        "location": [{"location": {"reference": "Location/umum"}}],
        **more,
    }


def patient(card: str = CARDS[0], id: str = "p1", version: int = 1) -> dict[str, Any]:
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
