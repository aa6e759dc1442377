"""States that a hostile reading found nobody could leave, and neighbours that starved one another."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import sys
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select, text

from jknbridge.errors import LedgerBusy
from jknbridge.fhir.records import Record
from jknbridge.ledger import schema as s
from jknbridge.ledger.work import Sheet
from jknbridge.reasons import Reason
from jknbridge.targets import CredentialRefused
from jknbridge.testing.memory import KINDS, MemoryClient
from jknbridge.verdicts import NotApplicable, Unwanted, Verdict, Wanted

_spec = importlib.util.spec_from_file_location("host_conftest", Path(__file__).with_name("conftest.py"))
assert _spec
assert _spec.loader
kit = sys.modules.get("host_conftest") or importlib.util.module_from_spec(_spec)
if "host_conftest" not in sys.modules:
    sys.modules["host_conftest"] = kit
    _spec.loader.exec_module(kit)
encounter, patient, observation = kit.encounter, kit.patient, kit.observation
OTHER = {"start": "2026-01-06T01:00:00+00:00"}


def row_of(world: Any, kind: str, name: str = "enc-1") -> dict[str, Any]:
    return next(r for r in world.rows() if r["kind"] == kind and r["key"].endswith(f"/{name}"))


# --- neighbours ------------------------------------------------------------------------------------------------------


async def test_a_visit_with_many_lines_behind_a_doubt_delays_no_other(world: Any) -> None:
    world.far.faults["baris.add"] = deque(["dropped"])
    world.publish(patient(), encounter(), *(observation(f"o{n}", text=str(n)) for n in range(12)))
    await world.settle(0, 61)
    assert world.far.requests["baris.add"] == 1
    world.publish(encounter("enc-2", status="arrived", period=OTHER))
    await world.settle(0, 5)
    assert row_of(world, "daftar", "enc-2")["held"] == "present"


async def test_questions_of_a_paused_facility_delay_no_other(make_world: Any) -> None:
    world = make_world()
    world.host.close()
    world.config["faskes"]["99990001"]["memori"]["mode"] = "jeda"
    world.host = world.open()
    for n in range(140):
        world.publish(patient(f"00099990{n:05d}", f"q{n}"))
        world.publish(encounter(f"q{n}", status="arrived", subject={"reference": f"Patient/q{n}"}))
    await world.settle(0, 5)
    world.publish(patient(), encounter(status="arrived", serviceProvider={"reference": "Organization/99990002"}))
    await world.settle(0, 5)
    assert row_of(world, "daftar")["held"] == "present"


async def test_no_more_requests_are_under_way_than_the_credential_allows(make_world: Any, monkeypatch: Any) -> None:
    world = make_world()
    world.host.close()
    for facility in world.config["faskes"].values():
        facility["memori"] |= {"serentak": 2, "base_url": "memory://one"}
    world.host = world.open()
    now, most = 0, 0
    real = MemoryClient.send

    async def counted(self: MemoryClient, call: Any) -> Any:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.002)
        try:
            return await real(self, call)
        finally:
            now -= 1

    monkeypatch.setattr(MemoryClient, "send", counted)
    world.publish(patient())
    for n in range(1, 13):
        at = {"reference": f"Organization/9999000{1 + n % 2}"}
        world.publish(
            encounter(f"e{n}", status="arrived", period={"start": f"2026-01-{n:02d}T01:00:00Z"}, serviceProvider=at)
        )
    await world.settle(0, 12 * 86400.0, 5)
    assert world.far.requests["daftar.add"] == 12
    assert most <= 2


async def test_one_refused_log_in_is_not_followed_by_the_questions_behind_it(world: Any, monkeypatch: Any) -> None:
    """A wrong password asked forty times locks the account at BPJS."""
    asked: list[str] = []

    async def ask(self: MemoryClient, question: Any) -> Any:
        asked.append(question.kind)
        await asyncio.sleep(0.001)
        return CredentialRefused(Reason.of("memori.ditolak"))

    monkeypatch.setattr(MemoryClient, "ask", ask)
    for n in range(40):
        world.publish(patient(f"00099990{n:05d}", f"q{n}"))
        world.publish(encounter(f"q{n}", status="arrived", subject={"reference": f"Patient/q{n}"}))
    await world.settle(0, 5, 60)
    assert len(asked) <= 8  # two facilities of four places each, at most


# --- what runs on the writer's thread --------------------------------------------------------------------------------


async def test_work_whose_write_had_to_be_run_again_is_still_sent(world: Any, monkeypatch: Any) -> None:
    """A full disk undoes the transaction after the rows were taken: nothing of it may be remembered."""
    real = world.host.ledger.write
    failed: list[bool] = []

    async def flaky(job: Any, *, urgent: bool = False) -> Any:
        def once(connection: Any) -> Any:
            result = job(connection)
            if not failed and getattr(result, "intents", None):
                failed.append(True)
                raise LedgerBusy("disk full")
            return result

        return await real(once, urgent=urgent)

    monkeypatch.setattr(world.host.ledger, "write", flaky)
    world.publish(patient(), encounter(status="arrived"))
    await world.settle(0, 5, 60)
    assert failed
    assert row_of(world, "daftar")["held"] == "present"


async def test_an_adapter_that_exits_while_composing_parks_its_own_row(world: Any, monkeypatch: Any) -> None:
    def compose(call: Any) -> Any:
        raise SystemExit(3)

    monkeypatch.setattr(world.plugin.adapter, "compose", compose)
    world.publish(patient(), encounter(status="arrived"))
    async with asyncio.timeout(20):
        await world.settle(0, 5)
    assert (row_of(world, "daftar")["held"], row_of(world, "daftar")["work"]) == ("absent", "parked")


async def test_the_writer_survives_a_job_that_exits(world: Any) -> None:
    def leave(connection: Any) -> None:
        raise asyncio.CancelledError

    done = world.host.ledger._submit(leave, False)
    with contextlib.suppress(BaseException):
        done.result(5)
    count = world.host.ledger._submit(lambda c: c.execute(text("select 1")).scalar_one(), False)
    assert count.result(5) == 1


# --- claims ----------------------------------------------------------------------------------------------------------


async def test_a_visit_that_does_not_apply_any_more_gives_its_claim_back(world: Any) -> None:
    world.far.faults["daftar.add"] = deque(["later"] * 3)
    world.publish(patient(), encounter(status="arrived"))
    await world.settle(0)
    world.publish(encounter(status="planned", version=2))
    await world.settle(0)
    world.publish(encounter("enc-2", status="arrived"))
    await world.settle(1, 60, 60)
    assert row_of(world, "daftar", "enc-2")["held"] == "present"


async def test_a_visit_that_staff_deleted_and_the_emr_cancelled_gives_its_claim_back(world: Any) -> None:
    world.publish(patient(), encounter(status="arrived"))
    await world.settle(0, 60)

    def gone(connection: Any) -> None:
        from jknbridge.reconciling_ledger import _end

        journey = connection.execute(select(s.submission.c.journey_id)).scalars().first()
        sheet = Sheet(connection, world.host.desk(), journey)
        row = next(r for r in sheet.rows if r["kind"] == "daftar")
        _end(sheet, row, Reason.of("memori.batal"))
        sheet.settle()

    world.host.ledger.write_now(gone)
    world.far.rows.clear()
    world.publish(encounter("enc-2", status="arrived"))
    await world.settle(0, 5)
    assert row_of(world, "daftar", "enc-2")["work"] == "waiting"
    world.publish(encounter(status="cancelled", version=2))
    await world.settle(0, 5)
    assert row_of(world, "daftar")["work"] == "obsolete"
    assert row_of(world, "daftar", "enc-2")["held"] == "present"


# --- looking twice ---------------------------------------------------------------------------------------------------


async def test_an_equal_sibling_on_a_busy_day_is_no_surplus(world: Any) -> None:
    start = {"start": "2026-01-05T00:30:00+00:00"}
    poli = [{"location": {"reference": "Location/gigi"}}]
    world.map("memori.poli", "Location/gigi", "002")
    world.publish(patient(), encounter("busy", period=start, location=poli))
    world.publish(*(observation(f"b{n}", text=str(n), enc="busy") for n in range(55)))
    await world.settle(0, 61)
    world.far.faults["baris.add"] = deque(["dropped"])
    world.publish(encounter("enc-1"), observation("o1"))
    await world.settle(0, 61, 5, 901)
    assert row_of(world, "baris", "o1")["held"] == "present"
    world.publish(observation("o2"))
    await world.settle(0, 61, 901)
    assert (row_of(world, "baris", "o1")["held"], row_of(world, "baris", "o1")["work"]) == ("present", "none")


# --- what translation reads changes with an outcome ------------------------------------------------------------------


async def test_a_verdict_made_before_the_receipt_is_asked_for_again(world: Any, monkeypatch: Any) -> None:
    """The visit turned healthy while its record was under way: without receipt nobody could ask for its withdrawal."""
    real = world.plugin.adapter.translate

    def translate(journey: Any, receipts: Any, *rest: Any) -> Sequence[Verdict]:
        found = list(real(journey, receipts, *rest))
        if not (journey.anchor.content or {}).get("sehat"):
            return found
        key, reason = journey.anchor.key, Reason.of("memori.batal")
        held = receipts.get("memori.layanan", key) is not None
        other = Unwanted("layanan", key, "changed", reason) if held else NotApplicable("layanan", key, reason)
        return [v for v in found if v.kind != "layanan"] + [other]

    monkeypatch.setattr(world.plugin.adapter, "translate", translate)
    world.far.faults["layanan.add"] = deque(["lost"])
    world.publish(patient(), encounter())
    await world.settle(0, 60.5)
    assert row_of(world, "layanan")["work"] == "in_doubt"
    world.publish(encounter(sehat=True, version=2))
    await world.host.plan_once()
    await world.settle(5, 60)
    assert (row_of(world, "layanan")["held"], row_of(world, "layanan")["work"]) == ("absent", "withdrawn")


# --- order of arrival ------------------------------------------------------------------------------------------------


async def test_a_later_record_is_newer_than_the_last_entry_of_a_large_bundle(make_world: Any) -> None:
    world = make_world(sumber={"emr": {"topics": ["fhir.encounter"], "mulai_dari": "awal", "urutan": "arrival"}})
    entries = [{"resource": observation(f"x{n}")} for n in range(4200)] + [{"resource": encounter(status="planned")}]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    records = [
        Record("fhir.encounter", 0, n, None, json.dumps(body).encode(), (), 0)
        for n, body in enumerate((bundle, encounter(status="arrived", version=2)))
    ]
    world.host.take_in(records, lambda record, reason: [])

    def newest(connection: Any) -> Any:
        row = connection.execute(
            select(s.resource.c.body_box, s.data_key.c.wrapped)
            .outerjoin(s.data_key, s.data_key.c.id == s.resource.c.key_id)
            .where(s.resource.c.type == "Encounter")
        ).one()
        return world.host.ledger.vault.open(row.body_box, row.wrapped)

    assert world.host.ledger.read_now(newest)["status"] == "arrived"


# --- deadlines and kinds ---------------------------------------------------------------------------------------------


async def test_what_expired_goes_when_its_deadline_is_moved(world: Any, monkeypatch: Any) -> None:
    real = world.plugin.adapter.translate

    def translate(journey: Any, *rest: Any) -> Sequence[Verdict]:
        found = list(real(journey, *rest))
        for verdict in found:
            if isinstance(verdict, Wanted) and (limit := (journey.anchor.content or {}).get("batas")):
                object.__setattr__(verdict, "deadline", datetime.fromisoformat(limit))
        return found

    monkeypatch.setattr(world.plugin.adapter, "translate", translate)
    world.publish(patient(), encounter(status="arrived", batas="2026-01-04T00:00:00+00:00"))
    await world.settle(0, 5)
    assert row_of(world, "daftar")["work"] == "expired"
    world.publish(encounter(status="arrived", version=2, batas="2026-02-01T00:00:00+00:00"))
    await world.settle(0, 5)
    assert row_of(world, "daftar")["held"] == "present"


async def test_a_kind_that_no_adapter_brings_any_more_ends_nothing(world: Any, monkeypatch: Any) -> None:
    world.publish(patient(), encounter(), observation("o1"))
    await world.settle(0)
    monkeypatch.setattr(world.plugin.adapter, "kinds", {k: v for k, v in KINDS.items() if k != "baris"})
    await world.settle(61)
    assert row_of(world, "layanan")["held"] == "present"
    assert row_of(world, "baris", "o1")["held"] == "absent"
    monkeypatch.undo()
    await world.settle(3601)
    assert row_of(world, "baris", "o1")["held"] == "present"
