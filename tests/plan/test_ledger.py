"""Files beside an existing ledger: the difference is what a worker would do, and nothing of it is done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from jknbridge.ledger import schema as s
from jknbridge.plugins import build
from jknbridge.reasons import Reason
from jknbridge.spec import hookimpl
from jknbridge.testing.bench import Bench
from jknbridge.testing.clock import ManualClock
from jknbridge.testing.memory import CARD, MemoryAdapter, MemoryPlugin
from jknbridge.verdicts import Parked, Wanted

FASKES = {
    "99990001": {
        "nama": "Klinik Uji", "zona": "WIB", "organisasi": ["Organization/99990001"],
        "memori": {"mulai": "2026-01-01", "base_url": "memory://uji"},
    }
}  # fmt: skip


def encounter(version: int, id: str = "enc-1", status: str = "finished", poli: str = "umum", **more: Any) -> Any:
    return {
        "resourceType": "Encounter", "id": id, "status": status, "subject": {"reference": "Patient/p1"},
        "meta": {"lastUpdated": f"2026-01-05T02:00:{version:02d}Z"}, "period": {"start": "2026-01-05T01:00:00+00:00"},
        "serviceProvider": {"reference": "Organization/99990001"},
        "location": [{"location": {"reference": f"Location/{poli}"}}], **more,
    }  # fmt: skip


PATIENT = {"resourceType": "Patient", "id": "p1", "identifier": [{"system": CARD, "value": "0009999000011"}]}
ROW = {
    "resourceType": "Observation", "id": "o1", "status": "final", "valueString": "A",
    "encounter": {"reference": "Encounter/enc-1"}, "subject": {"reference": "Patient/p1"},
}  # fmt: skip


class Beside:
    """A ledger in which one visit has been accepted, and ``plan`` run beside it."""

    def __init__(self, folder: Path, integrator: Any) -> None:
        self.plugin = MemoryPlugin()
        self.plugin.far.people["0009999000011"] = {"sini": True}
        self.clock = ManualClock()
        self.bench = Bench(folder, build([self.plugin], entry_points=False), FASKES, clock=self.clock)
        self.bench.map({"memori.poli": {"Location/umum": "001", "Location/gigi": "002"}})
        self._integrator = integrator

    async def accept(self) -> None:
        self.bench.publish(PATIENT, encounter(1), ROW)
        await self.bench.start()
        await self.bench.until_closed()

    def run(self, *arguments: str, plugin: Any = None) -> Any:
        plugins = [plugin or self.plugin]
        return self._integrator.plan(*arguments, "--json", plugins=plugins, config=self.bench.config, clock=self.clock)

    def plan(self, *resources: Any, plugin: Any = None) -> Any:
        files = [self._integrator.file(f"{n}.json", one) for n, one in enumerate(resources)]
        return self.run(*files, plugin=plugin)

    def everything(self) -> Any:
        """Every row of every table."""
        return self.bench.host.ledger.read_now(
            lambda c: {t.name: [tuple(r) for r in c.execute(select(t))] for t in s.metadata.sorted_tables}
        )


@pytest.fixture
async def beside(tmp_path: Path, integrator: Any) -> AsyncIterator[Beside]:
    made = Beside(tmp_path, integrator)
    await made.accept()
    await made.bench.stop()
    yield made
    made.bench.close()


def differences(found: Any) -> dict[str, str]:
    return {name: one["difference"] for name, one in found.submissions().items()}


async def test_the_same_again_is_nothing_and_shows_receipts_and_facts(beside: Beside) -> None:
    found = await asyncio.to_thread(beside.plan, encounter(1))
    assert found.code == 0
    assert found.data["ledger"] is True
    assert found.data["entries"]["duplicate"] == 1
    assert differences(found) == {"daftar enc-1": "nothing", "layanan enc-1": "nothing", "baris o1": "nothing"}
    assert found.submissions()["daftar enc-1"]["receipt"] == {"no": "D1"}
    assert found.submissions()["layanan enc-1"]["payload"]["daftar"]["value"] == "D1"
    assert [(f["kind"], f["state"]) for f in found.data["journeys"][0]["facts"]] == [("orang", "known")]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (encounter(2, hasil="b"), {"daftar enc-1": "nothing", "layanan enc-1": "revise", "baris o1": "nothing"}),
        (
            encounter(2, status="cancelled"),
            {"daftar enc-1": "withdraw", "layanan enc-1": "withdraw", "baris o1": "withdraw"},
        ),
        (ROW | {"valueString": "B"}, {"daftar enc-1": "nothing", "layanan enc-1": "nothing", "baris o1": "replace"}),
        (
            encounter(2, poli="gigi"),
            {"daftar enc-1": "proposal", "layanan enc-1": "nothing", "baris o1": "nothing"},
        ),
        (
            encounter(2, status="in-progress"),
            {"daftar enc-1": "nothing", "layanan enc-1": "nothing", "baris o1": "nothing"},
        ),
    ],
    ids=["revise", "withdraw", "replace", "proposal", "reopened"],
)  # fmt: skip
async def test_the_difference_is_shown_and_nothing_is_kept(
    beside: Beside, changed: Any, expected: dict[str, str]
) -> None:
    before, requests = beside.everything(), dict(beside.plugin.far.requests)
    if changed is not ROW and "meta" not in changed:
        changed = changed | {"meta": {"lastUpdated": "2026-01-05T02:00:09Z"}}
    found = await asyncio.to_thread(beside.plan, changed)
    assert differences(found) == expected
    assert beside.everything() == before
    assert dict(beside.plugin.far.requests) == requests


async def test_what_plan_said_is_what_the_worker_does(beside: Beside) -> None:
    found = await asyncio.to_thread(beside.plan, encounter(2, hasil="b"))
    assert differences(found)["layanan enc-1"] == "revise"
    requests = beside.plugin.far.requests.copy()
    beside.bench.publish(encounter(2, hasil="b"))
    beside.bench.host._stop.clear()
    beside.bench.host.courier.stopping = False
    await beside.bench.start()
    await beside.bench.until_closed()
    await beside.bench.stop()
    assert beside.plugin.far.requests - requests == {"layanan.edit": 1}


async def test_a_new_visit_uses_the_ledgers_facts_and_mappings(beside: Beside) -> None:
    found = await asyncio.to_thread(beside.plan, encounter(1, id="enc-2", status="arrived", poli="gigi"))
    (one,) = [s for name, s in found.submissions().items() if name == "daftar enc-2"]
    assert (one["difference"], one["waits"]) == ("send", [])
    assert one["body"]["poli"] == "002"


async def test_a_claim_of_the_ledger_is_told(beside: Beside) -> None:
    found = await asyncio.to_thread(beside.plan, encounter(1, id="enc-2", status="arrived"))
    waits = found.submissions()["daftar enc-2"]["waits"]
    assert [(w["reason"]["code"], "emr/Encounter/enc-1" in w["reason"]["en"]) for w in waits] == [("kirim.klaim", True)]


async def test_an_older_version_changes_nothing(beside: Beside) -> None:
    found = await asyncio.to_thread(beside.plan, encounter(0, status="cancelled"))
    assert found.data["entries"]["superseded"] == 1
    assert set(differences(found).values()) == {"nothing"}


async def test_what_is_no_longer_mentioned_is_shown_as_yatim(beside: Beside) -> None:
    beside.plugin.adapter.silent = True
    found = await asyncio.to_thread(beside.plan, encounter(2))
    shown = found.submissions()
    assert {one["verdict"] for one in shown.values()} == {"silent"}
    assert shown["daftar enc-1"]["reason"]["code"] == "beda.yatim"
    assert set(differences(found).values()) == {"nothing"}


async def test_it_works_while_run_is_up(beside: Beside) -> None:
    beside.bench.host._stop.clear()
    beside.bench.host.courier.stopping = False
    await beside.bench.start()
    try:
        for version in range(2, 6):
            found = await asyncio.to_thread(beside.plan, encounter(version, hasil=f"v{version}"))
            assert differences(found)["layanan enc-1"] == "revise"
        await beside.bench.until_closed()
    finally:
        await beside.bench.stop()
    assert beside.plugin.far.requests["layanan.edit"] == 0


# --- upgrade ----------------------------------------------------------------------------------------------------------


class Newer(MemoryAdapter):
    """The next release of the adapter: it words the visit differently, and no longer wants the row."""

    version = 2

    def translate(self, *asked: Any) -> Any:
        return [self._newer(verdict) for verdict in super().translate(*asked)]

    @staticmethod
    def _newer(verdict: Any) -> Any:
        if isinstance(verdict, Wanted) and verdict.kind == "layanan":
            return Wanted(verdict.kind, verdict.key, {**verdict.payload, "baru": 1}, verdict.service_date)
        if verdict.kind == "baris":
            return Parked(verdict.kind, verdict.key, Reason.of("memori.status"))
        return verdict


class NewerPlugin:
    def __init__(self, far: Any) -> None:
        self.far = far

    @hookimpl
    def jknbridge_adapters(self) -> list[Any]:
        return [Newer(self.far)]


async def test_upgrade_lists_what_newer_code_would_word_differently(beside: Beside) -> None:
    before = beside.everything()
    same = await asyncio.to_thread(beside.run, "--upgrade")
    assert same.data == {"journeys": 1, "skipped": 0, "differ": [], "failed": []}
    newer = await asyncio.to_thread(lambda: beside.run("--upgrade", plugin=NewerPlugin(beside.plugin.far)))
    (one,) = newer.data["differ"]
    assert (one["kind"], one["fields"], one["translator_then"], one["translator_now"]) == ("layanan", ["baru"], 1, 2)
    assert beside.everything() == before


async def test_upgrade_names_journeys_where_newer_code_fails(beside: Beside) -> None:
    class Failing(NewerPlugin):
        @hookimpl
        def jknbridge_adapters(self) -> list[Any]:
            adapter = Newer(self.far)
            adapter.translate = None
            return [adapter]

    found = await asyncio.to_thread(lambda: beside.run("--upgrade", plugin=Failing(beside.plugin.far)))
    assert found.code == 1
    assert found.data["failed"] == ["emr/Encounter/enc-1"]


async def test_upgrade_leaves_out_a_journey_with_new_inputs(beside: Beside) -> None:
    beside.bench.publish(encounter(2, hasil="b"))
    found = await asyncio.to_thread(lambda: beside.run("--upgrade", plugin=NewerPlugin(beside.plugin.far)))
    assert found.data == {"journeys": 0, "skipped": 1, "differ": [], "failed": []}
