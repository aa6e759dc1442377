"""What one delivered submission and one event taken in cost the bridge's own process."""

from __future__ import annotations

import asyncio
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import jknbridge_adapters.pcare as pcare
from benchmarks.bare import admin, bare_post, cpu, in_own_process, sandbox
from jknbridge.plugins import build
from jknbridge.testing.bench import Bench
from jknbridge.testing.visits import MAPPINGS, visit

AT_ONCE = 32


def _bench(folder: str, config: str) -> Bench:
    faskes = tomllib.loads(config)["faskes"]
    for facility in faskes.values():
        facility["pcare"]["serentak"] = AT_ONCE
    times = {"settle": {"kunjungan": 0.0, "obat": 0.0}, "total": 30.0}
    return Bench(Path(folder), build([pcare], entry_points=False), faskes, waktu=times)


def _card(number: int) -> str:
    return f"0009999{100000 + number:06d}"


async def _deliver(bench: Bench) -> float:
    before = cpu()
    await bench.start()
    await bench.until_closed(600)
    await bench.stop()
    return cpu() - before


def deliver(config: str, journeys: int) -> dict[str, float]:
    """CPU seconds: of one event taken in, and of one submission from stored event to receipt."""
    with tempfile.TemporaryDirectory() as folder:
        bench = _bench(folder, config)
        bench.map(MAPPINGS)
        bench.publish(*visit("warm", card="0009999000001"))
        resources = [r for n in range(journeys) for r in visit(f"e{n}", card=_card(n), drugs=2)]
        before = cpu()
        for start in range(0, len(resources), 500):
            bench.publish(*resources[start : start + 500])
        taken = (cpu() - before) / len(resources)
        spent = asyncio.run(_deliver(bench))
        present = sum(row["held"] == "present" for row in bench.rows())
        bench.close()
    if present < journeys * 4:
        raise SystemExit(f"only {present} of {journeys * 4} submissions were delivered: the figure would lie")
    return {"event": taken, "submission": spent / present, "submissions": present}


def measure(journeys: int, delay_ms: int) -> dict[str, Any]:
    """One row: the bridge beside bare POSTs against the same sandbox process."""
    with sandbox() as (base, config):
        people = [{"noKartu": _card(n), "nama": f"UJI {n}", "kdProviderPst": "99990001"} for n in range(journeys)]
        admin(base, "load", {"target": "pcare", "participants": people})
        if delay_ms:
            fault = {
                "target": "pcare",
                "operation": "*",
                "kind": "delay",
                "ms": delay_ms,
                "probability": 1.0,
                "seed": 1,
            }
            admin(base, "faults", [fault])
        post = in_own_process(bare_post, base, journeys * 4, AT_ONCE)
        bridge = in_own_process(deliver, config, journeys)
        again = in_own_process(bare_post, base, journeys * 4, AT_ONCE)
        verdict = admin(base, "judge")
    yardstick = (post + again) / 2
    return {
        "delay_ms": delay_ms,
        "submissions": bridge["submissions"],
        "bare_post_ms": yardstick * 1e3,
        "submission_ms": bridge["submission"] * 1e3,
        "submission_in_posts": bridge["submission"] / yardstick,
        "event_ms": bridge["event"] * 1e3,
        "event_in_posts": bridge["event"] / yardstick,
        "judge": verdict,
    }
