"""Silence is never a reason to withdraw (issue: "Silence"; DESIGN §1): after everything was accepted, something falls
silent, and no request with an effect leaves because of it."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import jknbridge_adapters.pcare as pcare
from jknbridge.journey import Journey
from jknbridge.plugins import build
from jknbridge.sandbox.server import SandboxThread
from jknbridge.settings import TargetSettings
from jknbridge.spec import hookimpl
from jknbridge.targets import Adapter, Facts, Receipts
from jknbridge.testing.rig import Rig
from jknbridge.testing.visits import MAPPINGS, visit
from jknbridge.verdicts import Verdict
from jknbridge_adapters.pcare.adapter import PCareAdapter
from jknbridge_adapters.pcare.sandbox import make_sandbox

ONE, OTHER = "99990001", "99990002"
ACCEPTED = ["pendaftaran.add", "kunjungan.add", "obat.add"]
KINDS = ("pendaftaran", "kunjungan", "obat")


async def accepted(rig: Rig) -> None:
    """Two visits of the first facility are at PCare, one with a drug, and the second facility can send."""
    doctors = {"pcare.dokter": {"Practitioner/d1": "900011"}}
    rig.bench.map(doctors, facility=OTHER)
    rig.bench.publish(*visit("e1"), *visit("e2", card="0009999000002", drugs=0))
    await rig.work()
    assert sorted(rig.effects()) == sorted([*ACCEPTED, "pendaftaran.add", "kunjungan.add"])


def again(version: int = 2) -> list[dict[str, Any]]:
    """Both visits once more, newer, with nothing said that was not said before."""
    return [*visit("e1", version=version), *visit("e2", card="0009999000002", drugs=0, version=version)]


async def another_facility_goes_on(rig: Rig) -> None:
    rig.bench.publish(*visit("e9", card="0009999000016", facility=OTHER))
    await rig.work()
    assert rig.effects(facility=OTHER) == ACCEPTED


def left_alone(rig: Rig, writes: int) -> None:
    """No request with an effect left for the first facility, and all it had is still there."""
    assert rig.writes() == writes
    held = [(r["held"], r["work"]) for r in rig.bench.rows() if r["facility"] == ONE]
    assert {h for h, _ in held} == {"present"}
    assert len(rig.admin("state")["pcare"]["kunjungan"]) >= 2
    assert all(c["state"] == "recorded" for c in rig.bench.outbox("jkn.kbk.kontak.v1"))


def orphans(rig: Rig) -> list[str]:
    """What ``report`` counts as yatim, by kind and id."""
    rows = [r for r in rig.bench.rows() if r["desire"] == "silent" and r["held"] != "absent"]
    assert len(rows) == rig.report().waiting["yatim"]
    assert all(rig.reason(r["kind"], r["key"].rsplit("/", 1)[1])["code"] == "beda.yatim" for r in rows)  # type: ignore[index]
    return sorted(f"{r['kind']} {r['key'].rsplit('/', 1)[1]}" for r in rows)


ALL = sorted(["pendaftaran e1", "kunjungan e1", "obat e1-m1", "pendaftaran e2", "kunjungan e2"])


async def test_a_mapping_removed(rig: Rig) -> None:
    await accepted(rig)
    writes = rig.writes()
    for list_, pairs in MAPPINGS.items():
        for local in pairs:
            rig.unmap(list_, local)
    rig.bench.publish(*again())
    await rig.work()
    left_alone(rig, writes)
    assert orphans(rig) == []  # all of it is still mentioned: what is missing is a code, not a wish
    rig.bench.map({"pcare.poli": MAPPINGS["pcare.poli"], "pcare.obat": MAPPINGS["pcare.obat"]}, facility=OTHER)
    rig.bench.map({"pcare.status_pulang": MAPPINGS["pcare.status_pulang"]}, facility=OTHER)
    await another_facility_goes_on(rig)
    assert rig.report().ok


async def test_a_mapping_removed_stops_a_correction_and_names_the_code(rig: Rig) -> None:
    await accepted(rig)
    writes = rig.writes()
    rig.unmap("pcare.dokter", "Practitioner/d1")
    corrected = visit("e1", version=2, diagnosis="J00")
    rig.bench.publish(*corrected)
    await rig.work()
    assert rig.writes() == writes
    row = rig.row("kunjungan", "e1")
    assert (row["held"], row["work"]) == ("present", "parked")
    assert rig.reason("kunjungan", "e1")["code"] == "kirim.pemetaan"  # type: ignore[index]
    assert rig.report().waiting["mapping"] == 1
    left_alone(rig, writes)


async def test_a_mapping_removed_while_the_answer_is_out_hurts_nobody(rig: Rig) -> None:
    """The natural key of what was sent is known from its claim, not worked out again from mappings."""
    rig.faults({"operation": "pendaftaran.add", "kind": "delay", "count": 1, "ms": 1500})
    rig.bench.publish(*visit("e1", status="arrived"))
    await rig.bench.start()
    await rig.until(rig.effects)
    rig.unmap("pcare.poli", "Location/umum")
    await rig.bench.until_closed()
    await rig.bench.stop()
    rig.reopen()
    assert rig.bench.states()["pendaftaran e1"] == ("present", "none")


async def test_a_facility_dropped_from_the_config(rig: Rig) -> None:
    await accepted(rig)
    writes = rig.writes()
    faskes = copy.deepcopy(rig.bench.config["faskes"])
    rig.reopen(faskes={kode: value for kode, value in faskes.items() if kode != ONE})
    await rig.work()
    left_alone(rig, writes)
    assert orphans(rig) == ALL  # listed at once, without waiting for an event
    rig.bench.publish(*again(), *visit("e3", card="0009999000003"))
    await rig.work()
    left_alone(rig, writes)
    assert rig.said("e3", "pcare")[0] == "not_applicable"
    await another_facility_goes_on(rig)
    rig.reopen(faskes=faskes)
    await rig.work()
    assert orphans(rig) == []
    assert rig.effects(facility=ONE).count("kunjungan.add") == 3  # e3 is taken up, e1 and e2 stay as they are
    assert {r["held"] for r in rig.bench.rows()} == {"present"}
    assert rig.report().ok


async def test_a_target_dropped_from_one_facility(rig: Rig) -> None:
    await accepted(rig)
    writes = rig.writes()
    faskes = copy.deepcopy(rig.bench.config["faskes"])
    del faskes[ONE]["pcare"]
    rig.reopen(faskes=faskes)
    rig.bench.publish(*again())
    await rig.work()
    left_alone(rig, writes)
    assert orphans(rig) == ALL
    await another_facility_goes_on(rig)


# --- an adapter that returns nothing -------------------------------------------------------------------------------


class Falling(PCareAdapter):
    """PCare's adapter after a faulty release: from one moment on it says nothing about one facility."""

    silent: str | None = None

    def translate(
        self, journey: Journey, receipts: Receipts, facts: Facts, settings: TargetSettings
    ) -> Sequence[Verdict]:
        if journey.facility == self.silent:
            return []
        return super().translate(journey, receipts, facts, settings)


class Release:
    def __init__(self) -> None:
        self.adapter = Falling()

    @hookimpl
    def jknbridge_adapters(self) -> Sequence[Adapter]:
        return [self.adapter]


@pytest.mark.parametrize("emptied", ["verdicts", "journey"])
async def test_an_adapter_that_returns_nothing(tmp_path: Path, emptied: str) -> None:
    release = Release()
    with SandboxThread([make_sandbox(time.time)]) as thread:
        rig = Rig(tmp_path, thread, build([release], entry_points=False))
        rig.bench.map(MAPPINGS)
        await accepted(rig)
        writes = rig.writes()
        release.adapter.silent = ONE
        if emptied == "verdicts":
            rig.bench.publish(*again())
        else:  # even a cancellation is not carried out on the word of an adapter that says nothing
            rig.bench.publish(*visit("e1", version=2, status="cancelled"), *again()[2:])
        await rig.work()
        left_alone(rig, writes)
        assert set(orphans(rig)) >= set(ALL[:3])
        await another_facility_goes_on(rig)
        assert rig.report().ok
        rig.bench.close()


def test_pcare_is_the_adapter_under_test() -> None:
    assert isinstance(pcare.jknbridge_adapters()[0], PCareAdapter)
