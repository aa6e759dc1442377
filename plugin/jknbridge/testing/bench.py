"""A whole bridge on a bench: real ledger, real HTTP, a sandbox of any target, and records fed in without a broker.

For tests of adapters and for the crash and loss scenarios. Time is real but short, or a clock the test hands in.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from jknbridge.clock import Clock, SystemClock
from jknbridge.fhir.records import Record
from jknbridge.host import Host
from jknbridge.ledger import schema as s
from jknbridge.ledger.outbox import take
from jknbridge.plugins import Plugins
from jknbridge.settings import parse

OPEN = ("ready", "sending", "retry", "in_doubt")


class Bench:
    """One host over one ledger file. ``config`` is laid over short times; ``targets``: ``[faskes…]`` as plain data."""

    def __init__(
        self, folder: Path, plugins: Plugins, faskes: Mapping[str, Any], *, clock: Clock | None = None, **config: Any
    ) -> None:
        times = {
            "settle": {"kunjungan": 0.2, "obat": 0.2},
            "visibility": 0.3,
            "late_effect": 1.0,
            "probe_every": 0.3,
            "probe_for": 60.0,
            "retry_first": 0.1,
            "retry_cap": 1.0,
            "connect": 2.0,
            "total": 3.0,
        }
        self.plugins = plugins
        self.config: dict[str, Any] = {
            "ledger": {"url": f"sqlite:///{folder}/ledger.sqlite3"},
            "sumber": {"emr": {"topics": ["fhir.encounter"], "mulai_dari": "awal"}},
            "faskes": faskes,
            **config,
        }
        self.config["waktu"] = times | config.get("waktu", {})
        self.clock: Clock = clock or SystemClock()
        self._offsets = itertools.count()
        self.host = self.open()
        self._task: asyncio.Task[None] | None = None

    def open(self) -> Host:
        return Host(parse(self.config, self.plugins), self.plugins, clock=self.clock)

    def map(self, codes: Mapping[str, Mapping[str, str]], facility: str = "*") -> None:
        """Mappings as a person would set them: list → local → code."""
        rows = [
            {"facility": facility, "list": name, "local": local, "code": code, "set_at": 0.0, "set_by": "uji"}
            for name, pairs in codes.items()
            for local, code in pairs.items()
        ]
        self.host.ledger.write_now(lambda c: c.execute(s.mapping.insert(), rows))

    def publish(self, *resources: Mapping[str, Any]) -> None:
        """Take resources in as one batch of records, one each."""
        self.publish_bytes(*(json.dumps(r).encode() for r in resources))

    def publish_bytes(self, *values: bytes | None) -> None:
        records = [Record("fhir.encounter", 0, next(self._offsets), None, value, (), 0) for value in values]
        self.host.take_in(records, lambda record, reason: [])

    async def start(self) -> None:
        self._task = asyncio.create_task(self.host.run(edges=False))
        await asyncio.sleep(0)
        self.host.wakes.all()

    async def stop(self) -> None:
        self.host.stop()
        if self._task is not None:
            await self._task

    async def until_closed(self, seconds: float = 30.0) -> None:
        """Until nothing is open any more: no journey due, no fact asked, no work that the courier could do."""
        async with asyncio.timeout(seconds):
            while await self.host.ledger.read(self.open_work):
                if self._task is not None and self._task.done():
                    await self._task
                await asyncio.sleep(0.05)

    @staticmethod
    def open_work(connection: Any) -> int:
        """How much is still to be done by the program itself."""
        asked = select(func.count()).select_from(s.fact).where(s.fact.c.state == "asked")
        due = select(func.count()).select_from(s.journey).where(s.journey.c.due_at.is_not(None))
        work = select(func.count()).select_from(s.submission).where(s.submission.c.work.in_(OPEN))
        return sum(int(connection.execute(query).scalar_one()) for query in (asked, due, work))

    def rows(self) -> list[dict[str, Any]]:
        query = select(s.submission).order_by(s.submission.c.id)
        return self.host.ledger.read_now(lambda c: [dict(r._mapping) for r in c.execute(query)])

    def states(self) -> dict[str, tuple[str, str]]:
        """``"<kind> <local id>"`` → (held, work)."""
        return {f"{r['kind']} {r['key'].rsplit('/', 1)[1]}": (r["held"], r["work"]) for r in self.rows()}

    def outbox(self, topic: str) -> Sequence[dict[str, Any]]:
        """What would be published on a topic, decoded."""
        vault = self.host.ledger.vault
        rows = self.host.ledger.read_now(lambda c: take(c, vault, self.clock.now() + 1e9, 1_000_000))
        return [json.loads(row.value) for row in rows if row.topic == topic and row.value is not None]

    def close(self) -> None:
        self.host.close()
