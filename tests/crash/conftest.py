"""A bridge in children of its own, between a real broker and a sandbox that live here."""

from __future__ import annotations

import ctypes
import json
import time
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from signal import SIGKILL
from typing import Any

import confluent_kafka
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
AT_ONCE = 6
"""Runs side by side: short waits of one are another's CPU."""
SAME_GROUP = ("receive.", "commit.")
"""Deaths after which the next child joins the dead one's consumer group and finds its commits. The broker lets it in
only when the dead member's session is over, so after the others a child joins a group of its own: the ledger says
where to read.
"""

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
        """One bridge from its first start to the end of all work; ``bug``: a file under ``bugs`` its children run."""
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
                if kill and not one and not kill.name.startswith(SAME_GROUP):
                    task = _in_group(task, f"h.{name}")
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


def _in_group(task: Task, group: str) -> Task:
    return replace(task, config={**task.config, "kafka": {**task.config["kafka"], "group_id": group}})


class QuickBroker(MockBroker):
    """The in-process broker with the three seconds taken out that it keeps a group's first member waiting: twice 130
    runs would wait for ten minutes. librdkafka's own switch for it is reached through its C interface."""

    def __enter__(self) -> QuickBroker:
        wheel = Path(confluent_kafka.__file__).parent
        found = [*wheel.parent.glob("confluent_kafka.libs/librdkafka*"), *wheel.glob(".dylibs/librdkafka*")]
        lib = self._lib = ctypes.CDLL(str(found[0]))
        for name in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_mock_cluster_new"):
            getattr(lib, name).restype = ctypes.c_void_p
        lib.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
        said = ctypes.create_string_buffer(512)
        conf = ctypes.c_void_p(lib.rd_kafka_conf_new())
        lib.rd_kafka_conf_set(conf, b"log_level", b"0", said, 512)
        self._handle = ctypes.c_void_p(lib.rd_kafka_new(0, conf, said, 512))
        self._cluster = ctypes.c_void_p(lib.rd_kafka_mock_cluster_new(self._handle, 1))
        lib.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 20)
        self.bootstrap = lib.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()
        self.create_topics(self._topics)
        return self

    def __exit__(self, *_: object) -> None:
        self._lib.rd_kafka_mock_cluster_destroy(self._cluster)
        self._lib.rd_kafka_destroy(self._handle)

    def create_topics(self, topics: Iterable[str]) -> None:
        for topic in topics:
            assert self._lib.rd_kafka_mock_topic_create(self._cluster, topic.encode(), PARTITIONS, 1) == 0


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
    with QuickBroker([CONTACTS, RESULTS]) as running:
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
