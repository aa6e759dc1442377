"""When a reading is not believed: nothing is concluded, and nothing is asked that could lock an account."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import date, timedelta
from typing import Any

from jknbridge import reconciling
from jknbridge.ledger import schema as s
from jknbridge.reconciling_settings import RekonsiliasiSettings
from jknbridge.targets import Day, DayRow

DAY = date(2026, 1, 5)


async def visit(clinic: Any) -> None:
    clinic.publish(clinic.patient(), clinic.encounter())
    await clinic.work()


async def test_an_unbelievable_reading_concludes_nothing_and_ends_the_round(clinic: Any) -> None:
    await visit(clinic)
    clinic.clock.advance(60)
    clinic.hand("daftar")
    clinic.far.unreadable = True
    reports = await clinic.reconcile(DAY, DAY - timedelta(days=1))
    assert [(r.outcome, r.reason.code) for r in reports] == [
        ("unread", "memori.nanti"), ("skipped", "rekonsiliasi.dilewati"),
    ]  # fmt: skip
    assert clinic.row("daftar")["held"] == "present"
    assert clinic.noted() == [("unread", None)]


async def test_what_was_accepted_a_moment_ago_is_not_yet_missed(clinic: Any) -> None:
    await visit(clinic)
    clinic.hand("daftar")
    clinic.clock.advance(29)
    (report,) = await clinic.reconcile()
    assert (report.counts()["gone"], report.counts()["undecided"]) == (0, 1)
    assert clinic.row("daftar")["held"] == "present"
    clinic.clock.advance(2)
    (report,) = await clinic.reconcile()
    assert report.counts()["gone"] == 1


async def test_what_is_in_doubt_is_left_to_its_probe(clinic: Any) -> None:
    await visit(clinic)
    clinic.far.faults["layanan.edit"] = deque(["dropped"])
    clinic.publish(clinic.encounter(hasil="b", meta={"lastUpdated": "2026-01-05T03:00:00Z"}))
    await clinic.work()
    clinic.clock.advance(60)
    assert clinic.row("layanan")["work"] == "in_doubt"
    clinic.hand("layanan")
    (report,) = await clinic.reconcile()
    assert (report.counts()["gone"], report.counts()["undecided"]) == (0, 1)
    assert clinic.row("layanan")["held"] == "present"


async def test_an_add_under_way_is_not_called_foreign(clinic: Any) -> None:
    clinic.far.faults["daftar.add"] = deque(["lost"])
    clinic.far.unreadable = True  # the probe cannot decide either
    await visit(clinic)
    assert clinic.row("daftar")["held"] == "unknown"
    clinic.far.unreadable = False
    (report,) = await clinic.reconcile()
    assert report.counts() == {"same": 0, "gone": 0, "changed": 0, "foreign": 0, "undecided": 0}


async def test_what_changed_hands_while_the_list_was_read_is_left(clinic: Any) -> None:
    """Staff deleted it, but a person had it withdrawn and sent again between our reading and our writing."""
    await visit(clinic)
    clinic.clock.advance(60)
    row = clinic.row("daftar")
    theirs = clinic.far.rows.copy()

    class Slow:
        async def day(self, day: date, held: Any) -> Any:
            receipts = s.receipt.update().where(s.receipt.c.submission_id == row["id"])
            clinic.host.ledger.write_now(lambda c: c.execute(receipts.values(ended_at=1.0, ended_by="replaced")))
            return Day(
                tuple(DayRow(kind, {"no": no}, (), row) for (_, kind, no), row in theirs.items() if kind != "daftar")
            )

    (report,) = await reconciling.reconcile(clinic.host, [(clinic.instance, [DAY])], lambda _: Slow())
    assert (report.counts()["gone"], report.counts()["undecided"]) == (0, 1)
    assert clinic.row("daftar")["held"] == "present"


async def test_a_whole_day_that_vanishes_is_held_by_the_brake_until_a_person_releases_it(clinic: Any) -> None:
    for i in range(11, 18):
        clinic.publish(clinic.patient(f"00099990000{i}", f"p{i}"), clinic.encounter(f"e{i}", person=f"p{i}"))
    await clinic.work()
    clinic.clock.advance(60)
    clinic.hand("daftar")
    clinic.hand("layanan")
    (report,) = await clinic.reconcile()
    assert (report.outcome, report.reason.code, report.undecided) == ("unread", "rekonsiliasi.rem", 14)
    assert {row["held"] for row in clinic.rows()} == {"present"}
    assert len(clinic.contacts()) == 7
    (report,) = await clinic.reconcile(release=True)
    assert report.counts()["gone"] == 14
    assert [state for state, _ in clinic.contacts()].count("retracted") == 7


async def test_a_paused_facility_is_not_read_and_a_shadow_is(make_clinic: Any) -> None:
    (report,) = await make_clinic(mode="jeda").reconcile()
    assert (report.outcome, report.reason.code) == ("skipped", "rekonsiliasi.mode")
    (report,) = await make_clinic(mode="bayangan").reconcile()
    assert report.outcome == "read"


async def test_a_closed_credential_is_not_used(clinic: Any) -> None:
    await visit(clinic)
    clinic.host.limits.closed.add(clinic.instance.settings.limit_key)
    (report,) = await clinic.reconcile()
    assert (report.outcome, report.reason.code) == ("skipped", "rekonsiliasi.tertutup")


async def test_a_defect_of_the_client_stops_nobody_else(clinic: Any) -> None:
    class Broken:
        async def day(self, day: date, held: Any) -> Any:
            raise RuntimeError("0009999000011")

    (report,) = await reconciling.reconcile(clinic.host, [(clinic.instance, [DAY])], lambda _: Broken())
    assert (report.outcome, report.reason.code) == ("unread", "rekonsiliasi.galat")
    assert "0009999" not in str(report.to_json())


# --- every night -----------------------------------------------------------------------------------------------------


async def _quiet(clinic: Any) -> int:
    """How many readings there are once none has been added for a while."""
    count, still = -1, 0
    while still < 6:
        await asyncio.sleep(0.05)
        now = len(clinic.noted())
        still, count = (still + 1 if now == count else 0), now
    return count


async def _nights(clinic: Any, rules: RekonsiliasiSettings, *advances: float) -> list[int]:
    """How many readings there were after each advance of the clock."""
    task = asyncio.create_task(reconciling.nightly(clinic.host, rules))
    counts = []
    for seconds in (0.0, *advances):
        clinic.clock.advance(seconds)
        counts.append(await _quiet(clinic))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    for http in clinic.host._https.values():
        await http.close()
    clinic.host._https.clear()
    return counts


async def test_each_night_is_read_once_at_its_hour_on_the_facilitys_clock(clinic: Any) -> None:
    # 09:00 WIB: the night of the 5th is over, the next one begins 17.5 hours later
    rules = RekonsiliasiSettings(hari=2)
    assert await _nights(clinic, rules, 17.4 * 3600, 0.2 * 3600, 3600) == [0, 0, 2, 2]
    assert await _nights(clinic, rules, 60.0) == [2, 2]  # a restart in the same night


async def test_a_night_that_was_slept_through_is_caught_up(clinic: Any) -> None:
    rules = RekonsiliasiSettings(hari=1)
    await _nights(clinic, rules)
    clinic.clock.advance(3 * 86400)
    assert await _nights(clinic, rules) == [1]


async def test_a_paused_facility_is_read_once_it_runs_again(clinic: Any) -> None:
    rules = RekonsiliasiSettings(hari=1)
    await _nights(clinic, rules)
    clinic.clock.advance(86400)
    key = clinic.instance.settings.limit_key
    clinic.host.limits.closed.add(key)
    assert await _nights(clinic, rules) == [0]
    clinic.host.limits.closed.discard(key)
    assert await _nights(clinic, rules) == [1]


async def test_the_nightly_round_can_be_switched_off(clinic: Any) -> None:
    clinic.clock.advance(86400)
    await asyncio.wait_for(reconciling.nightly(clinic.host, RekonsiliasiSettings(aktif=False)), 1)
    assert clinic.noted() == []


def test_the_section_reads_a_time_of_day() -> None:
    rules = RekonsiliasiSettings.model_validate({"jam": "02:30", "hari": 3, "aktif": True})
    assert (rules.jam.hour, rules.jam.minute) == (2, 30)
