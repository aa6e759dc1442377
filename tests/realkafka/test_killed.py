"""Broker and run killed with SIGKILL under load: each effect once, each contact once (DESIGN §2.1-§2.4, §2.6)."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest

CONTACTS = "jkn.kbk.kontak.v1"
KILLS = 5
SHORT = {"macet_detik": 1.0, "request_timeout_ms": 2_000, "delivery_timeout_ms": 4_000}


@pytest.fixture
def at_work(kafka: Any, target: Any, make_bridge: Any, start_load: Any, request: Any) -> Any:
    """A run that reads while the EMR publishes some five visits a second."""
    topic = f"uji.{request.node.name}"
    kafka.create(topic)
    target.start()
    bridge = make_bridge(topic, bootstrap_servers=[kafka.bootstrap])
    bridge.start()
    return bridge, start_load(kafka, topic)


@pytest.fixture
def nothing_lost(kafka: Any, target: Any, patients: Any, contact_faults: Any) -> Any:
    """``nothing_lost(bridge, visits, repeats=…)``: what PCare, ledger, log and topic hold, once all of it is done."""

    def check(bridge: Any, visits: int, *, repeats: bool) -> None:
        assert bridge.taken_in() == visits * len(patients(1, 1)[0])
        assert target.faults(visits) + bridge.faults() == []
        assert contact_faults(kafka.read(CONTACTS, bridge.ledger), visits, repeats=repeats) == []

    return check


def test_the_broker_is_killed_twice(kafka: Any, target: Any, at_work: Any, nothing_lost: Any, figure: Any) -> None:
    bridge, load = at_work
    ups, resumes = [], []
    for after in (3, 12):
        bridge.until(lambda after=after: target.effects("kunjungan.add") >= after, f"{after} visits are held")
        kafka.kill()
        time.sleep(0.5)
        taken = bridge.taken_in()
        ups.append(kafka.restart())
        resumes.append(bridge.until(lambda taken=taken: bridge.taken_in() > taken, "it reads on"))
    visits = load.end()
    bridge.until_settled(visits)
    bridge.terminate()
    nothing_lost(bridge, visits, repeats=False)
    figure(f"killed broker listens again after {seconds(ups)}; the run reads on {seconds(resumes)} after that")


def test_the_broker_comes_back_at_another_address(
    own_kafka: Any, target: Any, make_bridge: Any, patients: Any, contact_faults: Any
) -> None:
    """kafka-python asks the configured brokers only when it starts: a consumer that was told of the old address is
    replaced when nobody has answered there for a while."""
    topic, kafka, moved = "uji.pindah", own_kafka, type(own_kafka)(own_kafka.folder)
    kafka.start()
    kafka.create(topic)
    kafka.publish(topic, *patients(1, 1))
    target.start()
    bridge = make_bridge(topic, bootstrap_servers=[kafka.bootstrap, moved.bootstrap], **SHORT)
    bridge.start()
    bridge.until_settled(visits=1)
    kafka.kill()
    with moved:
        moved.publish(topic, *patients(2, 2))
        bridge.until_settled(visits=2)
        bridge.terminate()
        assert target.faults(2) == []
        assert contact_faults(moved.read(CONTACTS, bridge.ledger), 2, repeats=False) == []


def test_the_run_is_killed_at_random_moments(target: Any, at_work: Any, nothing_lost: Any, figure: Any) -> None:
    bridge, load = at_work
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    moments = random.Random(seed)
    requests = target.thread.sandbox.truth.requests
    probes = 0
    for _ in range(KILLS):
        wanted = len(requests) + moments.randrange(1, 40)
        bridge.until(lambda wanted=wanted: len(requests) >= wanted, "it asks PCare")
        time.sleep(moments.uniform(0, 0.2))
        bridge.kill()
        probes += bridge.left().get("requests in doubt", 0)
        bridge.start()
    visits = load.end()
    settled = bridge.until_settled(visits)
    bridge.terminate()
    nothing_lost(bridge, visits, repeats=True)
    figure(
        f"run killed {KILLS} times under load, {probes} requests in doubt; "
        f"all {visits} visits held and published {settled:.1f} s after the EMR was done"
    )


def seconds(values: list[float]) -> str:
    return " and ".join(f"{value:.1f} s" for value in values)
