"""Who else reads: one run per SQLite ledger, and strangers that come and go in its consumer group (DESIGN §2.1, §6)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kafka import KafkaConsumer
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor

CONTACTS = "jkn.kbk.kontak.v1"


def test_a_second_run_on_the_ledger_is_refused_and_does_no_harm(
    kafka: Any, target: Any, make_bridge: Any, patients: Any
) -> None:
    topic = "uji.kedua"
    kafka.create(topic)
    target.start()
    bridge = make_bridge(topic, bootstrap_servers=[kafka.bootstrap])
    bridge.start()
    second = bridge.command("run")
    assert second.returncode == 3
    assert f"pid {bridge.process.pid}" in second.stderr
    kafka.publish(topic, *patients(1, 1))
    bridge.until_settled(visits=1)
    bridge.terminate()
    assert target.faults(1) + bridge.faults() == []


def test_a_stranger_in_the_group_takes_partitions_commits_and_leaves(
    kafka: Any, target: Any, make_bridge: Any, patients: Any, start_load: Any, contact_faults: Any, figure: Any
) -> None:
    """It reads some of the records and commits past them: Kafka's offsets are a copy, the ledger's are the truth."""
    topic = "uji.tamu"
    kafka.create(topic)
    target.start()
    bridge = make_bridge(topic, bootstrap_servers=[kafka.bootstrap])
    bridge.start()
    load = start_load(kafka, topic)
    bridge.until(lambda: target.effects("kunjungan.add") >= 3, "three visits are held")
    with stranger(kafka.bootstrap, bridge.group, topic) as stolen:
        bridge.until(lambda: len(unknown(bridge, stolen)) >= 30, "the stranger takes what the ledger does not have")
        assert bridge.events("intake_assignment")[-1]["partitions"] < 3
    back = bridge.until(lambda: not unknown(bridge, stolen), "it has read what the stranger took")
    visits = load.end()
    bridge.until_settled(visits)
    bridge.terminate()
    assert bridge.taken_in() == visits * len(patients(1, 1)[0])
    assert target.faults(visits) + bridge.faults() == []
    assert contact_faults(kafka.read(CONTACTS, bridge.ledger), visits, repeats=False) == []
    figure(f"a stranger took {len(stolen)} records, committed and left: read {back:.1f} s later, nothing lost")


def unknown(bridge: Any, stolen: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Those of the stranger's records (partition, offset) that the ledger does not have."""
    wanted = dict(bridge.ask("SELECT partition, next_offset FROM source_offset"))
    return [(partition, offset) for partition, offset in list(stolen) if offset >= wanted[partition]]


@contextmanager
def stranger(bootstrap: str, group: str, topic: str) -> Iterator[list[tuple[int, int]]]:
    """A member that polls in a thread and commits what it was given; leaves the group at the end."""
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=group,
        partition_assignment_strategy=[CooperativeStickyAssignor],
        session_timeout_ms=3_000,
        heartbeat_interval_ms=1_000,
        enable_auto_commit=False,
    )
    got: list[tuple[int, int]] = []
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            for tp, records in consumer.poll(timeout_ms=200).items():
                got.extend((tp.partition, record.offset) for record in records)
            if got:
                consumer.commit()
        consumer.close()

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield got
    finally:
        ended.set()
        thread.join(20)
