"""Records in: where reading begins, what a failing ledger or broker does, what stops a source (DESIGN §2.1, §5)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition
from structlog.testing import capture_logs

from jknbridge import checkpoints
from jknbridge.errors import LeaseLost, LedgerBusy
from jknbridge_consumers.broker import API_VERSION, MockBroker
from jknbridge_consumers.client import Opened, open_consumer
from jknbridge_consumers.commits import write_mark
from jknbridge_consumers.intake import IntakeThread
from jknbridge_consumers.intake_host import LedgerMark
from jknbridge_consumers.kafka_settings import KafkaSettings

# From conftest.py, which --import-mode=importlib does not let a test import:
MemoryHost = Proxy = Any
Eventually = SettingsFor = Callable[..., Any]
Put = Callable[..., Any]
Start = Callable[..., IntakeThread]


@pytest.fixture
def start(proxy: Proxy) -> Iterator[Start]:  # torn down before the proxy it may be reading through
    running: list[IntakeThread] = []

    def begin(
        settings: KafkaSettings, topic: str, host: MemoryHost, mulai: Any = "awal", **options: Any
    ) -> IntakeThread:
        options = {"retry_first": 0.05, "retry_longest": 0.2, "look_every": 0.3, **options}
        intake = IntakeThread(settings, {topic: mulai}, host, **options)
        intake.start()
        running.append(intake)
        return intake

    yield begin
    for intake in running:
        assert intake.stop(), "an intake did not stop in time"


def commit(settings: KafkaSettings, topic: str, offset: int, metadata: str = "") -> None:
    consumer = KafkaConsumer(
        bootstrap_servers=list(settings.bootstrap_servers), api_version=API_VERSION, group_id=settings.group_id
    )
    consumer.commit({TopicPartition(topic, 0): OffsetAndMetadata(offset, metadata, -1)}, timeout_ms=5000)
    consumer.close()


def committed(settings: KafkaSettings, topic: str) -> Any:
    consumer = KafkaConsumer(
        bootstrap_servers=list(settings.bootstrap_servers), api_version=API_VERSION, group_id=settings.group_id
    )
    found = consumer.committed(TopicPartition(topic, 0), metadata=True, timeout_ms=5000)
    consumer.close()
    return found


@pytest.mark.parametrize("in_kafka", [1, 5], ids=["commit behind", "commit ahead"])
def test_the_ledger_says_where_to_read_not_the_commit(
    settings: KafkaSettings, topic: str, put: Put, host: MemoryHost, start: Start, in_kafka: int, eventually: Eventually
) -> None:
    for number in range(6):
        put(topic, b"%d" % number)
    commit(settings, topic, in_kafka, '{"ledger":"ledger-z","sequence":9}')
    host.offsets[(topic, 0)] = 3
    intake = start(settings, topic, host)
    eventually(lambda: len(host.records) == 3)
    assert host.values == [b"3", b"4", b"5"]
    witness = host.witnesses[(topic, 0)]
    assert (witness.offset, witness.mark) == (in_kafka, LedgerMark("ledger-z", 9))
    assert intake.stop()
    now = committed(settings, topic)
    assert (now.offset, now.metadata) == (6, write_mark(LedgerMark("ledger-a", host.sequence)))


def test_start_now_is_made_durable_so_a_restart_does_not_move_it(
    settings: KafkaSettings, topic: str, put: Put, host: MemoryHost, start: Start, eventually: Eventually
) -> None:
    put(topic, b"old")
    first = start(settings, topic, host, "sekarang")
    eventually(lambda: host.placed_first)
    assert host.placed_first == {(topic, 0): 1, (topic, 1): 0, (topic, 2): 0, (topic, 3): 0}
    assert first.stop()
    put(topic, b"while down")
    start(settings, topic, host, "sekarang")
    eventually(lambda: host.records)
    assert host.values == [b"while down"]


def test_a_refused_batch_is_offered_again_whole_and_nothing_is_skipped(
    settings: KafkaSettings, topic: str, put: Put, host: MemoryHost, start: Start, eventually: Eventually
) -> None:
    host.refuse = [LedgerBusy("busy"), OSError("disk full"), ValueError("a defect")]
    for number in range(5):
        put(topic, b"%d" % number, partition=number % 2)
    intake = start(settings, topic, host)
    eventually(lambda: len(host.records) == 5)
    put(topic, b"after")
    eventually(lambda: len(host.records) == 6)
    assert sorted(value or b"" for value in host.values) == [b"0", b"1", b"2", b"3", b"4", b"after"]
    status = intake.status
    assert (status.refusals, status.records, status.phase, status.last_error) == (3, 6, "reading", None)
    assert status.consumers_made == 1


def test_while_the_ledger_refuses_the_status_says_so_and_a_stop_is_prompt(
    settings: KafkaSettings, topic: str, put: Put, host: MemoryHost, start: Start, eventually: Eventually
) -> None:
    host.refuse = [LedgerBusy("held by another process") for _ in range(1000)]
    put(topic, b"x")
    intake = start(settings, topic, host)
    eventually(lambda: intake.status.phase == "held_up")
    assert "held by another process" in (intake.status.last_error or "")
    began = time.monotonic()
    assert intake.stop()
    assert time.monotonic() - began < 3
    assert (topic, 0) not in host.offsets or host.offsets[(topic, 0)] == 0
    assert committed(settings, topic) is None


def test_a_stop_finishes_the_batch_in_hand(
    settings: KafkaSettings, topic: str, put: Put, host: MemoryHost, start: Start, eventually: Eventually
) -> None:
    host.released.clear()
    put(topic, b"x")
    intake = start(settings, topic, host)
    eventually(lambda: host.offered)
    threading.Timer(0.5, host.released.set).start()
    assert intake.stop()
    assert host.values == [b"x"]
    assert committed(settings, topic).offset == 1
    assert intake.status.phase == "stopped"


def test_a_lost_lease_ends_the_intake(
    settings: KafkaSettings, topic: str, put: Put, host: MemoryHost, start: Start, eventually: Eventually
) -> None:
    host.refuse = [LeaseLost("another worker")]
    put(topic, b"x")
    intake = start(settings, topic, host)
    eventually(lambda: not intake.alive)
    assert host.records == []


def test_broker_absent_at_start_then_there(
    broker: MockBroker,
    topic: str,
    put: Put,
    host: MemoryHost,
    start: Start,
    proxy: Proxy,
    eventually: Eventually,
    settings_for: SettingsFor,
) -> None:
    put(topic, b"x")
    settings = settings_for(proxy.bootstrap, f"g.{topic}", bootstrap_timeout_ms=200)
    with capture_logs() as lines:
        began = time.monotonic()
        intake = start(settings, topic, host)
        assert time.monotonic() - began < 0.1
        eventually(lambda: any(line["event"] == "intake_waits_for_broker" for line in lines))
        assert not intake.status.connected
        proxy.mend(broker.bootstrap)
        eventually(lambda: host.records)
    eventually(lambda: intake.status.connected)


def test_a_constructor_that_fails_leaves_no_thread_behind(
    proxy: Proxy, eventually: Eventually, settings_for: SettingsFor
) -> None:
    settings = settings_for(proxy.bootstrap, "g", api_version=None, bootstrap_timeout_ms=100)
    before = threading.active_count()
    for _ in range(3):
        with pytest.raises(Exception, match="bootstrap"):
            open_consumer(settings)
    eventually(lambda: threading.active_count() <= before)


def test_connections_cut_while_reading(
    broker: MockBroker,
    topic: str,
    put: Put,
    host: MemoryHost,
    start: Start,
    proxy: Proxy,
    eventually: Eventually,
    settings_for: SettingsFor,
) -> None:
    proxy.mend(broker.bootstrap)
    put(topic, b"before")
    intake = start(settings_for(proxy.bootstrap, f"g.{topic}"), topic, host)
    eventually(lambda: len(host.records) == 1)
    proxy.cut()
    put(topic, b"meanwhile")
    eventually(lambda: not intake.status.connected)
    proxy.mend()
    eventually(lambda: len(host.records) == 2)
    assert host.values == [b"before", b"meanwhile"]


def test_an_offset_beyond_the_end_stops_the_source_and_a_decision_releases_it(
    settings: KafkaSettings, topic: str, put: Put, host: MemoryHost, start: Start, eventually: Eventually
) -> None:
    put(topic, b"new life", partition=0)
    put(topic, b"fine", partition=1)
    host.offsets = {(topic, 0): 500, (topic, 1): 0}
    intake = start(settings, topic, host)
    eventually(lambda: host.values == [b"fine"])
    stop = eventually(lambda: intake.status.stopped)[0]
    assert (stop.topic, stop.partition, stop.reason.code) == (topic, 0, "kafka.beyond_end")
    assert host.stops == [stop]
    host.offsets[(topic, 0)] = 0  # what a person decided
    intake.reconsider()
    eventually(lambda: host.values == [b"fine", b"new life"])
    assert intake.status.stopped == ()


def test_a_topic_recreated_while_it_is_read_stops_the_source(
    broker: MockBroker,
    topic: str,
    put: Put,
    host: MemoryHost,
    start: Start,
    proxy: Proxy,
    eventually: Eventually,
    settings_for: SettingsFor,
) -> None:
    proxy.mend(broker.bootstrap)
    for number in range(3):
        put(topic, b"%d" % number)
    intake = start(settings_for(proxy.bootstrap, f"g.{topic}"), topic, host)
    eventually(lambda: len(host.records) == 3)
    with MockBroker([topic]) as other:  # a new cluster behind the same address: all its logs are empty
        proxy.cut()
        proxy.mend(other.bootstrap)
        stop = eventually(lambda: [one for one in intake.status.stopped if one.partition == 0])[0]
        assert stop.reason.code in {"kafka.out_of_range", "kafka.beyond_end"}
        assert len(host.records) == 3


def test_without_mulai_dari_nothing_is_read(
    settings: KafkaSettings, topic: str, put: Put, host: MemoryHost, start: Start, eventually: Eventually
) -> None:
    put(topic, b"x")
    intake = start(settings, topic, host, None)
    eventually(lambda: len(intake.status.stopped) == 4)
    assert {stop.reason.code for stop in host.stops} == {"kafka.no_start"}
    assert host.records == []


def test_a_partition_added_to_a_known_topic_is_read_from_its_beginning(
    settings: KafkaSettings, topic: str, put: Put, host: MemoryHost, start: Start, eventually: Eventually
) -> None:
    put(topic, b"in the new partition", partition=3)
    host.offsets = {(topic, number): 0 for number in range(3)}
    start(settings, topic, host, "sekarang")
    eventually(lambda: host.values == [b"in the new partition"])


def test_tombstones_headers_and_a_record_of_five_megabytes(
    settings: KafkaSettings, topic: str, put: Put, host: MemoryHost, start: Start, eventually: Eventually
) -> None:
    large = b"\x00\xff" * 2_500_000
    put(topic, None, key=b"Patient/1")
    put(topic, large, key=None, headers=[("ce_type", b"a"), ("ce_type", b"b"), ("empty", b"")])
    start(settings, topic, host)
    eventually(lambda: len(host.records) == 2)
    tombstone, big = host.records
    assert (tombstone.key, tombstone.value, tombstone.headers) == (b"Patient/1", None, ())
    assert (big.key, big.value == large) == (None, True)
    assert big.headers == (("ce_type", b"a"), ("ce_type", b"b"), ("empty", b""))
    assert abs(big.timestamp_ms / 1000 - time.time()) < 60


def test_lag_is_shown(
    settings: KafkaSettings, topic: str, put: Put, host: MemoryHost, start: Start, eventually: Eventually
) -> None:
    for number in range(4):
        put(topic, b"%d" % number)
    intake = start(settings, topic, host)
    status = eventually(lambda: intake.status if intake.status.lag.get((topic, 0)) == 0 else None)
    assert len(status.assigned) == 4
    assert status.connected


class Deaf(KafkaConsumer):  # type: ignore[misc]
    """A consumer with the bugs of kafka-python 3.0.0-3.0.8: it joins and heartbeats, and poll() gives nothing."""

    def _poll_once(self, timer: Any, max_records: int, update_offsets: bool = True) -> Any:
        if self.assignment() and not self.paused():
            time.sleep(0.05)
            return {}
        return super()._poll_once(timer, max_records, update_offsets)


def test_a_consumer_that_stands_still_is_replaced(
    topic: str,
    broker: MockBroker,
    put: Put,
    host: MemoryHost,
    start: Start,
    eventually: Eventually,
    settings_for: SettingsFor,
) -> None:
    settings = settings_for(broker.bootstrap, f"g.{topic}", macet_detik=0.8)
    made: list[Any] = []

    def deaf_first(_: KafkaSettings) -> Opened[Any]:
        if made:
            return open_consumer(settings)
        made.append(Deaf(**settings.consumer_options()))
        return Opened(made[0], made[0]._client, time.monotonic)

    put(topic, b"x")
    intake = start(settings, topic, host, open_client=deaf_first)
    eventually(lambda: host.values == [b"x"], seconds=25)
    assert (intake.status.stalls, intake.status.consumers_made) == (1, 2)


def test_the_points_of_the_path_in_order(
    settings: KafkaSettings, topic: str, put: Put, host: MemoryHost, start: Start, eventually: Eventually
) -> None:
    seen: list[str] = []
    checkpoints.install(seen.append)
    try:
        put(topic, b"x")
        intake = start(settings, topic, host)
        eventually(lambda: "commit.after" in seen)
        assert intake.stop()
    finally:
        checkpoints.install(None)
    assert seen == ["receive.after", "commit.before", "commit.after"]
