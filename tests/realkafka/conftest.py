"""`jknbridge run` as a child process between a real Apache Kafka and the sandbox, and what both hold afterwards.

Without Java and Maven these tests skip, and the last line of the whole run says so; with ``CI=true`` that is a failure.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import tomllib
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition

from jknbridge.ledger import schema as s
from jknbridge.ledger.engine import open_ledger
from jknbridge.sandbox.config import render_toml
from jknbridge.sandbox.server import SandboxThread
from jknbridge.settings import LedgerSettings
from jknbridge.testing.apache_kafka import HOW_TO_GET, VERSION, ApacheKafka, fetch, free_port, missing
from jknbridge.testing.visits import MAPPINGS, visit
from jknbridge_adapters.pcare.sandbox import make_sandbox
from jknbridge_consumers.kafka_settings import KafkaSettings
from jknbridge_consumers.topics import ensure, needed

FACILITY = "99990001"
PARTICIPANTS = 400
PROGRAM = Path(sys.executable).with_name("jknbridge")
START = datetime.now(UTC) - timedelta(minutes=1)
"""One service time for a whole run of the tests: a visit told again is the same visit."""
TIMES = {
    "settle": {"kunjungan": 0.2, "obat": 0.2}, "visibility": 0.3, "late_effect": 1.0, "probe_every": 0.3,
    "probe_for": 60.0, "retry_first": 0.1, "retry_cap": 1.0, "connect": 2.0, "total": 5.0,
}  # fmt: skip

_said: list[str] = []
"""Lines for the end of the pytest run: figures, or why nothing was tried."""


# --- the broker -------------------------------------------------------------------------------------------------------


class Kafka(ApacheKafka):
    """The broker, and what a test does with it as any other client would."""

    def create(self, topic: str, partitions: int = 3) -> None:
        """A topic of the EMR's, and those that we write."""
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        admin.create_topics({topic: {"num_partitions": partitions, "replication_factor": 1}})
        admin.close()
        settings = KafkaSettings(bootstrap_servers=(self.bootstrap,))
        made = ensure(settings, needed([topic], settings), replication=1)
        assert {finding.severity for finding in made} == {"baik"}, made

    def producer(self) -> Producer:
        """librdkafka's: the EMR's own client is another than ours."""
        options = {"bootstrap.servers": self.bootstrap, "enable.idempotence": True, "log_level": 0}
        return Producer({**options, "reconnect.backoff.max.ms": 200})

    def publish(self, topic: str, *visits: Sequence[Mapping[str, Any]]) -> None:
        """Whole visits, resource by resource over the topic's partitions; returns when the broker has them."""
        producer = self.producer()
        for resources in visits:
            send(producer, topic, resources)
        assert producer.flush(60) == 0

    def read(self, topic: str, ledger: str) -> list[dict[str, Any]]:
        """All that one ledger's bridge published on a topic, repeats included."""
        consumer = KafkaConsumer(bootstrap_servers=self.bootstrap, auto_offset_reset="none")
        parts = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
        consumer.assign(parts)
        consumer.seek_to_beginning()
        ends = consumer.end_offsets(parts)
        found = []
        while any(consumer.position(tp) < ends[tp] for tp in parts):
            for records in consumer.poll(timeout_ms=500).values():
                own = [r for r in records if dict(r.headers)["ce_source"].decode().endswith(ledger)]
                found += [json.loads(r.value) for r in own]
        consumer.close()
        return found


def send(producer: Producer, topic: str, resources: Iterable[Mapping[str, Any]]) -> None:
    for r in resources:
        producer.produce(topic, key=f"{r['resourceType']}/{r['id']}", value=json.dumps(r))


class Load:
    """An EMR at work: visits ``v1``, ``v2``, … published from a thread, each when the broker has the one before."""

    def __init__(self, kafka: Kafka, topic: str, every: float = 0.15) -> None:
        self.visits = 0
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(kafka.producer(), topic, every), daemon=True)
        self._thread.start()

    def _run(self, producer: Producer, topic: str, every: float) -> None:
        while self.visits < PARTICIPANTS and not self._enough.wait(every):
            self.visits += 1
            send(producer, topic, patients(self.visits, self.visits)[0])
            producer.flush(60)

    def end(self) -> int:
        """Publish no more; how many visits there were, all of them acknowledged by the broker."""
        assert self._thread.is_alive(), "the load ended before it was told to"
        self._enough.set()
        self._thread.join(60)
        assert not self._thread.is_alive()
        return self.visits


def patients(first: int, last: int, drugs: int = 1) -> list[list[dict[str, Any]]]:
    """Visits ``v<n>``, one of each of the participants ``n``."""
    return [visit(f"v{n}", card=card(n), drugs=drugs, start=START) for n in range(first, last + 1)]


def card(number: int) -> str:
    return f"0009999{100_000 + number}"


# --- the target -------------------------------------------------------------------------------------------------------


class Target:
    """The sandbox on a port that is known before it listens."""

    def __init__(self) -> None:
        self.port = free_port()
        self.thread = SandboxThread([make_sandbox(time.time)], port=self.port)
        self.thread.sandbox.port = self.port
        self.facility = tomllib.loads(self.thread.sandbox.print_config())["faskes"][FACILITY]
        self.listening = False

    def start(self) -> None:
        self.thread.__enter__()
        self.listening = True
        self.admin(
            "load", {"target": "pcare", "participants": [{"noKartu": card(n)} for n in range(1, PARTICIPANTS + 1)]}
        )

    def stop(self) -> None:
        if self.listening:
            self.thread.__exit__(None, None, None)

    def admin(self, call: str, body: Any) -> None:
        request = urllib.request.Request(f"{self.thread.base_url}/_sandbox/{call}", json.dumps(body).encode())
        urllib.request.urlopen(request, timeout=10).close()

    def effects(self, operation: str = "") -> int:
        return sum(row.effect.operation.startswith(operation) for row in self.thread.sandbox.truth.effects)

    def asked(self, operation: str) -> int:
        return sum(row.operation == operation for row in self.thread.sandbox.truth.requests)

    def faults(self, visits: int, drugs: int = 1) -> list[str]:
        """What is wrong with what PCare holds, in words: each visit and each drug once, nothing sent blindly."""
        rows = [row.effect for row in self.thread.sandbox.truth.effects]
        found = Counter(effect.operation for effect in rows)
        wanted = {"pendaftaran.add": visits, "kunjungan.add": visits, "obat.add": visits * drugs}
        said = [f"PCare holds {dict(found)}, {wanted} wanted"] if found != wanted else []
        named = Counter((e.operation, e.key, str(e.payload.get("kdObat")) if e.payload else "") for e in rows)
        said += [f"{n} times {name}" for name, n in named.items() if n > 1]
        verdict = self.thread.sandbox.judge()
        return said + [finding.render() for finding in (*verdict.double, *verdict.blind_repeats)]


# --- the bridge -------------------------------------------------------------------------------------------------------


class Bridge:
    """One ledger and config, and the `jknbridge run` over it that a test starts, ends and kills."""

    def __init__(self, folder: Path, target: Target, topic: str, kafka: Mapping[str, Any]) -> None:
        folder.mkdir()
        self.file = folder / "ledger.sqlite3"
        self.config = folder / "jknbridge.toml"
        self.topic = topic
        self.group = f"g.{topic}"
        self.environment: dict[str, str] = {}
        self.process: subprocess.Popen[bytes] | None = None
        self._log = folder / "run.log"
        self._log.touch()
        tables = {
            "ledger": {"url": f"sqlite:///{self.file}"},
            "waktu": TIMES,
            "sumber": {"emr": {"topics": [topic], "mulai_dari": "awal"}},
            "faskes": {FACILITY: target.facility},
            "kafka": {"group_id": self.group, "session_timeout_ms": 3_000, "heartbeat_interval_ms": 1_000, **kafka},
        }
        self.config.write_text(render_toml(tables))
        ledger = open_ledger(LedgerSettings(url=f"sqlite:///{self.file}"), migrate=True)
        rows = [
            {"facility": "*", "list": name, "local": local, "code": code, "set_at": 0.0, "set_by": "uji"}
            for name, pairs in MAPPINGS.items()
            for local, code in pairs.items()
        ]
        ledger.write_now(lambda c: c.execute(s.mapping.insert(), rows))
        self.ledger = ledger.id
        ledger.close()

    def command(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another command over this config, to its end."""
        surroundings = {**os.environ, **self.environment}
        line = self._line(name, *arguments)
        return subprocess.run(line, capture_output=True, text=True, timeout=60, env=surroundings, check=False)

    def _line(self, name: str, *arguments: str) -> list[str]:
        return [str(PROGRAM), name, "--config", str(self.config), "--json", *arguments]

    def start(self) -> None:
        """Start a run, and return when it has said so."""
        seen, surroundings = len(self.events()), {**os.environ, **self.environment}
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(self._line("run"), stdout=log, stderr=log, env=surroundings)
        self.until(lambda: any(event["event"] == "mulai" for event in self.events()[seen:]), "it says that it starts")

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        assert self.process.wait(10) == -signal.SIGKILL, self.tail()

    def terminate(self) -> float:
        """SIGTERM; the seconds until it had drained and ended with 0."""
        assert self.process is not None
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0, self.tail()
        assert self.events()[-1]["event"] == "selesai", self.tail()
        return time.monotonic() - began

    def events(self, name: str = "") -> list[dict[str, Any]]:
        """Its log so far. A line that is no JSON object (a traceback) fails the test."""
        lines = [json.loads(line) for line in self._log.read_text().splitlines(keepends=True) if line.endswith("\n")]
        return [line for line in lines if name in ("", line["event"])]

    def until(self, check: Callable[[], Any], what: str, seconds: float = 30.0) -> float:
        """Wait for ``check``; the seconds that took. Fails when the time is up, or the run has ended."""
        began = time.monotonic()
        while not check():
            if self.process is not None and self.process.poll() is not None:
                pytest.fail(f"the run ended with {self.process.returncode} before {what}:\n{self.tail()}")
            if time.monotonic() - began > seconds:
                pytest.fail(f"not within {seconds:.0f} s: {what}; {self.left()}\n{self.tail()}")
            time.sleep(0.02)
        return time.monotonic() - began

    def ask(self, query: str) -> list[Any]:
        with closing(sqlite3.connect(f"file:{self.file}?mode=ro", uri=True, timeout=10)) as connection:
            return connection.execute(query).fetchall()

    def taken_in(self) -> int:
        return int(self.ask("SELECT coalesce(sum(n), 0) FROM tally WHERE name = 'records.in'")[0][0])

    def left(self) -> dict[str, int]:
        """What the program itself still has to do, by name; empty when nothing."""
        queries = {
            "journeys due": "journey WHERE due_at IS NOT NULL",
            "facts asked": "fact WHERE state = 'asked'",
            "work": "submission WHERE work IN ('ready', 'sending', 'retry', 'in_doubt')",
            "requests in doubt": "request WHERE state IN ('sending', 'in_doubt')",
            "to publish": "outbox WHERE state = 'new'",
        }
        counts = {name: int(self.ask(f"SELECT count(*) FROM {query}")[0][0]) for name, query in queries.items()}
        return {name: n for name, n in counts.items() if n}

    def until_settled(self, visits: int, drugs: int = 1, seconds: float = 40.0) -> float:
        """Until every visit has all its submissions at PCare, and nothing is left to do or to publish."""
        present = "SELECT count(*) FROM submission WHERE held = 'present' AND work = 'none'"
        wanted = visits * (2 + drugs)

        def settled() -> bool:
            return self.ask(present)[0][0] == wanted and not self.left()

        return self.until(settled, f"{wanted} things held", seconds)

    def tail(self) -> str:
        return "\n".join(self._log.read_text().splitlines()[-25:])

    def faults(self) -> list[str]:
        """What its books and its log say against it: sums that disagree, a card number, a line of level error."""
        report = self.command("report")
        said = [] if report.returncode == 0 else [f"report: {report.stdout or report.stderr}"]
        text = self._log.read_text()
        said += ["a card number in the log"] if "0009999" in text else []
        return said + [f"logged: {event}" for event in self.events() if event["level"] in ("error", "critical")]


def contact_faults(events: Sequence[Mapping[str, Any]], visits: int, *, repeats: bool) -> list[str]:
    """What is wrong with the contacts on the topic: one per visit, each id and revision with one content, and once only
    unless ``repeats`` (a killed run publishes again what it could not mark)."""
    contents: dict[tuple[str, int], list[str]] = defaultdict(list)
    for event in events:
        contents[event["id"], event["revision"]].append(json.dumps(event, sort_keys=True))
    said = [f"two contents of {name}" for name, texts in contents.items() if len(set(texts)) > 1]
    said += [] if repeats else [f"{len(t)} times {name}" for name, t in contents.items() if len(t) > 1]
    if len({name for name, _ in contents}) != visits or any(event["state"] != "recorded" for event in events):
        said.append(f"{len({name for name, _ in contents})} contacts, {visits} wanted")
    return said


# --- fixtures ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def can_run() -> None:
    """Java, and Maven or the jars, are here; else every test skips, and fails where CI ought to have them."""
    why = missing()
    if why is not None:
        _said.append(f"SKIPPED: real Apache Kafka {VERSION}: {why}. To get it: {HOW_TO_GET}")
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"no real Apache Kafka: {why}")
    fetch()


@pytest.fixture(scope="session")
def _broker(can_run: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    with Kafka(tmp_path_factory.mktemp("kafka"), sasl_ssl=True) as running:
        yield running


@pytest.fixture
def kafka(_broker: Kafka) -> Kafka:
    """The broker of the whole run, up again if a test left it down. Topics and groups are each test's own."""
    if not _broker.running:
        _broker.restart()
    return _broker


@pytest.fixture
def own_kafka(can_run: None, tmp_path: Path) -> Iterator[Kafka]:
    """A broker of the test's own, not started yet."""
    made = Kafka(tmp_path / "kafka")
    yield made
    made.stop()


@pytest.fixture
def target() -> Iterator[Target]:
    """A sandbox that does not listen yet."""
    made = Target()
    yield made
    made.stop()


@pytest.fixture
def make_bridge(tmp_path: Path, target: Target) -> Iterator[Callable[..., Bridge]]:
    """``make_bridge(topic, **kafka)``; its run is killed afterwards if it still is one."""
    made: list[Bridge] = []

    def make(topic: str, **kafka: Any) -> Bridge:
        made.append(Bridge(tmp_path / f"jembatan-{len(made)}", target, topic, kafka))
        return made[-1]

    yield make
    for bridge in made:
        if bridge.process is not None and bridge.process.poll() is None:
            bridge.process.kill()
            bridge.process.wait()


@pytest.fixture(name="patients")
def _patients() -> Callable[..., Any]:
    return patients


@pytest.fixture(name="contact_faults")
def _contact_faults() -> Callable[..., Any]:
    return contact_faults


@pytest.fixture(name="start_load")
def _start_load() -> type[Load]:
    return Load


@pytest.fixture
def figure() -> Callable[[str], None]:
    """A line for the end of the pytest run."""
    return lambda text: _said.append(f"real Apache Kafka {VERSION}: {text}")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
    """Around all others, so that these lines stand at the very end."""
    yield
    for line in _said:
        terminalreporter.write_line(line)
