"""Proposals: what a person lets through is done whole, what they refuse stays as it is and is not asked again."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest
from sqlalchemy import delete

from jknbridge import proposals
from jknbridge.errors import NeedsPerson
from jknbridge.ledger import schema as s
from jknbridge.ledger.sql import update_by_id

GIGI = [{"location": {"reference": "Location/gigi"}}]


def accept(office: Any, proposal: int) -> Any:
    return office.decide(proposals.accept, office.host.instances, proposal)


async def _proposed_chain(office: Any) -> int:
    """A visit with two rows, accepted; then its poli is corrected, which only deleting and adding again can do."""
    office.map("memori.poli", "Location/gigi", "002")
    office.publish(office.patient(), office.encounter(), office.observation("o1"), office.observation("o2", "B"))
    await office.settle(0, 61)
    assert {(row["held"], row["work"]) for row in office.rows()} == {("present", "none")}
    office.publish(office.encounter(version=2, location=GIGI))
    await office.settle(0, 61)
    assert office.effects() == ["daftar.add", "layanan.add", "baris.add", "baris.add"]
    (root,) = [
        p for p in office.proposals() if p["submission_id"] == office.row("daftar")["id"] and p["state"] == "open"
    ]
    assert root["action"] == "replace"
    return int(root["id"])


async def test_a_chain_is_taken_down_and_built_again(office: Any) -> None:
    proposal = await _proposed_chain(office)
    touched = accept(office, proposal)
    assert [one.kind for one in touched] == ["daftar", "layanan", "baris", "baris"]
    await office.settle(0, 61)
    down, up = ["baris.delete", "baris.delete", "layanan.delete", "daftar.delete"], ["daftar.add", "layanan.add"]
    assert office.effects()[4:] == [*down, *up, "baris.add", "baris.add"]
    assert {(row["held"], row["work"]) for row in office.rows()} == {("present", "none")}
    assert {row["rebuild"] for row in office.rows()} == {None}
    assert {row["permit"] for row in office.rows()} == {None}
    assert {row["poli"] for row in office.far.rows.values() if "poli" in row} == {"002"}
    decided = [(p["state"], p["decided_by"], p["why"]) for p in office.proposals() if p["id"] == proposal]
    assert decided == [("accepted", "budi", "sudah dicek")]
    assert not [p for p in office.proposals() if p["state"] == "open"]
    assert office.contacts()[-1]["state"] == "recorded"


async def test_refusing_leaves_what_was_accepted_and_is_remembered_with_that_state(office: Any) -> None:
    proposal = await _proposed_chain(office)
    office.decide(proposals.refuse, proposal)
    effects = office.effects()
    office.publish(office.encounter(version=3, location=GIGI))  # the same desired state, said again
    await office.settle(0, 61)
    assert office.effects() == effects
    assert [p["state"] for p in office.proposals() if p["id"] == proposal] == ["refused"]
    assert office.row("daftar")["proposal_id"] is None
    with pytest.raises(NeedsPerson, match="refused"):
        accept(office, proposal)


async def test_a_chain_that_could_not_come_back_is_not_taken_down(office: Any) -> None:
    proposal = await _proposed_chain(office)
    effects = office.effects()
    office.host.ledger.write_now(lambda c: c.execute(delete(s.mapping).where(s.mapping.c.local == "Location/gigi")))
    with pytest.raises(NeedsPerson, match=r"memori\.poli.*Location/gigi"):
        accept(office, proposal)
    office.map("memori.poli", "Location/gigi", "002")
    line = office.row("baris", "o1")["id"]
    for change, why in (
        ({"hold": "doubt", "work": "parked"}, "menunggu keputusan lain"),
        ({"hold": None, "work": "in_doubt"}, "diragukan"),
        ({"hold": None, "work": "none", "desire": "waiting"}, "waiting"),
        ({"hold": None, "work": "none", "desire": "wanted", "deadline": 1.0}, "batas waktunya"),
    ):
        office.host.ledger.write_now(lambda c, change=change: update_by_id(c, s.submission, line, change))
        with pytest.raises(NeedsPerson, match=why):
            accept(office, proposal)
    await office.settle(0)
    assert office.effects() == effects
    assert office.audit() == []


async def test_a_correction_outside_the_window_is_sent_when_it_is_accepted(office: Any) -> None:
    office.publish(office.patient(), office.encounter(hasil="a"))
    await office.settle(0, 61)
    office.clock.advance(60 * 86400)
    office.publish(office.encounter(version=2, hasil="b"))
    await office.settle(0, 61)
    assert "layanan.edit" not in office.effects()
    (proposal,) = [p for p in office.proposals() if p["state"] == "open"]
    assert proposal["action"] == "revise"
    accept(office, proposal["id"])
    await office.settle(0)
    assert office.effects()[-1] == "layanan.edit"
    assert office.row("layanan")["permit"] is None


async def test_what_was_adopted_is_withdrawn_when_it_is_accepted(office: Any) -> None:
    office.far.rows["99990001", "daftar", "T1"] = {"kartu": "0009999000011", "hari": "2026-01-05", "poli": "001"}
    office.publish(office.patient(), office.encounter(status="arrived"))
    await office.settle(0)
    office.publish(office.encounter(status="cancelled", version=2))
    await office.settle(0)
    (proposal,) = [p for p in office.proposals() if p["state"] == "open"]
    assert (proposal["action"], office.effects()) == ("withdraw", [])
    accept(office, proposal["id"])
    await office.settle(0)
    assert office.effects() == ["daftar.delete"]
    assert office.state("daftar")[:2] == ("absent", "withdrawn")


async def test_a_shadow_or_paused_target_takes_no_acceptance(office: Any) -> None:
    proposal = await _proposed_chain(office)
    office.host.close()
    office.world.config["faskes"]["99990001"]["memori"]["mode"] = "jeda"
    office.world.host = office.world.open()
    with pytest.raises(NeedsPerson, match="99990001/memori/produksi"):
        accept(office, proposal)


async def test_a_refusal_in_the_middle_of_a_rebuild_keeps_the_rest_waiting_for_a_person(office: Any) -> None:
    proposal = await _proposed_chain(office)
    office.far.faults["layanan.delete"] = deque(["refused"])
    accept(office, proposal)
    await office.settle(0, 61)
    assert office.state("layanan") == ("present", "parked", "refused")
    assert office.state("daftar")[:2] == ("present", "waiting")
    assert "daftar.delete" not in office.effects()
