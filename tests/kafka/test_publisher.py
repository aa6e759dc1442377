"""Rows out: none is marked before its own record is acknowledged; a refused row holds up no other (DESIGN §4.7)."""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition
from structlog.testing import capture_logs

from jknbridge import checkpoints
from jknbridge.errors import LeaseLost, LedgerBusy
from jknbridge_consumers.broker import API_VERSION, PARTITIONS, MockBroker
from jknbridge_consumers.kafka_settings import KafkaSettings
from jknbridge_consumers.publisher import OutRow, Publisher
from jknbridge_consumers.refusals import Refusal

# From conftest.py, which --import-mode=importlib does not let a test import:
Proxy = Any
Eventually = SettingsFor = Callable[..., Any]
Start = Callable[..., Publisher]
LZ4 = 3


@dataclass
class MemoryOutbox:
    rows: list[OutRow] = field(default_factory=list)
    done: list[int] = field(default_factory=list)
    refused: dict[int, Refusal] = field(default_factory=dict)
    trouble: list[Exception] = field(default_factory=list)
    taken: int = 0

    def take(self, limit: int, /) -> list[OutRow]:
        self.taken += 1
        if self.trouble:
            raise self.trouble.pop(0)
        return [row for row in self.rows if row.id not in self.done and row.id not in self.refused][:limit]

    def published(self, ids: Sequence[int], /) -> None:
        if self.trouble:
            raise self.trouble.pop(0)
        self.done += ids

    def failed(self, ids: Sequence[int], refusal: Refusal, /) -> None:
        self.refused |= dict.fromkeys(ids, refusal)


@pytest.fixture
def outbox() -> MemoryOutbox:
    return MemoryOutbox()


@pytest.fixture
def start(proxy: Proxy) -> Iterator[Start]:  # torn down before the proxy it may be writing through
    running: list[Publisher] = []

    def begin(settings: KafkaSettings, outbox: MemoryOutbox, **options: Any) -> Publisher:
        publisher = Publisher(settings, outbox, **{"retry_first": 0.05, "retry_longest": 0.2, **options})
        publisher.start()
        running.append(publisher)
        return publisher

    yield begin
    for publisher in running:
        assert publisher.stop(), "a publisher did not stop in time"


def rows(topic: str, count: int, key: bytes | None = None, first: int = 1) -> list[OutRow]:
    return [
        OutRow(number, topic, key or b"k%d" % number, b"v%d" % number, [("ce_id", b"%d" % number)])
        for number in range(first, first + count)
    ]


def read_all(broker: MockBroker, topic: str) -> list[Any]:
    consumer = KafkaConsumer(
        bootstrap_servers=broker.bootstrap, api_version=API_VERSION, max_partition_fetch_bytes=16_000_000
    )
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    consumer.assign(partitions)
    consumer.seek_to_beginning()
    ends = consumer.end_offsets(partitions)
    found: list[Any] = []
    while len(found) < sum(ends.values()):
        for records in consumer.poll(1000).values():
            found += records
    consumer.close()
    return found


def batch_of(frame: bytes, topic: str) -> tuple[int, int, int, int, int]:
    """magic, codec, producer id, epoch and base sequence of the first record batch in a produce request (KIP-98)."""
    # After the topic's name stand partition count, partition and size of the records (4 bytes each); in the batch: base
    # offset 8, length 4, leader epoch 4, magic 1, crc 4, attributes 2 (the lowest three bits are the codec), last delta
    # 4, first and last timestamp 8 each, producer id 8, epoch 2, sequence 4.
    batch = frame.index(topic.encode()) + len(topic) + 12
    magic, _, attributes, _, _, _, producer_id, epoch, sequence = struct.unpack_from(">bIhiqqqhi", frame, batch + 16)
    return magic, attributes & 0b111, producer_id, epoch, sequence


def test_rows_arrive_as_they_are_and_in_order(
    settings: KafkaSettings, broker: MockBroker, topic: str, outbox: MemoryOutbox, start: Start, eventually: Eventually
) -> None:
    outbox.rows = rows(topic, 300, key=b"one contact")
    outbox.rows.append(OutRow(301, topic, b"one contact", None, []))
    publisher = start(settings, outbox, limit=100)
    eventually(lambda: len(outbox.done) == 301)
    records = read_all(broker, topic)
    assert [record.value for record in records] == [row.value for row in outbox.rows]
    assert records[0].headers == [("ce_id", b"1")]
    assert publisher.status.published == 301
    assert outbox.done == sorted(outbox.done)


def test_notify_wakes_it_and_idleness_costs_nothing(
    settings: KafkaSettings, topic: str, outbox: MemoryOutbox, start: Start, eventually: Eventually
) -> None:
    publisher = start(settings, outbox, look_again=60)
    eventually(lambda: outbox.taken == 1)
    time.sleep(0.5)
    assert outbox.taken == 1
    outbox.rows = rows(topic, 1)
    publisher.notify()
    eventually(lambda: outbox.done == [1])


def test_nothing_is_marked_before_its_future_and_a_repeat_is_known_as_one(
    broker: MockBroker,
    topic: str,
    outbox: MemoryOutbox,
    start: Start,
    proxy: Proxy,
    settings_for: SettingsFor,
    eventually: Eventually,
) -> None:
    proxy.mend(broker.bootstrap)
    proxy.swallow_produce_answers = 1_000
    outbox.rows = rows(topic, 1)
    start(settings_for(proxy.bootstrap, "g", delivery_timeout_ms=20_000), outbox)
    eventually(lambda: len(proxy.produced) >= 2)  # it reached the broker, the answer was lost, it was sent again
    assert outbox.done == []
    proxy.swallow_produce_answers = 0
    eventually(lambda: outbox.done == [1])
    # A real broker drops a repeat with the same producer id, epoch and sequence. The mock cluster does not look, so
    # look here.
    assert len({batch_of(frame, topic)[2:] for frame in proxy.produced}) == 1
    assert {record.value for record in read_all(broker, topic)} == {b"v1"}


def test_broker_absent_at_start_is_said_and_waited_for(
    broker: MockBroker,
    topic: str,
    outbox: MemoryOutbox,
    start: Start,
    proxy: Proxy,
    settings_for: SettingsFor,
    eventually: Eventually,
) -> None:
    outbox.rows = rows(topic, 3)
    with capture_logs() as lines:
        began = time.monotonic()
        publisher = start(settings_for(proxy.bootstrap, "g", api_version=None, bootstrap_timeout_ms=200), outbox)
        assert time.monotonic() - began < 0.1
        eventually(lambda: any(line["event"] == "publisher_waits_for_broker" for line in lines))
    assert publisher.status.waiting_since is not None
    assert (outbox.done, outbox.refused) == ([], {})
    began = time.monotonic()
    assert publisher.stop()
    assert time.monotonic() - began < 2
    again = start(settings_for(proxy.bootstrap, "g"), outbox)
    proxy.mend(broker.bootstrap)
    eventually(lambda: outbox.done == [1, 2, 3])
    assert again.status.waiting_since is None


def test_broker_lost_in_between_loses_no_row_and_no_order(
    broker: MockBroker,
    topic: str,
    outbox: MemoryOutbox,
    start: Start,
    proxy: Proxy,
    settings_for: SettingsFor,
    eventually: Eventually,
) -> None:
    proxy.mend(broker.bootstrap)
    publisher = start(settings_for(proxy.bootstrap, "g"), outbox)
    outbox.rows = rows(topic, 50, key=b"k")
    publisher.notify()
    eventually(lambda: len(outbox.done) == 50)
    proxy.cut()
    outbox.rows += rows(topic, 50, key=b"k", first=51)
    publisher.notify()
    eventually(lambda: publisher.status.waiting_since is not None, 20)
    assert (len(outbox.done), outbox.refused) == (50, {})
    proxy.mend()
    eventually(lambda: len(outbox.done) == 100)
    values = [record.value for record in read_all(broker, topic)]
    assert sorted(set(values), key=values.index) == [row.value for row in outbox.rows]


def test_a_record_too_large_is_final_and_the_next_goes_on(
    settings: KafkaSettings, broker: MockBroker, topic: str, outbox: MemoryOutbox, start: Start, eventually: Eventually
) -> None:
    small = settings.model_copy(update={"max_request_size": 20_000})
    outbox.rows = [OutRow(1, topic, b"k", b"x" * 30_000, []), *rows(topic, 1, first=2)]
    start(small, outbox)
    eventually(lambda: outbox.done == [2])
    assert (outbox.refused[1].reason.code, outbox.refused[1].final) == ("kafka.too_large", True)


def test_five_megabytes_go_out(
    settings: KafkaSettings, broker: MockBroker, topic: str, outbox: MemoryOutbox, start: Start, eventually: Eventually
) -> None:
    outbox.rows = [OutRow(1, topic, None, b"\x00\x01\x02" * 1_700_000, [])]
    start(settings, outbox)
    eventually(lambda: outbox.done == [1])
    assert read_all(broker, topic)[0].value == outbox.rows[0].value


def test_a_row_that_is_no_record_is_final(
    settings: KafkaSettings, topic: str, outbox: MemoryOutbox, start: Start, eventually: Eventually
) -> None:
    outbox.rows = [OutRow(1, topic, None, None, []), OutRow(2, "a topic?", b"k", b"v", []), *rows(topic, 1, first=3)]
    start(settings, outbox)
    eventually(lambda: outbox.done == [3])
    assert {outbox.refused[number].reason.code for number in (1, 2)} == {"kafka.malformed"}
    assert all(refusal.final for refusal in outbox.refused.values())


def test_a_missing_topic_holds_up_no_other(
    broker: MockBroker,
    topic: str,
    outbox: MemoryOutbox,
    start: Start,
    proxy: Proxy,
    settings_for: SettingsFor,
    eventually: Eventually,
) -> None:
    proxy.mend(broker.bootstrap)
    missing = f"{topic[:-1]}X"
    proxy.hidden = (missing, topic)
    outbox.rows = [*rows(missing, 3), *rows(topic, 3, first=4)]
    publisher = start(settings_for(proxy.bootstrap, "g"), outbox)
    eventually(lambda: outbox.done == [4, 5, 6])
    assert {number: refusal.reason.code for number, refusal in outbox.refused.items()} == dict.fromkeys(
        (1, 2, 3), "kafka.topic_missing"
    )
    assert not any(refusal.final for refusal in outbox.refused.values())
    proxy.hidden = None  # somebody creates it
    time.sleep(0.3)  # kabar_detik: how long the answer "missing" is remembered
    outbox.refused.clear()  # the outbox's waiting time is over
    publisher.notify()
    eventually(lambda: sorted(outbox.done) == [1, 2, 3, 4, 5, 6])


def test_a_busy_ledger_is_asked_again_and_nothing_is_sent_twice(
    settings: KafkaSettings, broker: MockBroker, topic: str, outbox: MemoryOutbox, start: Start, eventually: Eventually
) -> None:
    outbox.rows = rows(topic, 5)
    outbox.trouble = [LedgerBusy("busy")]
    publisher = start(settings, outbox)
    eventually(lambda: len(outbox.done) == 5)
    outbox.rows += rows(topic, 5, first=6)
    taken = outbox.taken

    def trouble_after_take() -> bool:  # between the send and the mark
        if outbox.taken > taken:
            outbox.trouble = [LedgerBusy("busy")] * 3
            return True
        return False

    publisher.notify()
    eventually(trouble_after_take)
    eventually(lambda: len(outbox.done) == 10)
    assert len(read_all(broker, topic)) == 10


def test_a_lost_lease_ends_the_publisher(
    settings: KafkaSettings, topic: str, outbox: MemoryOutbox, start: Start, eventually: Eventually
) -> None:
    outbox.trouble = [LeaseLost("another worker")]
    publisher = start(settings, outbox)
    eventually(lambda: not publisher.status.alive)


def test_stop_marks_what_was_acknowledged(
    settings: KafkaSettings, broker: MockBroker, topic: str, outbox: MemoryOutbox, start: Start, eventually: Eventually
) -> None:
    outbox.rows = rows(topic, 2_000)
    publisher = start(settings, outbox, limit=500)
    eventually(lambda: outbox.done)
    assert publisher.stop()
    assert sorted(outbox.done) == sorted(int(record.value[1:]) for record in read_all(broker, topic))


def test_lz4_is_on_the_wire(
    broker: MockBroker,
    topic: str,
    outbox: MemoryOutbox,
    start: Start,
    proxy: Proxy,
    settings_for: SettingsFor,
    eventually: Eventually,
) -> None:
    proxy.mend(broker.bootstrap)
    outbox.rows = [OutRow(1, topic, b"k", b"compress me " * 1000, [])]
    start(settings_for(proxy.bootstrap, "g"), outbox)
    eventually(lambda: outbox.done)
    magic, codec, producer_id, epoch, sequence = batch_of(proxy.produced[0], topic)
    assert (magic, codec) == (2, LZ4)
    assert producer_id >= 0, "the producer is not idempotent"
    assert (epoch, sequence) == (0, 0)
    assert len(proxy.produced[0]) < 1_000


def test_the_points_of_the_path_in_order(
    settings: KafkaSettings, topic: str, outbox: MemoryOutbox, start: Start, eventually: Eventually
) -> None:
    seen: list[str] = []
    checkpoints.install(lambda name: seen.append(f"{name} {len(outbox.done)} {threading.current_thread().name}"))
    try:
        outbox.rows = rows(topic, 1)
        start(settings, outbox)
        eventually(lambda: outbox.done)
    finally:
        checkpoints.install(None)
    assert seen == ["produce.before 0 jknbridge-publisher", "produce.after 0 jknbridge-publisher"]
