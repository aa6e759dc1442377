"""Broker and run killed with SIGKILL under load: each effect once, each contact once (DESIGN §2.1-§2.4, §2.6)."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest

CONTACTS = "jkn.kbk.kontak.v1"
VISITS = 24


@pytest.fixture
def at_work(kafka: Any, target: Any, make_bridge: Any, patients: Any, start_load: Any, request: Any) -> Any:
    """A run that reads while the EMR publishes, five visits a second or so."""
    topic = f"uji.{request.node.name}"
    kafka.create(topic)
    target.start()
    bridge = make_bridge(topic, bootstrap_servers=[kafka.bootstrap])
    bridge.start()
    return bridge, start_load(kafka, topic, patients(1, VISITS), every=0.2)


def test_the_broker_is_killed_twice_and_nothing_is_lost_or_doubled(
    kafka: Any, target: Any, at_work: Any, patients: Any, contact_faults: Any, figure: Any
) -> None:
    bridge, load = at_work
    ups, resumes = [], []
    for after in (3, 9):
        bridge.until(lambda after=after: target.effects("kunjungan.add") >= after, f"{after} visits are held")
        kafka.kill()
        time.sleep(0.5)
        ups.append(kafka.restart())
        taken = bridge.taken_in()
        resumes.append(bridge.until(lambda taken=taken: bridge.taken_in() > taken, "it reads on"))
    load.end()
    bridge.until_settled(VISITS)
    bridge.terminate()
    assert bridge.taken_in() == sum(map(len, patients(1, VISITS)))
    assert target.faults(VISITS) + bridge.faults() == []
    assert contact_faults(kafka.read(CONTACTS, bridge.ledger), VISITS, repeats=False) == []
    figure(f"killed broker listens again after {seconds(ups)}, the run reads on {seconds(resumes)} later")


def test_the_run_is_killed_at_random_moments_and_nothing_is_lost_or_doubled(
    kafka: Any, target: Any, at_work: Any, patients: Any, contact_faults: Any, figure: Any
) -> None:
    bridge, load = at_work
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    moments = random.Random(seed)
    for _ in range(5):
        before = len(target.thread.sandbox.truth.requests)
        some = moments.randrange(1, 25)
        bridge.until(
            lambda some=some, before=before: len(target.thread.sandbox.truth.requests) >= before + some, "it asks PCare"
        )
        time.sleep(moments.uniform(0, 0.3))
        bridge.kill()
        bridge.start()
    load.end()
    settled = bridge.until_settled(VISITS)
    bridge.terminate()
    assert bridge.taken_in() == sum(map(len, patients(1, VISITS)))
    assert target.faults(VISITS) + bridge.faults() == []
    assert contact_faults(kafka.read(CONTACTS, bridge.ledger), VISITS, repeats=True) == []
    figure(f"run killed 5 times under load: all of it held and published {settled:.1f} s after the EMR was done")


def seconds(values: list[float]) -> str:
    return " and ".join(f"{value:.1f} s" for value in values)
