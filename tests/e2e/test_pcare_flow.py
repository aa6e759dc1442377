"""One visit from FHIR to PCare over real HTTP: signed, encrypted, against the sandbox's own ground truth."""

from __future__ import annotations

import json
import time
import tomllib
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import jknbridge_adapters.pcare as pcare
from jknbridge.plugins import build
from jknbridge.sandbox.server import SandboxThread
from jknbridge.testing.bench import Bench
from jknbridge.testing.visits import MAPPINGS, visit
from jknbridge_adapters.pcare.sandbox import make_sandbox


class Rig:
    def __init__(self, folder: Path, thread: SandboxThread) -> None:
        self.thread = thread
        faskes = tomllib.loads(thread.sandbox.print_config())["faskes"]
        self.bench = Bench(folder, build([pcare], entry_points=False), faskes)
        self.bench.map(MAPPINGS)

    def admin(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        url = f"{self.thread.base_url}/_sandbox/{path}"
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())

    def effects(self) -> list[str]:
        return [row["operation"] for row in self.admin("effects")]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with SandboxThread([make_sandbox(time.time)], port=0) as thread:
        made = Rig(tmp_path, thread)
        yield made
        made.bench.close()


async def test_a_visit_reaches_pcare(rig: Rig) -> None:
    rig.bench.publish(*visit("e1"))
    await rig.bench.start()
    await rig.bench.until_closed()
    await rig.bench.stop()
    assert rig.bench.states() == {
        "pendaftaran e1": ("present", "none"),
        "kunjungan e1": ("present", "none"),
        "obat e1-m1": ("present", "none"),
    }
    assert rig.effects() == ["pendaftaran.add", "kunjungan.add", "obat.add"]
    contacts = rig.bench.outbox("jkn.kbk.kontak.v1")
    assert [(c["state"], c["kind"]) for c in contacts] == [("recorded", "SAKIT_RAJAL")]
