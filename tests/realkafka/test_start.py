"""`run` beside a broker and a target that are not there yet, and its end by SIGTERM (DESIGN §2.1-§2.3, §7)."""

from __future__ import annotations

from typing import Any

TOPIC = "uji.mulai"


def test_it_starts_alone_waits_says_so_and_drains(
    tmp_path: Any, apache: Any, target: Any, make_bridge: Any, patients: Any, contact_faults: Any, figure: Any
) -> None:
    kafka = apache(tmp_path / "kafka")
    bridge = make_bridge(TOPIC, bootstrap_servers=[kafka.bootstrap], metadata_max_age_ms=1_000)
    bridge.start()
    bridge.until(lambda: bridge.events("intake_waits_for_broker"), "it says that the broker is missing")
    bridge.until(lambda: said_missing(bridge, "kafka-in"), "its status line names the intake")

    seconds = kafka.start()
    kafka.create(TOPIC)
    kafka.publish(TOPIC, *patients(1, 2))
    back = bridge.until(lambda: bridge.taken_in() >= len(patients(1, 2)) * len(patients(1, 1)[0]), "it reads what is there")
    bridge.until(lambda: said_missing(bridge, f"{'99990001'}/pcare/produksi"), "its status line names the target")
    target.start()
    bridge.until_settled(visits=2)
    bridge.until(lambda: bridge.events("tersambung_lagi"), "it says that all is well again", 45)

    # SIGTERM while PCare thinks: the answer is waited for, so that nothing is in doubt afterwards.
    target.admin("faults", [{"target": "pcare", "operation": "kunjungan.add", "kind": "delay", "ms": 1500, "count": 1}])
    kafka.publish(TOPIC, *patients(3, 3))
    bridge.until(lambda: target.asked("kunjungan.add") == 3, "the third visit is sent")
    drained = bridge.terminate()
    assert "requests in doubt" not in bridge.left()
    held = bridge.ask("SELECT held FROM submission WHERE kind = 'kunjungan' ORDER BY id")
    assert held == [("present",)] * 3

    probes = target.asked("kunjungan.history")
    bridge.start()
    bridge.until_settled(visits=3)
    assert target.asked("kunjungan.history") == probes
    bridge.terminate()
    assert target.faults(3) + bridge.faults() == []
    assert contact_faults(kafka.read("jkn.kbk.kontak.v1", bridge.ledger), 3, repeats=False) == []
    figure(f"up in {seconds:.1f} s; events read {back:.1f} s after they were published to a run that had waited for it")
    figure(f"SIGTERM during a request of 1.5 s: drained and ended in {drained:.1f} s")


def said_missing(bridge: Any, name: str) -> bool:
    return any(name in event for event in bridge.events("belum_tersambung"))
