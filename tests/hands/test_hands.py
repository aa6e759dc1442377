"""Staff type in PCare's own web page, before, while and after the bridge sends (issue: "Hands"; DESIGN §4 step 9)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import jknbridge_adapters.pcare as pcare
from jknbridge import reconciling
from jknbridge.ledger import schema as s
from jknbridge.plugins import build
from jknbridge.reconciling import DayReport
from jknbridge.sandbox.server import SandboxThread
from jknbridge.testing.clock import ManualClock
from jknbridge.testing.rig import Rig
from jknbridge.testing.visits import MAPPINGS, concept, visit
from jknbridge_adapters.pcare.sandbox import make_sandbox

FACILITY, CARD = "99990001", "0009999000001"
START = datetime.now(ZoneInfo("Asia/Jakarta")).replace(hour=0, minute=1, second=0, microsecond=0)
DAY = START.strftime("%d-%m-%Y")
VITALS = ("sistole", "diastole", "beratBadan", "tinggiBadan", "respRate", "heartRate", "lingkarPerut", "rujukBalik")
LINE = {"racikan": False, "kdRacikan": None, "obatDPHO": True, "kdObat": "990000001", "signa1": 3, "signa2": 1}
LINE |= {"jmlObat": 10, "jmlPermintaan": 10, "nmObatNonDPHO": None, "kdObatSK": 0}


def finished(version: int = 1, **more: Any) -> list[dict[str, Any]]:
    return visit("e1", start=START.astimezone(UTC), version=version, **more)


def healthy(version: int = 1, status: str = "finished") -> list[dict[str, Any]]:
    """A visit that is a registration only, so that its contact hangs on the registration."""
    patient, encounter, *_ = finished(version, poli="Location/konseling", status=status)
    encounter["serviceType"] = concept("urn:jknbridge:kbk-jenis-layanan", "imunisasi")
    return [patient, encounter]


def register(rig: Rig, poli: str = "001") -> Any:
    """The registration as staff type it in PCare's page."""
    body: dict[str, Any] = dict.fromkeys(VITALS, 0)
    body |= {"kdProviderPeserta": FACILITY, "noKartu": CARD, "tglDaftar": DAY, "kdPoli": poli, "kdTkp": "10"}
    return rig.hand(FACILITY, "pendaftaran.add", **body, keluhan="Demam", kunjSakit=True)


def visit_number(rig: Rig) -> str:
    (row,) = rig.admin("state")["pcare"]["kunjungan"]
    return str(row["noKunjungan"])


def contacts(rig: Rig) -> list[tuple[str, int]]:
    return [(c["state"], c["revision"]) for c in rig.bench.outbox("jkn.kbk.kontak.v1")]


async def reconcile(rig: Rig) -> DayReport:
    time.sleep(0.35)  # noqa: ASYNC251 (visibility; nothing else runs)
    host = rig.bench.host
    instance = host.instances.at(FACILITY, "pcare")
    assert instance is not None
    async with reconciling.own_clients(host) as client_of:
        (report,) = await reconciling.reconcile(host, [(instance, [START.date()])], client_of)
    return report


# --- staff delete what we made -------------------------------------------------------------------------------------


async def test_a_registration_that_staff_delete_is_absent_retracted_parked_and_never_added_again(rig: Rig) -> None:
    rig.bench.map({"pcare.poli": {"kbk-jenis-layanan|imunisasi": "021"}})
    rig.bench.publish(*healthy())
    await rig.work()
    assert contacts(rig) == [("recorded", 1)]
    rig.hand(FACILITY, "pendaftaran.delete", noKartu=CARD, tglDaftar=DAY, kdPoli="021")
    report = await reconcile(rig)
    assert report.counts()["gone"] == 1
    row = rig.row("pendaftaran", "e1")
    assert (row["held"], row["work"], row["hold"]) == ("absent", "parked", "gone")
    assert contacts(rig) == [("recorded", 1), ("retracted", 2)]
    rig.bench.publish(*healthy(version=2))
    await rig.work()
    rig.reopen()
    await rig.work()
    assert rig.effects() == ["pendaftaran.add"]
    assert rig.writes() == 1
    assert rig.report().ok


# --- an equal drug line by hand ------------------------------------------------------------------------------------


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Rig]:
    """A bridge whose clock stands still, so that a doubt stays open for as long as staff need."""
    with SandboxThread([make_sandbox(time.time)]) as thread:
        clock = ManualClock(time.time())
        made = Rig(tmp_path, thread, build([pcare], entry_points=False), clock=clock)
        made.bench.map(MAPPINGS)
        yield made
        made.bench.close()


def advance(rig: Rig, seconds: float) -> Callable[[], None]:
    clock = rig.bench.clock
    assert isinstance(clock, ManualClock)
    return lambda: clock.advance(seconds)


async def in_doubt_over_a_drug(rig: Rig, fault: str) -> None:
    rig.faults({"operation": "obat.add", "kind": fault, "count": 1, "ms": 60_000})
    rig.bench.publish(*finished())
    await rig.bench.start()
    await rig.until(
        lambda: any(r["kind"] == "obat" and r["work"] == "in_doubt" for r in rig.bench.rows()), advance(rig, 0.1)
    )


def finding_rows(rig: Rig) -> list[dict[str, Any]]:
    host, query = rig.bench.host, s.request.select().where(s.request.c.finding_box.is_not(None))

    def opened(connection: Any) -> list[dict[str, Any]]:
        row = connection.execute(query).one()
        key = host.keys.by_id(connection, row.key_id)
        rows: list[dict[str, Any]] = host.ledger.vault.open(row.finding_box, key.wrapped)
        return rows

    return rig.read(opened)  # type: ignore[no-any-return]


async def test_an_equal_line_typed_while_ours_is_in_doubt_goes_to_a_person_with_both_rows(slow: Rig) -> None:
    await in_doubt_over_a_drug(slow, "lost_after")
    slow.hand(FACILITY, "obat.add", **LINE, noKunjungan=visit_number(slow))
    await slow.until(lambda: slow.row("obat", "e1-m1")["work"] == "parked", advance(slow, 0.5))
    await slow.bench.stop()
    row = slow.row("obat", "e1-m1")
    assert (row["held"], row["work"], row["hold"]) == ("unknown", "parked", "doubt")
    assert slow.reason("obat", "e1-m1")["code"] == "pcare.beberapa_obat"  # type: ignore[index]
    assert len(finding_rows(slow)) == 2
    assert slow.effects() == ["pendaftaran.add", "kunjungan.add", "obat.add"]  # not repeated


async def test_a_line_typed_while_ours_is_late_is_noticed_as_surplus(slow: Rig) -> None:
    """Staff type the line before ours has its late effect: theirs is taken for ours, and a later look finds two."""
    await in_doubt_over_a_drug(slow, "reset")  # ours did not land; the late effect follows below
    number = visit_number(slow)
    slow.hand(FACILITY, "obat.add", **LINE, noKunjungan=number)
    await slow.until(lambda: slow.row("obat", "e1-m1")["held"] == "present", advance(slow, 0.5))
    slow.hand(FACILITY, "obat.add", **LINE, noKunjungan=number)  # stands for the request that was still on its way
    await slow.until(lambda: slow.row("obat", "e1-m1")["work"] == "parked", advance(slow, 0.5))
    await slow.bench.stop()
    assert slow.row("obat", "e1-m1")["hold"] == "doubt"
    assert slow.reason("obat", "e1-m1")["code"] == "ragu.surplus"  # type: ignore[index]
    assert len(finding_rows(slow)) == 2


async def test_an_equal_line_typed_when_nothing_is_in_doubt_is_reported_as_foreign_and_left(rig: Rig) -> None:
    rig.bench.publish(*finished())
    await rig.work()
    rig.hand(FACILITY, "obat.add", **LINE, noKunjungan=visit_number(rig))
    report = await reconcile(rig)
    assert [(n.outcome, n.kind) for n in report.noted] == [("foreign", "obat")]
    await rig.work()
    assert len(rig.admin("state")["pcare"]["obat"]) == 2
    assert rig.effects() == ["pendaftaran.add", "kunjungan.add", "obat.add"]
    assert rig.bench.states()["obat e1-m1"] == ("present", "none")


# --- staff register first ------------------------------------------------------------------------------------------


async def test_what_staff_registered_first_is_adopted_and_the_visit_goes_on_upon_it(rig: Rig) -> None:
    number = register(rig)["receipts"][0]["noUrut"]
    rig.bench.publish(*finished())
    await rig.work()
    assert rig.bench.states() == dict.fromkeys(("pendaftaran e1", "kunjungan e1", "obat e1-m1"), ("present", "none"))
    assert [rig.row(kind, "e1")["how"] for kind in ("pendaftaran", "kunjungan")] == ["adopted", "made"]
    assert rig.effects() == ["kunjungan.add", "obat.add"]
    (told,) = [h for h in rig.bench.outbox("jkn.hasil.v1") if h["kind"] == "pendaftaran"]
    assert (told["how"], told["values"]) == ("adopted", {"noUrut": number})


async def test_an_adopted_registration_is_never_withdrawn_unattended(rig: Rig) -> None:
    register(rig)
    rig.bench.publish(*finished())
    await rig.work()
    rig.bench.publish(*finished(version=2, status="cancelled"))
    await rig.work()
    assert rig.effects() == ["kunjungan.add", "obat.add", "obat.delete", "kunjungan.delete"]
    assert len(rig.admin("state")["pcare"]["pendaftaran"]) == 1
    row = rig.row("pendaftaran", "e1")
    assert (row["held"], row["work"]) == ("present", "none")
    assert rig.reason("pendaftaran", "e1")["code"] == "beda.adopsi"  # type: ignore[index]
    assert _proposals(rig) == [("withdraw", "open")]
    assert contacts(rig) == [("recorded", 1), ("retracted", 2)]
    assert rig.report().ok


async def test_an_adopted_registration_is_never_replaced_unattended(rig: Rig) -> None:
    register(rig)
    rig.bench.publish(*finished(status="arrived"))
    await rig.work()
    assert rig.row("pendaftaran", "e1")["how"] == "adopted"
    rig.bench.publish(*finished(version=2, status="arrived", poli="Location/gigi"))
    await rig.work()
    assert rig.effects() == []
    assert rig.writes() == 1  # the add that was answered "duplicate"
    assert _proposals(rig) == [("replace", "open")]


def _proposals(rig: Rig) -> list[tuple[str, str]]:
    query = s.proposal.select().order_by(s.proposal.c.id)
    found: list[tuple[str, str]] = rig.read(lambda c: [(p.action, p.state) for p in c.execute(query)])
    return found


def test_the_day_of_these_tests_is_today() -> None:
    assert datetime.now(UTC) - START.astimezone(UTC) < timedelta(days=1)
