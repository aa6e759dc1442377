"""What others are told: a hostile reading found contacts that PCare never acknowledged, and results that went stale."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import select

from jknbridge.ledger import schema as s

_spec = importlib.util.spec_from_file_location("host_conftest", Path(__file__).with_name("conftest.py"))
assert _spec
assert _spec.loader
kit = sys.modules.get("host_conftest") or importlib.util.module_from_spec(_spec)
if "host_conftest" not in sys.modules:
    sys.modules["host_conftest"] = kit
    _spec.loader.exec_module(kit)
encounter, patient = kit.encounter, kit.patient
GIGI = [{"location": {"reference": "Location/gigi"}}]


def told(world: Any, kind: str) -> list[tuple[str, str]]:
    vault = world.host.ledger.vault
    query = select(s.outbox.c.value_box).where(s.outbox.c.topic == "jkn.hasil.v1").order_by(s.outbox.c.id)
    boxes = world.host.ledger.read_now(lambda c: c.execute(query).scalars().all())
    results = [json.loads(vault.open_bytes(box, None)) for box in boxes]
    return [(one["held"], one["work"]) for one in results if one["kind"] == kind]


async def test_a_contact_stays_with_the_participant_that_was_acknowledged(world: Any) -> None:
    """Another card is only proposed: until the target holds the visit under it, nobody has acknowledged it."""
    world.far.people["0009999000022"] = {"sini": False}
    world.publish(patient(), encounter())
    await world.settle(0, 61)
    first = world.contacts()[-1]
    world.publish(patient("0009999000022", version=2))
    await world.settle(0, 61)
    assert any(row["proposal_id"] for row in world.rows())
    assert {contact["participant"] for contact in world.contacts()} == {first["participant"]}


async def test_a_contact_follows_the_status_of_its_visit(world: Any) -> None:
    world.publish(patient(), encounter())
    await world.settle(0, 61)
    world.publish(encounter(hasil="b", version=2))
    await world.settle(0, 61)
    assert [c["encounter_status"] for c in world.contacts()][-1] == "finished"
    assert {c["state"] for c in world.contacts()} == {"recorded"}


async def test_what_was_told_as_parked_and_is_over_is_told(world: Any) -> None:
    world.publish(patient(), encounter(status="arrived", location=GIGI))
    await world.settle(0, 5)
    assert told(world, "daftar") == [("absent", "parked")]
    world.publish(encounter(status="cancelled", version=2, location=GIGI))
    await world.settle(0, 5)
    assert told(world, "daftar")[-1] == ("absent", "obsolete")


async def test_a_visit_without_news_is_not_told(world: Any) -> None:
    world.publish(patient(), encounter(status="planned"))
    await world.settle(0, 5)
    world.publish(encounter(status="cancelled", version=2))
    await world.settle(0, 5)
    assert told(world, "daftar") == []


async def test_a_delete_after_a_visit_named_an_unknown_facility_is_withdrawn_where_it_was(world: Any) -> None:
    world.publish(patient(), encounter(status="arrived"))
    await world.settle(0)
    world.publish(encounter(status="arrived", version=2, serviceProvider={"reference": "Organization/unknown"}))
    await world.settle(0)
    assert {r["held"] for r in world.rows() if r["kind"] == "daftar"} == {"present"}
    gone = {"fullUrl": "Encounter/enc-1", "request": {"method": "DELETE", "url": "Encounter/enc-1"}}
    world.publish({"resourceType": "Bundle", "type": "history", "timestamp": "2026-01-05T03:00:00Z", "entry": [gone]})
    await world.settle(0, 60)
    assert {r["held"] for r in world.rows() if r["kind"] == "daftar"} == {"absent"}
