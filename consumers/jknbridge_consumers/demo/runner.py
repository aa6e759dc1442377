"""The day as it runs: broker, sandbox and one worker in this process; waves of records; then everything read back.

Writes only into a temporary folder, which is gone afterwards, also after Ctrl-C. Decides nothing about right and wrong:
that is ``compare.py``.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from jknbridge.clock import SystemClock
from jknbridge.contacts import TOPIC as CONTACTS
from jknbridge.decisions import Person
from jknbridge.errors import JknbridgeError, StartRefused
from jknbridge.events import RESULT_TOPIC
from jknbridge.host import Host
from jknbridge.mappings import Line, put
from jknbridge.plugins import Plugins
from jknbridge.sandbox.server import SandboxThread
from jknbridge.settings import parse
from jknbridge_consumers.broker import MockBroker
from jknbridge_consumers.dead_letters import dead_letter_topic
from jknbridge_consumers.demo import config, journeys, ledger_view
from jknbridge_consumers.demo.compare import Findings, compare
from jknbridge_consumers.demo.contacts import Rate, ReadBack, rates, read_back
from jknbridge_consumers.demo.forms import Parcel
from jknbridge_consumers.demo.people import CLINICS
from jknbridge_consumers.demo.progress import Progress
from jknbridge_consumers.demo.sandbox import Admin, Truth
from jknbridge_consumers.demo.visit import Wave
from jknbridge_consumers.demo.waves import waves
from jknbridge_consumers.kafka_settings import KafkaSettings
from jknbridge_consumers.publishing import Sender
from jknbridge_consumers.topics import FHIR_TOPICS

TOPICS = (*FHIR_TOPICS, *(dead_letter_topic(topic) for topic in FHIR_TOPICS), CONTACTS, RESULT_TOPIC)
_LOOK_EVERY = 0.15


class NotOver(JknbridgeError):
    """The day did not come to rest in time; the text says what was still open."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The day afterwards: what was published, what really happened, what the ledger and the topics say, the verdict."""

    book: journeys.Book
    published: Sequence[Parcel]
    truth: Truth
    back: ReadBack
    ledger: ledger_view.Book
    findings: Findings
    rates: Sequence[Rate]
    probes: int
    seconds: float


def run(plugins: Plugins, progress: Progress, *, limit: float = 120.0) -> Outcome:
    """The whole day. ``limit``: seconds after which it is given up (:class:`NotOver`)."""
    began = time.monotonic()
    make = plugins.sandboxes().get(config.TARGET)
    if make is None or config.TARGET not in plugins.adapters:
        raise StartRefused("the demo needs the built-in PCare adapter and its sandbox: install jknbridge with pip")
    _no_proxy()
    clock = SystemClock()
    book = journeys.day(clock.now())
    with (
        TemporaryDirectory(prefix="jknbridge-demo-") as folder,
        MockBroker(TOPICS) as broker,
        SandboxThread([make(clock)], clock=clock.now) as sandbox,
    ):
        target = sandbox.sandbox.targets[config.TARGET]
        logins = target.settings(sandbox.base_url)["faskes"]
        day = min(book.days.values(), key=lambda one: one.now.date()).now.date()
        settings = parse(config.settings(Path(folder), broker.bootstrap, logins, day), plugins)
        kafka = settings.bagian["kafka"]
        assert isinstance(kafka, KafkaSettings)
        host = Host(settings, plugins, clock=clock)
        try:
            with Sender(kafka) as sender:
                worker = _Worker(host, sender, sandbox, book, progress, began + limit)
                published = asyncio.run(worker.run())
            progress.say("membaca kembali topik kontak / reading the contacts back")
            back = read_back(kafka, FHIR_TOPICS)
            truth = Admin(sandbox.port).truth()
            ledger = host.ledger.read_now(ledger_view.read)
            findings = compare(book.stories, published, truth, back, ledger, host.pseudonym)
        finally:
            host.close()
        counted = rates(back.contacts, CLINICS)
        probes = host.counters["probes"]
    return Outcome(book, published, truth, back, ledger, findings, counted, probes, time.monotonic() - began)


def _no_proxy() -> None:
    """A hospital's machine may have a proxy in its environment; the sandbox in this process is not behind it."""
    for name in ("NO_PROXY", "no_proxy"):
        known = os.environ.get(name)
        os.environ[name] = f"{known},127.0.0.1" if known else "127.0.0.1"


class _Worker:
    """One host at work while the waves are published."""

    def __init__(
        self,
        host: Host,
        sender: Sender,
        sandbox: SandboxThread,
        book: journeys.Book,
        progress: Progress,
        until: float,
    ) -> None:
        self._host = host
        self._sender = sender
        self._sandbox = sandbox
        self._admin = Admin(sandbox.port)
        self._book = book
        self._progress = progress
        self._until = until
        self._published: list[Parcel] = []

    async def run(self) -> list[Parcel]:
        """Publish all waves, each after the last came to rest. Returns what was published."""
        await asyncio.to_thread(self._prepare)
        self._host.check_start()
        working = asyncio.create_task(self._host.run())
        try:
            for wave, parcels in waves(self._book, FHIR_TOPICS).items():
                await self._wave(wave, parcels, working)
        finally:
            self._host.stop()
            await working
        return self._published

    def _map(self, lines: Sequence[Line]) -> None:
        """As ``jknbridge mapping import`` does: what waited for one of these codes is released."""
        who = Person("demo", "hari rekaan / an invented day")
        self._host.ledger.write_now(lambda c: put(c, self._host.desk(), lines, who))
        self._host.announce(self._host.wakes.work)

    def _prepare(self) -> None:
        self._map(config.mappings())
        self._admin.load(self._book.people.participants())
        for story in self._book.stories:
            if story.by_hand:
                visit = story.visit
                assert story.poli is not None
                self._admin.register_by_hand(visit.clinic.code, visit.person, visit.day.tanggal, story.poli)

    async def _wave(self, wave: Wave, parcels: Sequence[Parcel], working: asyncio.Task[None]) -> None:
        self._progress.wave(wave, len(parcels))
        await asyncio.to_thread(self._admin.faults, config.FAULTS[wave])
        if wave is Wave.CORRECTED:
            await asyncio.to_thread(self._map, config.late_mappings())
        sent = await asyncio.to_thread(self._sender.send, [parcel.record for parcel in parcels])
        if sent.acknowledged != len(parcels):
            raise NotOver("the in-process broker did not take every record")
        self._published += parcels
        await self._rest(working, whole=wave is max(Wave))

    async def _rest(self, working: asyncio.Task[None], *, whole: bool) -> None:
        """Until nothing is under way any more: what is left waits for a person, an event, or for ever."""
        while True:
            pulse = await self._host.ledger.read(ledger_view.pulse)
            self._progress.counts(self._counts(pulse))
            if working.done():
                await working
                raise NotOver("the worker ended before the day did")
            if pulse.quiet(len(self._published), whole=whole):
                return
            if time.monotonic() > self._until:
                raise NotOver(f"masih terbuka / still open: {pulse.still_open()}")
            await asyncio.sleep(_LOOK_EVERY)

    def _counts(self, pulse: ledger_view.Pulse) -> Mapping[str, int]:
        return {
            "pesan masuk / records in": pulse.records,
            "tercatat di PCare / at PCare": len(self._sandbox.sandbox.truth.effects),
            "ragu / in doubt": pulse.doubts,
            "probe / probes": self._host.counters["probes"],
        }
