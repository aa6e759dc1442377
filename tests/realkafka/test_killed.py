"""Broker and run killed with SIGKILL under load: each effect once, each contact once (DESIGN §2.1-§2.4, §2.6)."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest

CONTACTS = "jkn.kbk.kontak.v1"
VISITS = 40
KILLS = 5


@pytest.fixture
def at_work(kafka: Any, target: Any, make_bridge: Any, patients: Any, start_load: Any, request: Any) -> Any:
    """A run that reads while the EMR publishes some five visits a second."""
    topic = f"uji.{request.node.name}"
    kafka.create(topic)
    target.start()
    bridge = make_bridge(topic, bootstrap_servers=[kafka.bootstrap])
    bridge.start()
    return bridge, start_load(kafka, topic, patients(1, VISITS), every=0.15)


@pytest.fixture
def nothing_lost(kafka: Any, target: Any, patients: Any, contact_faults: Any) -> Any:
    """``nothing_lost(bridge, repeats=…)``: PCare, the ledger's books, the log and the topic, once all of it is done."""

    def check(bridge: Any, *, repeats: bool) -> None:
        assert bridge.taken_in() == sum(map(len, patients(1, VISITS)))
        assert target.faults(VISITS) + bridge.faults() == []
        assert contact_faults(kafka.read(CONTACTS, bridge.ledger), VISITS, repeats=repeats) == []

    return check


def test_the_broker_is_killed_twice(kafka: Any, target: Any, at_work: Any, nothing_lost: Any, figure: Any) -> None:
    bridge, load = at_work
    ups, resumes = [], []
    for after in (3, 12):
        bridge.until(lambda after=after: target.effects("kunjungan.add") >= after, f"{after} visits are held")
        assert load.going_on
        kafka.kill()
        time.sleep(0.5)
        taken = bridge.taken_in()
        ups.append(kafka.restart())
        resumes.append(bridge.until(lambda taken=taken: bridge.taken_in() > taken, "it reads on"))
    load.end()
    bridge.until_settled(VISITS)
    bridge.terminate()
    nothing_lost(bridge, repeats=False)
    figure(f"killed broker listens again after {seconds(ups)}; the run reads on {seconds(resumes)} after that")


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
        assert load.going_on
        bridge.kill()
        probes += bridge.left().get("requests in doubt", 0)
        bridge.start()
    load.end()
    settled = bridge.until_settled(VISITS)
    bridge.terminate()
    nothing_lost(bridge, repeats=True)
    figure(
        f"run killed {KILLS} times under load, {probes} requests in doubt; "
        f"all held and published {settled:.1f} s after the EMR was done"
    )


def seconds(values: list[float]) -> str:
    return " and ".join(f"{value:.1f} s" for value in values)
