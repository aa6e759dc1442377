"""A bridge with the real PCare adapter in front of the real sandbox."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import jknbridge_adapters.pcare as pcare
from jknbridge.plugins import build
from jknbridge.sandbox.server import SandboxThread
from jknbridge.testing.rig import Rig
from jknbridge.testing.visits import MAPPINGS
from jknbridge_adapters.pcare.sandbox import make_sandbox


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with SandboxThread([make_sandbox(time.time)], port=0) as thread:
        made = Rig(tmp_path, thread, build([pcare], entry_points=False))
        made.bench.map(MAPPINGS)
        yield made
        made.bench.close()
