"""`run` beside a broker and a target that are not there yet, and its end by SIGTERM (DESIGN §2.1-§2.3, §7)."""

from __future__ import annotations

from typing import Any

CONTACTS = "jkn.kbk.kontak.v1"
INSTANCE = "99990001/pcare/produksi"


def test_it_starts_before_broker_and_target_and_drains(
    own_kafka: Any, target: Any, make_bridge: Any, patients: Any, contact_faults: Any, figure: Any
) -> None:
    kafka, topic = own_kafka, "uji.mulai"
    bridge = make_bridge(topic, bootstrap_servers=[kafka.bootstrap], metadata_max_age_ms=1_000)
    bridge.start()
    bridge.until(lambda: bridge.events("intake_waits_for_broker"), "it says that the broker is missing")
    bridge.until(lambda: said_missing(bridge, "kafka-in"), "its status line names the intake")

    up = kafka.start()
    kafka.create(topic)
    kafka.publish(topic, *patients(1, 2))
    read = bridge.until(lambda: bridge.taken_in() == 2 * len(patients(1, 1)[0]), "it reads what is there")
    bridge.until(lambda: "facts asked" in bridge.left(), "it waits for the target")
    target.start()
    bridge.until_settled(visits=2)

    # SIGTERM while PCare thinks: the answer is waited for, so that nothing is in doubt afterwards.
    slow = {"target": "pcare", "operation": "kunjungan.add", "kind": "delay", "ms": 1500, "count": 1}
    target.admin("faults", [slow])
    kafka.publish(topic, *patients(3, 3))
    bridge.until(lambda: target.asked("kunjungan.add") == 3, "the third visit is sent")
    drained = bridge.terminate()
    assert "requests in doubt" not in bridge.left()
    held = bridge.ask("SELECT held FROM submission WHERE kind = 'kunjungan'")
    assert held == [("present",)] * 3

    looks = target.asked("kunjungan.history")
    bridge.start()
    bridge.until_settled(visits=3)
    bridge.terminate()
    assert target.asked("kunjungan.history") == looks
    assert target.faults(3) + bridge.faults() == []
    assert contact_faults(kafka.read(CONTACTS, bridge.ledger), 3, repeats=False) == []
    figure(f"the broker is up in {up:.1f} s; a run that waited for it has read its events after {read:.1f} s more")
    figure(f"SIGTERM during a request of 1.5 s: drained and ended in {drained:.1f} s")


def test_it_names_a_target_that_does_not_answer(kafka: Any, target: Any, make_bridge: Any, patients: Any) -> None:
    topic = "uji.tujuan"
    kafka.create(topic)
    kafka.publish(topic, *patients(1, 1))
    bridge = make_bridge(topic, bootstrap_servers=[kafka.bootstrap])
    bridge.start()
    bridge.until(lambda: said_missing(bridge, INSTANCE), "its status line names the target")
    target.start()
    bridge.until_settled(visits=1)
    bridge.terminate()
    assert target.faults(1) + bridge.faults() == []


def said_missing(bridge: Any, name: str) -> bool:
    return any(name in event for event in bridge.events("belum_tersambung"))
