"""A bench in front of a running sandbox, over real HTTP: what proofs about a whole bridge hold in their hands.

Target-neutral: which plugins and which sandbox is the caller's business. What the far side holds is read from the
sandbox's own ground truth, never from the bridge.
"""

from __future__ import annotations

import asyncio
import json
import tomllib
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import select

from jknbridge import mappings, reporting
from jknbridge.clock import Clock
from jknbridge.decisions import Person
from jknbridge.ledger import schema as s
from jknbridge.ledger.outbox import Row, take
from jknbridge.plugins import Plugins
from jknbridge.sandbox.server import SandboxThread
from jknbridge.testing.bench import Bench


class Rig:
    """``faskes``: laid over the facilities that the sandbox's own config names (``None`` as a value drops one)."""

    def __init__(
        self,
        folder: Path,
        thread: SandboxThread,
        plugins: Plugins,
        *,
        faskes: Mapping[str, Any] | None = None,
        clock: Clock | None = None,
        **config: Any,
    ) -> None:
        self.thread = thread
        self._plugins = plugins
        merged = tomllib.loads(thread.sandbox.print_config())["faskes"]
        for kode, over in (faskes or {}).items():
            _overlay(merged, kode, over)
        self.bench = Bench(folder, plugins, merged, clock=clock, **config)

    # --- the bridge --------------------------------------------------------------------------------------------------

    async def work(self, seconds: float = 60.0) -> None:
        """Run a worker until it has nothing left to do, then drain it. May be called again."""
        await self.bench.start()
        await self.bench.host.started.wait()
        await self.bench.until_closed(seconds)
        await self.bench.stop()
        self.reopen()

    async def until(
        self, check: Callable[[], Any], step: Callable[[], None] = lambda: None, seconds: float = 30
    ) -> Any:
        """The first truthy answer of ``check`` while a worker runs; ``step`` is done between two looks."""
        async with asyncio.timeout(seconds):
            while not (found := check()):
                step()
                await asyncio.sleep(0.02)
        return found

    def reopen(self, **config: Any) -> None:
        """Another process on the same ledger, with ``config`` laid over what was."""
        self.bench.close()
        self.bench.config |= config
        self.bench.host = self.bench.open()

    def unmap(self, list_: str, local: str, facility: str = "*") -> None:
        """A mapping removed, as a person does by mistake."""
        host, person = self.bench.host, Person("uji")
        assert host.ledger.write_now(lambda c: mappings.remove(c, host.desk(), facility, list_, local, person))

    def row(self, kind: str, id: str) -> dict[str, Any]:
        return next(r for r in self.bench.rows() if r["kind"] == kind and r["key"].endswith(f"/{id}"))

    def reason(self, kind: str, id: str) -> dict[str, str] | None:
        text = self.row(kind, id)["reason"]
        return None if text is None else json.loads(text)

    def said(self, id: str, target: str) -> tuple[str, dict[str, str] | None]:
        """What one journey came to at one target: state and reason."""
        query = (
            select(s.journey_target.c.state, s.journey_target.c.reason)
            .join(s.journey, s.journey.c.id == s.journey_target.c.journey_id)
            .where(s.journey.c.anchor_id == id, s.journey_target.c.target == target)
        )
        state, reason = self.read(lambda c: c.execute(query).one())
        return state, None if reason is None else json.loads(reason)

    def read(self, job: Any) -> Any:
        return self.bench.host.ledger.read_now(job)

    def report(self) -> reporting.Report:
        """What ``jknbridge report`` shows."""
        host = self.bench.host
        targets = frozenset(host.instances.adapters)
        return host.ledger.read_now(
            lambda c: reporting.report(c, ledger=host.ledger.id, now=self.bench.clock.now(), targets=targets)
        )

    def out(self) -> list[Row]:
        """Everything that would be published, opened."""
        vault = self.bench.host.ledger.vault
        rows: list[Row] = self.read(lambda c: take(c, vault, self.bench.clock.now() + 1e9, 1_000_000))
        return rows

    # --- the far side ------------------------------------------------------------------------------------------------

    def admin(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.thread.base_url}/_sandbox/{path}", data)  # noqa: S310 (our own, http)
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            return json.loads(answer.read())

    def hand(self, facility: str, operation: str, target: str = "pcare", **body: Any) -> Any:
        """Staff at work in the target's own web page."""
        call = {"target": target, "facility": facility, "operation": operation, "body": body}
        return self.admin("tangan", call)

    def faults(self, *faults: Mapping[str, Any]) -> None:
        self.admin("faults", [{"target": "pcare", **fault} for fault in faults])

    def effects(self, origin: str = "bridge", facility: str | None = None) -> list[str]:
        """Operations that took effect, in order."""
        found = self.admin("effects")
        return [r["operation"] for r in found if r["origin"] == origin and facility in (None, r["facility"])]

    def writes(self) -> int:
        """Requests with an effect in mind that reached the target, refused ones too."""
        return sum(row["operation"].endswith((".add", ".edit", ".delete")) for row in self.admin("requests"))


def _overlay(tables: dict[str, Any], name: str, over: Any) -> None:
    if over is None:
        tables.pop(name, None)
    elif isinstance(over, Mapping) and isinstance(tables.get(name), dict):
        for key, value in over.items():
            _overlay(tables[name], key, value)
    else:
        tables[name] = over
