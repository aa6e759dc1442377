"""A bridge in children of its own, between a real broker and a sandbox that live here."""

from __future__ import annotations

import json
import time
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from signal import SIGKILL
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from jknbridge.sandbox.ground_truth import EffectRow
from jknbridge.sandbox.judge import Verdict
from jknbridge.sandbox.server import SandboxThread
from jknbridge.testing.crash import Nursery, Report, Step, Task
from jknbridge.testing.visits import MAPPINGS, visit
from jknbridge_adapters.pcare.sandbox import make_sandbox
from jknbridge_consumers.broker import API_VERSION, PARTITIONS, MockBroker

CONTACTS, RESULTS = "jkn.kbk.kontak.v1", "jkn.hasil.v1"
CARDS = ("0009999000001", "0009999000002")
BUGS = Path(__file__).parent / "bugs"
AT_ONCE = 32
"""Runs side by side: a broker's group takes seconds to admit a member, and waiting costs no CPU."""

TIMES = {
    "settle": {"kunjungan": 0.1, "obat": 0.1},
    "visibility": 0.2,
    "late_effect": 0.8,
    "probe_every": 0.2,
    "probe_for": 60.0,
    "retry_first": 0.1,
    "retry_cap": 0.5,
    "connect": 5.0,
    "total": 10.0,
}


@dataclass(slots=True)
class Ended:
    """One run: the children's exit codes, what the sandbox knows, what the last child reported."""

    kill: Step | None
    bug: str | None = None
    codes: list[int | None] = field(default_factory=list)
    effects: list[EffectRow] = field(default_factory=list)
    verdict: Verdict = field(default_factory=lambda: Verdict((), ()))
    report: Report | None = None
    said: str = ""


class Ward:
    """Runs the scenario: one visit with two drugs, and a second one that is cancelled once PCare holds all of it."""

    def __init__(self, folder: Path, broker: MockBroker, nursery: Nursery, producer: KafkaProducer) -> None:
        self._folder, self._broker, self._nursery, self._producer = folder, broker, nursery, producer
        self._start = datetime.now(UTC)

    def all(self, kills: Sequence[Step], bugs: Sequence[str | None]) -> list[Ended]:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(self.run, kills, bugs))

    def run(self, kill: Step | None, bug: str | None = None) -> Ended:
        """One bridge from its first start to the end of all work; ``bug``: a file under ``bugs`` that its children run."""
        name = ".".join(filter(None, (bug, kill and f"{kill.name}.{kill.n}"))) or "bersih"
        folder = self._folder / name
        folder.mkdir()
        with SandboxThread([make_sandbox(time.time)]) as thread:
            task = self._task(folder, f"t.{name}", thread)
            if bug:
                task = replace(task, first=BUGS / f"{bug}.py", seconds=25.0)
            ended = Ended(kill, bug)
            cancelled = False
            kills = [kill, None] if kill else [None]
            for one in kills:
                child = self._nursery.start(replace(task, kill=one))
                while child.exitcode is None:
                    child.join(0.05)
                    if not cancelled and len(thread.sandbox.truth.effects) >= 7:
                        cancelled = True
                        self._publish(f"t.{name}", self._second("cancelled", 2)[1:2])
                ended.codes.append(child.exitcode)
                if child.exitcode != -SIGKILL:
                    break
            ended.effects = list(thread.sandbox.truth.effects)
            ended.verdict = thread.sandbox.judge()
        ended.said = task.log.read_text()[-2000:]
        ended.report = Report.of(task) if ended.codes[-1] == 0 else None
        return ended

    def _second(self, status: str, version: int) -> list[dict[str, Any]]:
        return visit("e2", card=CARDS[1], drugs=1, status=status, version=version, start=self._start)

    def _task(self, folder: Path, topic: str, thread: SandboxThread) -> Task:
        events = [*visit("e1", card=CARDS[0], drugs=2, start=self._start), *self._second("finished", 1)]
        self._broker.create_topics([topic])
        self._publish(topic, events)
        config = {
            "ledger": {"url": f"sqlite:///{folder}/ledger.sqlite3"},
            "sumber": {"emr": {"topics": [topic], "mulai_dari": "awal"}},
            "faskes": tomllib.loads(thread.sandbox.print_config())["faskes"],
            "waktu": TIMES,
            "kafka": {
                "bootstrap_servers": self._broker.bootstrap,
                "api_version": API_VERSION,
                "group_id": f"g.{topic}",
                "session_timeout_ms": 4500,
                "heartbeat_interval_ms": 1000,
            },
        }
        modules = ("jknbridge_adapters.pcare", "jknbridge_consumers")
        return Task(folder, config, modules, len(events) + 1, MAPPINGS)

    def _publish(self, topic: str, resources: Sequence[dict[str, Any]]) -> None:
        sent = [self._producer.send(topic, key=r["id"].encode(), value=json.dumps(r).encode()) for r in resources]
        for future in sent:
            future.get(timeout=10)


@dataclass(slots=True)
class Topic:
    """A topic read to its end: (source header, value)."""

    broker: MockBroker

    def read(self, topic: str) -> list[tuple[str, dict[str, Any]]]:
        consumer = KafkaConsumer(bootstrap_servers=self.broker.bootstrap, api_version=API_VERSION)
        parts = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        consumer.assign(parts)
        consumer.seek_to_beginning()
        ends = consumer.end_offsets(parts)
        found: list[tuple[str, dict[str, Any]]] = []
        while any(consumer.position(tp) < ends[tp] for tp in parts):
            for records in consumer.poll(timeout_ms=500).values():
                for record in records:
                    headers = dict(record.headers)
                    found.append((headers["ce_source"].decode(), json.loads(record.value)))
        consumer.close()
        return found


@pytest.fixture(scope="session")
def broker() -> Iterator[MockBroker]:
    with MockBroker([CONTACTS, RESULTS]) as running:
        yield running


@pytest.fixture(scope="session")
def nursery() -> Nursery:
    return Nursery(["jknbridge_adapters.pcare.adapter", "jknbridge_consumers.edges"])


@pytest.fixture(scope="session")
def ward(tmp_path_factory: pytest.TempPathFactory, broker: MockBroker, nursery: Nursery) -> Iterator[Ward]:
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap, api_version=API_VERSION, acks="all")
    yield Ward(tmp_path_factory.mktemp("mogok"), broker, nursery, producer)
    producer.close()


@pytest.fixture(scope="session")
def clean(ward: Ward) -> Ended:
    """The scenario without a crash: it counts the steps."""
    ended = ward.run(None)
    assert ended.codes == [0], ended.said
    return ended


@pytest.fixture
def topic(broker: MockBroker) -> Topic:
    return Topic(broker)
