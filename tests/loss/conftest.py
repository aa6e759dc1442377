"""Many visits through the whole bridge while the sandbox loses answers: real HTTP, real ledger, short times."""

from __future__ import annotations

import contextlib
import json
import time
import tomllib
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import jknbridge_adapters.pcare as pcare
from jknbridge.plugins import build
from jknbridge.sandbox.server import SandboxThread
from jknbridge.testing.bench import Bench
from jknbridge.testing.visits import MAPPINGS, visit
from jknbridge_adapters.pcare.sandbox import make_sandbox

DRUGS = 2
PER_VISIT = ("pendaftaran.add", "kunjungan.add", *["obat.add"] * DRUGS)
DAYS = 10
"""The visits are spread over days, or most of the time would go into reading one day's list of 500 again and again."""
TIMES = {"visibility": 0.3, "late_effect": 3.0, "total": 10.0, "connect": 5.0}
"""The late effects come after ``visibility`` and before ``late_effect``, so both waits are put to the test."""

Fault = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to. ``surplus``: (visit, drug) → lines beyond the one wanted."""

    lost: Sequence[str]
    double: int
    surplus: Mapping[tuple[str, str], int]
    unnoticed: int
    blind: int
    contacts: int
    states: Counter[tuple[str, str, str]]
    requests: Counter[str]
    probes: int
    seconds: float
    cpu: float

    @property
    def clean(self) -> bool:
        return not (self.lost or self.double or self.unnoticed or self.blind)

    def __str__(self) -> str:
        faults = {name: n for name, n in self.requests.items() if name}
        return (
            f"{faults} of {sum(self.requests.values())} adds, {self.probes} probes; lost {len(self.lost)}, double "
            f"{self.double}, unnoticed {self.unnoticed}, blind {self.blind}; {self.seconds:.0f} s, {self.cpu:.0f} s CPU"
        )


Run = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """``await run(journeys, faults)``: that many visits, each of its own participant."""
    with SandboxThread([make_sandbox(time.time)], seed=7) as thread:

        async def go(journeys: int, faults: Sequence[Fault], *, seconds: float = 150.0) -> Outcome:
            people = [f"0009999{n + 1000:06d}" for n in range(journeys)]
            named = [{"noKartu": card, "nama": "UJI", "kdProviderPst": "99990001"} for card in people]
            _post(thread, "load", {"target": "pcare", "participants": named})
            _post(thread, "faults", faults)
            faskes = tomllib.loads(thread.sandbox.print_config())["faskes"]
            for facility in faskes.values():
                facility["pcare"]["serentak"] = 16
            bench = Bench(tmp_path, build([pcare], entry_points=False), faskes, waktu=TIMES)
            bench.map(MAPPINGS)
            began, cpu = time.monotonic(), time.process_time()
            for n, card in enumerate(people):
                start = datetime.now(UTC) - timedelta(days=n % DAYS, minutes=1)
                bench.publish(*visit(f"e{n}", card=card, drugs=DRUGS, start=start))
            await bench.start()
            with contextlib.suppress(TimeoutError):  # what is still open shows as lost, or in the states
                await bench.until_closed(seconds)
            await bench.stop()
            outcome = _judged(thread, bench, people, time.monotonic() - began, time.process_time() - cpu)
            bench.close()
            return outcome

        yield go


def _post(thread: SandboxThread, path: str, body: Any) -> None:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{thread.base_url}/_sandbox/{path}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200


def _judged(thread: SandboxThread, bench: Bench, people: Sequence[str], seconds: float, cpu: float) -> Outcome:
    effects = [row.effect for row in thread.sandbox.truth.effects]
    verdict = thread.sandbox.judge()
    numbers = {e.receipt["noKunjungan"]: e.key[:13] for e in effects if e.operation == "kunjungan.add"}
    held: dict[str, set[str]] = defaultdict(set)
    lines: Counter[tuple[str, str]] = Counter()
    for effect in effects:
        if effect.operation == "obat.add":
            lines[effect.key, effect.payload["kdObat"]] += 1
            held[numbers[effect.key]].add(f"obat.add {effect.payload['kdObat']}")
        else:
            held[effect.key[:13]].add(effect.operation)
    surplus = {line: n - 1 for line, n in lines.items() if n > 1}
    rows = bench.rows()
    shown = sum(row["kind"] == "obat" and row["hold"] == "doubt" for row in rows)
    contacts = {c["id"] for c in bench.outbox("jkn.kbk.kontak.v1") if c["state"] == "recorded"}
    return Outcome(
        lost=[card for card in people if len(held[card]) < len(PER_VISIT)],
        double=len(verdict.double),
        surplus=surplus,
        unnoticed=max(sum(surplus.values()) - shown, 0),
        blind=len(verdict.blind_repeats),
        contacts=len(contacts),
        states=Counter((row["kind"], row["held"], row["work"]) for row in rows),
        requests=Counter(r.fault for r in thread.sandbox.truth.requests if r.operation.endswith(".add")),
        probes=bench.host.counters["probes"],
        seconds=seconds,
        cpu=cpu,
    )
