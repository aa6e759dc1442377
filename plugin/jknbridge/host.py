"""The host at work: one ledger, its planner and courier, and the edges that plugins bring.

:class:`Host` is what commands, edges and tests hold. ``run`` keeps it going until it is told to stop; ``drain`` lets
what is under way end. Open ``planner.py`` and ``courier/loop.py`` for what the loops do."""

from __future__ import annotations

import asyncio
import os
import socket
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlalchemy import Connection, func, select

from jknbridge import planner, reconciling
from jknbridge.clock import Clock, SystemClock
from jknbridge.courier import doubts
from jknbridge.courier.limits import Limits
from jknbridge.courier.loop import Courier
from jknbridge.edge import Edge
from jknbridge.errors import LedgerBusy, StartRefused
from jknbridge.fhir.records import Limits as RecordLimits
from jknbridge.fhir.records import Record, SourceRules, TopicRules, decode
from jknbridge.http import Http
from jknbridge.instances import Instances
from jknbridge.ledger import facts as fact_rows
from jknbridge.ledger import intake, offsets, receipts, schema
from jknbridge.ledger import journeys as journey_rows
from jknbridge.ledger.engine import Ledger, open_ledger
from jknbridge.ledger.keyring import KeyRing
from jknbridge.ledger.work import Desk
from jknbridge.plugins import Plugins
from jknbridge.settings import Mode, Settings
from jknbridge.targets import Instance

log = structlog.get_logger("jknbridge.host")
_BATCH = 50


@dataclass(slots=True)
class Wakes:
    """One event per loop: work is announced, never polled for."""

    plan: asyncio.Event = field(default_factory=asyncio.Event)
    work: asyncio.Event = field(default_factory=asyncio.Event)
    doubts: asyncio.Event = field(default_factory=asyncio.Event)
    facts: asyncio.Event = field(default_factory=asyncio.Event)
    outbox: asyncio.Event = field(default_factory=asyncio.Event)

    def after_change(self) -> None:
        for event in (self.work, self.doubts, self.outbox):
            event.set()

    def all(self) -> None:
        for event in (self.plan, self.work, self.doubts, self.facts, self.outbox):
            event.set()


class Host:
    """One worker over one ledger."""

    def __init__(
        self, settings: Settings, plugins: Plugins, *, clock: Clock | None = None, ledger: Ledger | None = None
    ) -> None:
        self.settings = settings
        self.plugins = plugins
        self.clock: Clock = clock or SystemClock()
        self.ledger = ledger or open_ledger(settings.ledger)
        self.keys = KeyRing(self.ledger.vault)
        self.ledger.on_commit(self.keys.committed, self.keys.rolled_back)
        self.instances = Instances(settings, plugins.adapters)
        self.planner = planner.Planner(settings, self.instances, self.ledger.vault)
        self.limits = Limits(self.clock, settings.waktu)
        self.worker = f"{socket.gethostname()}:{os.getpid()}"[:64]
        self.counters: Counter[str] = Counter()
        self.wakes = Wakes()
        self.courier = Courier(self)
        self._https: dict[str | None, Http] = {}
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.started = asyncio.Event()
        self.unwitnessed: set[str] = set()
        """Topics whose witness was not read yet: until then this ledger may be a restored backup (DESIGN §2.1)."""
        self.witnessed = asyncio.Event()
        self._stop = asyncio.Event()
        self._edges: list[Edge] = []
        self._sources = _sources(settings, self.planner.types)

    # --- what commands, edges and loops ask for ----------------------------------------------------------------------

    def desk(self) -> Desk:
        now = self.clock.now()
        return Desk(
            vault=self.ledger.vault,
            keys=self.keys,
            kind_of=self.instances.kind_of,
            now=now,
            ledger_id=self.ledger.id,
            pseudonym=self.pseudonym,
            today=planner.today(now),
        )

    def pseudonym(self, card: str) -> str:
        """The participant as KBK topics know them: keyed, equal for equal cards, and not to be turned back."""
        own = self.settings.kontak.kunci_samaran
        return self.ledger.vault.hmac("peserta", own.get_secret_value() if own else "", card)[:32]

    def http(self, instance: Instance) -> Http:
        proxy = instance.settings.proxy
        if proxy not in self._https:
            waktu = self.settings.waktu
            self._https[proxy] = Http(connect=waktu.connect, total=waktu.total, proxy=proxy)
        return self._https[proxy]

    def secret_hmac(self, instance: Instance) -> str:
        return self.ledger.vault.hmac("secret", instance.settings.credential)

    def may_ask(self, instance: Instance) -> bool:
        """Whether a read may be sent now: not paused, circuit closed, credential open. A shadow reads, and sends
        nothing.
        """
        settings = instance.settings
        closed = settings.limit_key in self.limits.closed
        return settings.mode is not Mode.JEDA and not closed and self.limits.pause(instance) <= 0

    # --- intake (called by edges, on their own threads) --------------------------------------------------------------

    def topics(self) -> dict[str, SourceRules]:
        return self._sources

    def take_in(self, records: Sequence[Record], dead_headers: Any) -> intake.Intake:
        """Decode and store a batch with its offsets. Returns when it is durable; raises ``LedgerBusy`` to be tried
        again.
        """
        batch = []
        for record in records:
            rules = self._sources[record.topic]
            limits = RecordLimits(max_bytes=self.settings.sumber[rules.name].max_bytes)
            batch.append(intake.Taken(record, decode(record, rules, limits), rules))
        now = self.clock.now()
        result = self.ledger.write_now(
            lambda c: intake.take_in(
                c,
                batch,
                vault=self.ledger.vault,
                keys=self.keys,
                now=now,
                day=planner.today(now).isoformat(),
                dead_headers=dead_headers,
            )
        )
        self.announce(self.wakes.plan, self.wakes.outbox)
        return result

    def witness_seen(self, topics: Iterable[str]) -> None:
        """An edge compared these topics with what the broker remembers of this ledger. Called from any thread."""
        self.unwitnessed -= set(topics)
        if not self.unwitnessed:
            self.announce(self.witnessed)

    def announce(self, *events: asyncio.Event) -> None:
        """Set events from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            for event in events:
                self._loop.call_soon_threadsafe(event.set)

    # --- running -----------------------------------------------------------------------------------------------------

    def check_start(self) -> None:
        """What must hold before anything is sent. Raises :class:`StartRefused` with what to change."""
        self.ledger.write_now(self._check_environments)
        closed = self.ledger.read_now(lambda c: c.execute(select(schema.credential)).all())
        secrets = {i.settings.limit_key: self.secret_hmac(i) for i in self.instances}
        self.limits.closed |= {row.limit_key for row in closed if secrets.get(row.limit_key) == row.secret_hmac}

    def _check_environments(self, connection: Connection) -> None:
        """A base URL that changed its environment under existing receipts stops at start (DESIGN §9)."""
        for instance in self.instances:
            name = f"url|{instance.name}"
            known = connection.execute(select(schema.meta.c.value).where(schema.meta.c.name == name)).scalar()
            held = connection.execute(
                select(func.count()).where(
                    schema.submission.c.instance == instance.name, schema.submission.c.held == "present"
                )
            ).scalar_one()
            url = instance.settings.base_url
            if known is not None and known != url and held and not _same_environment(known, url):
                raise StartRefused(
                    f"[faskes.{instance.facility}.{instance.target}] base_url went from {known} to {url}, "
                    f"but {held} receipts were given by the former. If this is another environment, "
                    f"name it in `lingkungan`"
                )
            values = {"name": name, "value": url}
            if known is None:
                connection.execute(schema.meta.insert(), values)
            elif known != url:
                connection.execute(schema.meta.update().where(schema.meta.c.name == name).values(value=url))

    async def run(self, *, edges: bool = True) -> None:
        """Work until :meth:`stop`; raises what made a loop fail."""
        self._loop = asyncio.get_running_loop()
        await self.ledger.write(lambda c: doubts.recover(c, self.clock.now()))
        await self.ledger.write(lambda c: planner.look_again(c, self.instances, self.clock.now()))
        self.started.set()
        self._edges = self.plugins.edges(self) if edges else []
        if self._edges:  # before the courier's first look at what is ready
            known = {row["topic"] for row in await self.ledger.read(offsets.listed)}
            self.unwitnessed = known & self._sources.keys()
        loops = [
            asyncio.create_task(work)
            for work in (
                self._plan(),
                self.courier.work(),
                self.courier.settle_doubts(),
                self.courier.ask_facts(),
                self._tell_edges(),
                self._watch_ledger(),
                reconciling.nightly(self, self.settings.rekonsiliasi),
            )
        ]
        for loop in loops:
            loop.add_done_callback(lambda task: None if task.cancelled() else self.failed(task.exception()))
        try:
            for edge in self._edges:
                edge.start()
            await self._stop.wait()
        finally:
            await self._end(loops)
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Drain and end; safe from a signal handler."""
        self._stop.set()

    def failed(self, error: BaseException | None) -> None:
        if error is not None and self._failure is None:
            self._failure = error
            self._stop.set()

    async def _end(self, loops: Sequence[asyncio.Task[None]]) -> None:
        for edge in self._edges:
            await asyncio.to_thread(edge.stop)
        await self.courier.drain()
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        for http in self._https.values():
            await http.close()
        self._https.clear()

    async def _plan(self) -> None:
        """Translate due journeys, until stopped."""
        while not self._stop.is_set():
            self.wakes.plan.clear()
            if not await self.plan_once():
                await self.clock.wait(3600.0, self.wakes.plan)

    async def plan_once(self) -> int:
        """One batch of due journeys; returns how many."""
        now = self.clock.now()
        loaded, contexts = await self.ledger.read(lambda c: self.load_due(c, now))
        if not loaded:
            return 0
        turns, missing = [], []
        for one in loaded:
            turn = None if one.erased else self.planner.turn(one, contexts[one.id])
            if turn is None:
                missing.append(one)
            else:
                turns.append(turn)

        def apply(connection: Connection) -> bool:
            planner.forget_due(connection, missing)
            return planner.apply(connection, turns, self.desk(), self.settings, self.keys)

        await self._persist(apply)
        self.wakes.after_change()
        self.wakes.facts.set()
        return len(loaded)

    def load_due(
        self, connection: Connection, now: float
    ) -> tuple[list[journey_rows.Loaded], dict[int, planner.Context]]:
        ids = journey_rows.due(connection, now, _BATCH)
        return self.load(connection, ids)

    def load(
        self, connection: Connection, ids: Sequence[int]
    ) -> tuple[list[journey_rows.Loaded], dict[int, planner.Context]]:
        loaded = journey_rows.load(connection, self.ledger.vault, ids, self.planner.types)
        pinned = fact_rows.pinned(connection, self.ledger.vault, ids)
        held = receipts.of_journeys(connection, self.ledger.vault, ids)
        return loaded, {i: planner.Context(pinned.get(i, {}), held.get(i, {})) for i in ids}

    async def _persist(self, job: Any) -> Any:
        pause = 0.05
        while True:
            try:
                return await self.ledger.write(job)
            except LedgerBusy as error:
                log.error("ledger not written, trying again", error=str(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)

    async def _tell_edges(self) -> None:
        while True:
            await self.wakes.outbox.wait()
            self.wakes.outbox.clear()
            for edge in self._edges:
                edge.notify()

    async def _watch_ledger(self) -> None:
        """Another process decided something (a command): look at everything again."""
        seen = await asyncio.to_thread(self.ledger.version)
        while True:
            await asyncio.sleep(0.5)
            now = await asyncio.to_thread(self.ledger.version)
            if now != seen:
                seen = now
                self.wakes.all()

    def status(self) -> dict[str, Any]:
        return {"worker": self.worker, "ledger": self.ledger.id, "edges": {e.name: e.status() for e in self._edges}}

    def close(self) -> None:
        self.ledger.close()


def _same_environment(one: str, other: str) -> bool:
    """Whether two base URLs differ only in host spelling or port, not in being development or production."""
    return ("dev" in one) == ("dev" in other)


def _sources(settings: Settings, types: frozenset[str]) -> dict[str, SourceRules]:
    rules: dict[str, SourceRules] = {}
    for name, source in settings.sumber.items():
        topics = {topic: TopicRules(key_is_resource=topic in source.key_resource) for topic in source.topics}
        made = SourceRules(name, types, source.urutan, source.epoch, topics)
        for topic in source.topics:
            if topic in rules:
                raise StartRefused(f"the topic {topic} belongs to two sources: {rules[topic].name} and {name}")
            rules[topic] = made
    return rules
