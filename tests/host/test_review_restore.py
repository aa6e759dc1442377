"""A ledger restored from a backup: what a hostile reading found between its start and its witness (DESIGN §2.1)."""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from jknbridge.ledger import offsets

_spec = importlib.util.spec_from_file_location("host_conftest", Path(__file__).with_name("conftest.py"))
assert _spec
assert _spec.loader
kit = sys.modules.get("host_conftest") or importlib.util.module_from_spec(_spec)
if "host_conftest" not in sys.modules:
    sys.modules["host_conftest"] = kit
    _spec.loader.exec_module(kit)
encounter, patient, observation = kit.encounter, kit.patient, kit.observation


class LateWitness:
    """An edge whose broker answers a moment after the start, as every broker does."""

    name = "kafka-in"

    def __init__(self, host: Any) -> None:
        self._host = host

    def start(self) -> None:
        asyncio.get_running_loop().call_later(0.5, self._witnessed)

    def _witnessed(self) -> None:
        now = self._host.clock.now()
        self._host.ledger.write_now(lambda c: offsets.be_cautious(c, now))
        self._host.witness_seen(["fhir.encounter"])

    def notify(self) -> None: ...

    def stop(self) -> None: ...

    def status(self) -> dict[str, Any]:
        return {}


async def test_a_restored_ledger_sends_nothing_before_its_witness_was_seen(
    world: Any, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: Any
) -> None:
    world.publish(patient(), encounter())
    await world.settle(0, 61)
    world.publish(observation("o1"))
    await world.settle(0)  # ready, and within its settle time
    world.host.close()
    backup = tmp_path_factory.mktemp("backup") / "ledger"
    shutil.copytree(tmp_path, backup)
    world.host = world.open()
    await world.settle(61)
    world.host.close()
    assert world.far.requests["baris.add"] == 1
    shutil.rmtree(tmp_path)
    shutil.copytree(backup, tmp_path)
    world.host = world.open()
    host = world.host
    monkeypatch.setattr(host.plugins, "edges", lambda _: [LateWitness(host)])
    task = asyncio.create_task(host.run())
    await asyncio.sleep(1.5)
    host.stop()
    await task
    assert world.far.requests["baris.add"] == 1
