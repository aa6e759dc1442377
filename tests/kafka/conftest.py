"""The Kafka edge against a real broker: librdkafka's, in this process, with a proxy in front that a test can break."""

from __future__ import annotations

import contextlib
import itertools
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from kafka import KafkaProducer

from jknbridge.fhir.records import Record
from jknbridge_consumers.broker import API_VERSION, MockBroker
from jknbridge_consumers.intake_host import LedgerMark, Witness
from jknbridge_consumers.kafka_settings import KafkaSettings
from jknbridge_consumers.positions import Partition, SourceStopped

PRODUCE = 0
METADATA = 3


@pytest.fixture(scope="session")
def broker() -> Iterator[MockBroker]:
    with MockBroker() as running:
        yield running


@pytest.fixture
def topic(broker: MockBroker, request: pytest.FixtureRequest) -> str:
    """A topic of this test's own, four partitions."""
    name = re.sub(r"[^A-Za-z0-9_.-]", ".", f"t.{request.node.name}")[:100]
    broker.create_topics([name])
    return name


def settings_for(bootstrap: str, group: str, **changes: Any) -> KafkaSettings:
    return KafkaSettings(
        **{
            "bootstrap_servers": bootstrap,
            "api_version": API_VERSION,
            "group_id": group,
            "kabar_detik": 0.2,
            "reconnect_backoff_max_ms": 200,
            "bootstrap_timeout_ms": 1_000,
            "request_timeout_ms": 2_000,
            "delivery_timeout_ms": 3_000,
            "metadata_max_age_ms": 1_000,
            "session_timeout_ms": 4_500,  # the mock cluster keeps a group's next member waiting for this long
            "heartbeat_interval_ms": 1_000,
            **changes,
        }
    )


@pytest.fixture
def settings(broker: MockBroker, topic: str) -> KafkaSettings:
    return settings_for(broker.bootstrap, f"g.{topic}")


@pytest.fixture
def put(broker: MockBroker) -> Iterator[Callable[..., Any]]:
    """``put(topic, value, key=…, partition=0, headers=[])``: one record, acknowledged; returns its metadata."""
    producer = KafkaProducer(
        bootstrap_servers=broker.bootstrap, api_version=API_VERSION, max_request_size=16_000_000, acks="all"
    )

    def send(topic: str, value: bytes | None, key: bytes | None = b"k", partition: int = 0, headers: Any = None) -> Any:
        return producer.send(topic, value=value, key=key, partition=partition, headers=headers).get(timeout=10)

    yield send
    producer.close()


def eventually(check: Callable[[], Any], seconds: float = 15.0) -> Any:
    """The first truthy answer of ``check``; fails after ``seconds``."""
    until = time.monotonic() + seconds
    while not (answer := check()):
        if time.monotonic() > until:
            pytest.fail("it did not come to pass")
        time.sleep(0.02)
    return answer


@dataclass
class MemoryHost:
    """A ledger in memory: offsets move only with a stored batch, and it can be told to refuse."""

    offsets: dict[Partition, int] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    records: list[Record] = field(default_factory=list)
    placed_first: dict[Partition, int] = field(default_factory=dict)
    witnesses: dict[Partition, Witness] = field(default_factory=dict)
    stops: list[SourceStopped] = field(default_factory=list)
    refuse: list[Exception] = field(default_factory=list)
    offered: int = 0
    sequence: int = 0
    released: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.released.set()

    def store(self, batch: Sequence[Record], /) -> LedgerMark:
        self.offered += 1
        if self.refuse:
            raise self.refuse.pop(0)
        assert self.released.wait(20)
        self.records += batch
        for record in batch:
            self.offsets[(record.topic, record.partition)] = record.offset + 1
        self.sequence += 1
        return LedgerMark("ledger-a", self.sequence)

    def positions(self, partitions: Sequence[Partition], /) -> Mapping[Partition, int | None]:
        return {partition: self.offsets.get(partition) for partition in partitions}

    def knows_topic(self, topic: str, /) -> bool:
        return topic in self.known or any(name == topic for name, _ in self.offsets)

    def placed(self, offsets: Mapping[Partition, int], /) -> None:
        self.placed_first.update(offsets)
        self.offsets.update(offsets)

    def witnessed(self, found: Mapping[Partition, Witness], /) -> None:
        self.witnesses.update(found)

    def source_stopped(self, stopped: SourceStopped, /) -> None:
        self.stops.append(stopped)

    @property
    def values(self) -> list[bytes | None]:
        return [record.value for record in self.records]


class Proxy:
    """A TCP proxy that speaks enough Kafka to stand in front of a broker: it puts its own port into the broker's
    answers.

    It refuses connections until :meth:`listen`, can be cut and switched to another broker, keeps what was produced, and
    can swallow the answer to a produce request, as a network does that dies at the wrong moment.

    ``hidden = (topic, another)``, names of equal length, lets nobody learn of ``topic``: the mock cluster creates a
    topic as soon as it is asked for it, whatever the request says, so this is how one is missing.
    """

    def __init__(self) -> None:
        self._server = socket.socket()
        self._server.bind(("127.0.0.1", 0))
        self._server.listen()
        self.port: int = self._server.getsockname()[1]
        self.bootstrap = f"127.0.0.1:{self.port}"
        self.upstream = ""
        self.produced: list[bytes] = []
        self.swallow_produce_answers = 0
        self.hidden: tuple[str, str] | None = None
        self.open = False
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._closing = False
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Drop all connections and hang up on new ones until :meth:`mend`."""
        self.open = False
        self._drop()

    def mend(self, upstream: str | None = None) -> None:
        """Let callers through, to another broker if one is given."""
        self.upstream = upstream or self.upstream
        self.open = True

    def close(self) -> None:
        self._closing = True
        self.cut()
        with contextlib.suppress(OSError):  # wakes a blocked accept(); close alone would not
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _drop(self) -> None:
        pairs, self._pairs = self._pairs, []
        for one in itertools.chain.from_iterable(pairs):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self._closing:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            if not self.open:
                client.close()
                continue
            host, port = self.upstream.split(":")
            try:
                upstream = socket.create_connection((host, int(port)), 2)
            except OSError:
                client.close()
                continue
            upstream.settimeout(None)
            self._pairs.append((client, upstream))
            asked: dict[int, int] = {}
            threading.Thread(target=self._requests, args=(client, upstream, asked), daemon=True).start()
            threading.Thread(target=self._answers, args=(client, upstream, asked, int(port)), daemon=True).start()

    def _requests(self, client: socket.socket, upstream: socket.socket, asked: dict[int, int]) -> None:
        for frame in _frames(client):
            api, _, correlation = struct.unpack(">hhi", frame[:8])
            asked[correlation] = api
            if api == METADATA and self.hidden:
                frame = frame.replace(self.hidden[0].encode(), self.hidden[1].encode())
            if api == PRODUCE:
                self.produced.append(frame)
            if not _send(upstream, frame):
                break
        upstream.close()
        client.close()

    def _answers(self, client: socket.socket, upstream: socket.socket, asked: dict[int, int], port: int) -> None:
        address = struct.pack(">h", 9) + b"127.0.0.1"
        for frame in _frames(upstream):
            if asked.pop(struct.unpack(">i", frame[:4])[0], None) == PRODUCE and self.swallow_produce_answers:
                self.swallow_produce_answers -= 1
                break
            frame = frame.replace(address + struct.pack(">i", port), address + struct.pack(">i", self.port))
            if not _send(client, frame):
                break
        for one in (client, upstream):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


def _frames(source: socket.socket) -> Iterator[bytes]:
    while (head := _exactly(source, 4)) is not None:
        body = _exactly(source, struct.unpack(">i", head)[0])
        if body is None:
            return
        yield body


def _exactly(source: socket.socket, size: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < size:
        try:
            part = source.recv(min(65536, size - len(parts)))
        except OSError:
            return None
        if not part:
            return None
        parts += part
    return bytes(parts)


def _send(target: socket.socket, frame: bytes) -> bool:
    try:
        target.sendall(struct.pack(">i", len(frame)) + frame)
    except OSError:
        return False
    return True


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    made = Proxy()
    yield made
    made.close()


@pytest.fixture
def host() -> MemoryHost:
    return MemoryHost()


@pytest.fixture(name="eventually")
def _eventually() -> Callable[..., Any]:
    return eventually


@pytest.fixture(name="settings_for")
def _settings_for() -> Callable[..., KafkaSettings]:
    return settings_for
