"""PCare's adapter on the suite that every adapter inherits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from jknbridge.testing.conformance import Conformance, Terrain
from jknbridge.testing.visits import MAPPINGS, visit
from jknbridge_adapters.pcare.sandbox import make_sandbox

START = datetime.now(UTC)


def finished() -> Sequence[dict[str, Any]]:
    return visit("e1", drugs=2, start=START)


def cancelled() -> Sequence[dict[str, Any]]:
    return visit("e1", drugs=2, start=START, status="cancelled", version=2)[1:2]


class TestPCare(Conformance):
    terrain = Terrain(
        "pcare",
        ("jknbridge_adapters.pcare",),
        make_sandbox,
        finished,
        ("pendaftaran.add", "kunjungan.add", "obat.add", "obat.add"),
        lists=("pendaftaran.list", "kunjungan.history", "obat.list"),
        withdrawn=cancelled,
        mappings=MAPPINGS,
    )
