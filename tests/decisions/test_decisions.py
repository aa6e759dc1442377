"""Retry, release, settle by hand: what a person may decide, and that nothing is sent blindly because of it."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest

from jknbridge import decisions
from jknbridge.errors import NeedsPerson
from jknbridge.ledger import schema as s
from jknbridge.ledger.sql import update_by_id


async def test_a_refused_submission_is_tried_again_and_the_decision_is_audited(office: Any) -> None:
    office.far.faults["daftar.add"] = deque(["refused"])
    office.publish(office.patient(), office.encounter(status="arrived"))
    await office.settle(0)
    assert office.state("daftar") == ("absent", "parked", "refused")
    done = office.decide(decisions.retry, office.row("daftar")["id"])
    assert (done.held, done.work) == ("absent", "ready")
    await office.settle(0)
    assert office.state("daftar") == ("present", "none", None)
    (entry,) = office.audit()
    assert (entry["who"], entry["action"], entry["why"]) == ("budi", "retry", "sudah dicek")
    assert "Encounter/enc-1" in entry["object"]


async def test_a_retry_does_not_wait_for_the_pause_after_an_answer_without_effect(office: Any) -> None:
    office.far.faults["daftar.add"] = deque(["later"])
    office.publish(office.patient(), office.encounter(status="arrived"))
    await office.settle(0)
    assert office.state("daftar")[1] == "retry"
    office.decide(decisions.retry, office.row("daftar")["id"])
    await office.settle(0)
    assert office.state("daftar")[:2] == ("present", "none")


async def test_a_fact_that_was_not_known_is_asked_again(office: Any) -> None:
    office.far.people.clear()
    office.publish(office.patient(), office.encounter(status="arrived"))
    await office.settle(0)
    assert office.state("daftar")[:2] == ("absent", "waiting")
    office.far.people["0009999000011"] = {"sini": True}
    await office.settle(0, 3600)
    assert office.state("daftar")[:2] == ("absent", "waiting")  # pinned until somebody asks
    office.decide(decisions.retry, office.row("daftar")["id"])
    await office.settle(0)
    assert office.state("daftar")[:2] == ("present", "none")


async def test_retrying_a_journey_tries_what_may_be_and_leaves_the_rest(office: Any) -> None:
    office.far.faults["layanan.add"] = deque(["refused"])
    office.publish(office.patient(), office.encounter())
    await office.settle(0, 61)
    journey = office.row("daftar")["journey_id"]
    done = office.decide(decisions.retry_journey, journey)
    assert [(one.kind, one.work) for one in done] == [("layanan", "ready")]
    await office.settle(0)
    assert office.state("layanan")[:2] == ("present", "none")
    assert office.far.requests["daftar.add"] == 1


async def test_what_stands_is_not_retried(office: Any) -> None:
    office.publish(office.patient(), office.encounter(status="arrived"))
    await office.settle(0)
    with pytest.raises(NeedsPerson, match=r"present/none.*Nothing to try again"):
        office.decide(decisions.retry, office.row("daftar")["id"])
    with pytest.raises(NeedsPerson, match="9999"):
        office.decide(decisions.retry, 9999)
    assert office.audit() == []  # what was refused left no decision


async def test_what_staff_deleted_is_added_again_only_on_explicit_request(office: Any) -> None:
    office.publish(office.patient(), office.encounter(status="arrived"))
    await office.settle(0)
    ident = office.row("daftar")["id"]
    gone = {"held": "absent", "work": "parked", "hold": "gone", "how": None, "accepted_fp": None, "accepted_box": None}
    office.host.ledger.write_now(lambda c: update_by_id(c, s.submission, ident, gone))
    office.far.rows.clear()
    with pytest.raises(NeedsPerson, match="tambah-lagi"):
        office.decide(decisions.retry, ident)
    await office.settle(0)
    assert office.effects() == ["daftar.add"]
    office.decide(decisions.retry, ident, add_again=True)
    await office.settle(0)
    assert office.effects() == ["daftar.add", "daftar.add"]


# --- the brake --------------------------------------------------------------------------------------------------------


async def _braked(make_office: Any) -> Any:
    office = make_office(rem={"paling_sedikit": 1, "persen": 0})
    for n in range(1, 4):
        office.publish(office.encounter(f"enc-{n}", status="arrived", period={"start": f"2026-01-0{n}T01:00:00+00:00"}))
    office.publish(office.patient())
    await office.settle(0)
    for n in range(1, 4):
        office.publish(office.encounter(f"enc-{n}", status="cancelled", version=2))
    await office.settle(0, 1)
    assert office.effects().count("daftar.delete") == 1
    assert sum(row["hold"] == "brake" for row in office.rows()) == 2
    return office


async def test_the_brake_is_let_go_one_by_one_or_as_one_decision(make_office: Any) -> None:
    office = await _braked(make_office)
    held = [row["id"] for row in office.rows() if row["hold"] == "brake"]
    with pytest.raises(NeedsPerson, match="release"):
        office.decide(decisions.retry, held[0])
    office.decide(decisions.release, held[0])
    await office.settle(0)
    assert office.effects().count("daftar.delete") == 2
    gone = office.decide(decisions.release_brake, "99990001/memori/produksi")
    assert [one.submission for one in gone] == [held[1]]
    await office.settle(0)
    assert office.effects().count("daftar.delete") == 3
    assert "rem 99990001/memori/produksi (1)" in [entry["object"] for entry in office.audit()]


async def test_nothing_else_can_be_released(office: Any) -> None:
    office.far.faults["daftar.add"] = deque(["refused"])
    office.publish(office.patient(), office.encounter(status="arrived"))
    await office.settle(0)
    with pytest.raises(NeedsPerson, match="retry"):
        office.decide(decisions.release, office.row("daftar")["id"])


# --- doubts -----------------------------------------------------------------------------------------------------------


async def _doubted(office: Any, fault: str = "lost") -> int:
    """A registration whose answer was lost while nothing can be read: after ``probe_for`` a person has it."""
    office.far.unreadable = True
    office.far.faults["daftar.add"] = deque([fault])
    office.publish(office.patient(), office.encounter(status="arrived"))
    await office.settle(0, 2)
    for _ in range(130):
        if office.state("daftar")[2] == "doubt":
            break
        await office.settle(31)
    assert office.state("daftar") == ("unknown", "parked", "doubt")
    return int(office.row("daftar")["id"])


@pytest.fixture
def quick(make_office: Any) -> Any:
    waktu = {"settle": {"layanan": 60}, "visibility": 30, "late_effect": 900, "probe_every": 30, "probe_for": 90}
    return make_office(waktu=waktu)


@pytest.mark.parametrize("way", [decisions.retry, decisions.release])
async def test_a_doubt_that_is_tried_again_is_asked_and_never_sent(quick: Any, way: Any) -> None:
    ident = await _doubted(quick)
    quick.far.unreadable = False
    quick.decide(way, ident)
    assert quick.state("daftar") == ("unknown", "in_doubt", None)
    await quick.settle(0)
    assert quick.state("daftar") == ("present", "none", None)
    assert quick.row("daftar")["how"] == "found"
    assert quick.far.requests["daftar.add"] == 1


async def test_a_person_saw_it_and_names_its_number(quick: Any) -> None:
    ident = await _doubted(quick)
    number = next(no for _, kind, no in quick.far.rows if kind == "daftar")
    for wrong in ({}, {"nomor": number}, {"no": number, "lain": "1"}):
        with pytest.raises(NeedsPerson, match="--ada no="):
            quick.decide(decisions.settle_present, ident, wrong)
    quick.decide(decisions.settle_present, ident, {"no": number})
    assert quick.state("daftar") == ("present", "none", None)
    assert (quick.row("daftar")["how"], quick.values("daftar")) == ("found", {"no": number})
    quick.publish(quick.encounter(version=2))
    quick.far.unreadable = False
    await quick.settle(0, 61)
    assert quick.state("layanan")[:2] == ("present", "none")  # the visit goes on upon it
    assert quick.far.requests["daftar.add"] == 1
    assert f"no={number}" in quick.audit()[-1]["object"]


async def test_a_number_that_is_another_ones_receipt_is_refused(quick: Any) -> None:
    quick.publish(quick.encounter("enc-0", status="arrived", subject={"reference": "Patient/p0"}))
    quick.publish(quick.patient("0009999000022", "p0"))
    quick.far.people["0009999000022"] = {"sini": True}
    await quick.settle(0)
    taken = quick.values("daftar", "enc-0")
    ident = await _doubted(quick)
    with pytest.raises(NeedsPerson, match="sudah menjadi tanda terima"):
        quick.decide(decisions.settle_present, ident, taken)


async def test_a_person_looked_and_it_is_not_there_so_it_is_sent_again(quick: Any) -> None:
    ident = await _doubted(quick, "dropped")
    done = quick.decide(decisions.settle_absent, ident)
    assert (done.held, done.work) == ("absent", "ready")
    quick.far.unreadable = False
    await quick.settle(0)
    assert quick.state("daftar")[:2] == ("present", "none")
    assert quick.far.requests["daftar.add"] == 2


async def test_an_open_doubt_may_be_settled_before_the_program_gives_up(office: Any) -> None:
    office.far.unreadable = True
    office.far.faults["daftar.add"] = deque(["lost"])
    office.publish(office.patient(), office.encounter(status="arrived"))
    await office.settle(0, 2)
    assert office.state("daftar")[1] == "in_doubt"
    office.decide(decisions.settle_present, office.row("daftar")["id"], {"no": "D1"})
    await office.settle(60, 60)
    assert office.state("daftar") == ("present", "none", None)


async def test_a_withdrawal_in_doubt_is_settled_either_way(quick: Any) -> None:
    for there in (True, False):
        name = f"enc-{there}"
        day = "2026-01-06" if there else "2026-01-07"
        quick.publish(
            quick.patient(), quick.encounter(name, status="arrived", period={"start": f"{day}T01:00:00+00:00"})
        )
        await quick.settle(0)
        quick.far.unreadable = True
        quick.far.faults["daftar.delete"] = deque(["dropped" if there else "lost"])
        quick.publish(quick.encounter(name, status="cancelled", version=2))
        await quick.settle(0, 31, 31, 31, 31)
        assert quick.state("daftar", name) == ("unknown", "parked", "doubt")
        ident = quick.row("daftar", name)["id"]
        quick.far.unreadable = False
        if there:
            quick.decide(decisions.settle_present, ident, {})
            await quick.settle(0)
        else:
            quick.decide(decisions.settle_absent, ident)
        assert quick.state("daftar", name)[:2] == ("absent", "withdrawn")
    assert quick.effects().count("daftar.delete") == 2


async def test_what_is_not_in_doubt_cannot_be_settled(office: Any) -> None:
    office.publish(office.patient(), office.encounter(status="arrived"))
    await office.settle(0)
    for decide in (decisions.settle_absent, decisions.release):
        with pytest.raises(NeedsPerson):
            office.decide(decide, office.row("daftar")["id"])
    assert office.state("daftar") == ("present", "none", None)


async def test_a_surplus_is_looked_at_again_when_it_was_removed(office: Any) -> None:
    office.far.faults["baris.add"] = deque(["late"])
    office.publish(office.patient(), office.encounter(), office.observation("o1"))
    await office.settle(0, 61, 2, 901)
    office.far.land()
    await office.settle(901)
    assert office.state("baris", "o1") == ("present", "parked", "doubt")
    ident = office.row("baris", "o1")["id"]
    office.decide(decisions.release, ident)
    await office.settle(0)
    assert office.state("baris", "o1")[2] == "doubt"  # it still stands twice
    ours = office.values("baris", "o1")["no"]
    for place in [place for place in office.far.rows if place[1] == "baris" and place[2] != ours]:
        del office.far.rows[place]
    office.decide(decisions.release, ident)
    await office.settle(0)
    assert office.state("baris", "o1") == ("present", "none", None)
