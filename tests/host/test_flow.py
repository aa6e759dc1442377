"""A journey through the host: from records to what the target holds, with answers lost, late and refused."""

from __future__ import annotations

import importlib.util
import sys
from collections import deque
from pathlib import Path
from typing import Any

_spec = importlib.util.spec_from_file_location("host_conftest", Path(__file__).with_name("conftest.py"))
assert _spec
assert _spec.loader
kit = importlib.util.module_from_spec(_spec)
sys.modules.setdefault("host_conftest", kit)
_spec.loader.exec_module(kit)
encounter, patient, observation = kit.encounter, kit.patient, kit.observation


async def test_a_finished_visit_is_held_once_with_its_rows_and_contact(world: Any) -> None:
    world.publish(patient(), encounter(), observation("o1"), observation("o2", "B"))
    await world.settle(0, 61)
    assert world.states() == {
        "daftar enc-1": ("present", "none"),
        "layanan enc-1": ("present", "none"),
        "baris o1": ("present", "none"),
        "baris o2": ("present", "none"),
    }
    assert sorted(e[1] for e in world.far.effects) == ["baris.add", "baris.add", "daftar.add", "layanan.add"]
    assert [c["state"] for c in world.contacts()] == ["recorded"]


async def test_the_same_events_again_send_nothing(world: Any) -> None:
    world.publish(patient(), encounter(), observation("o1"))
    await world.settle(0, 61)
    before = dict(world.far.requests)
    world.publish(observation("o1"), encounter(), patient())
    await world.settle(0, 61)
    assert dict(world.far.requests) == before


async def test_a_lost_answer_is_probed_and_found(world: Any) -> None:
    world.far.faults["daftar.add"] = deque(["lost"])
    world.publish(patient(), encounter())
    await world.settle(0, 2, 61, 5)
    assert world.states()["daftar enc-1"] == ("present", "none")
    assert world.far.requests["daftar.add"] == 1
    assert next(r["how"] for r in world.rows() if r["kind"] == "daftar") == "found"


async def test_a_dropped_request_is_repeated_only_after_visibility(world: Any) -> None:
    world.far.faults["daftar.add"] = deque(["dropped"])
    world.publish(patient(), encounter(status="arrived"))
    await world.settle(0, 2)
    assert world.far.requests["daftar.add"] == 1
    assert world.states()["daftar enc-1"] == ("unknown", "in_doubt")
    await world.settle(31)
    assert world.far.requests["daftar.add"] == 2
    assert world.states()["daftar enc-1"] == ("present", "none")


async def test_a_row_without_natural_key_is_repeated_only_after_late_effect(world: Any) -> None:
    world.far.faults["baris.add"] = deque(["dropped"])
    world.publish(patient(), encounter(), observation("o1"))
    await world.settle(0, 61, 2, 60)
    assert world.far.requests["baris.add"] == 1
    await world.settle(900)
    assert world.far.requests["baris.add"] == 2
    assert world.states()["baris o1"] == ("present", "none")


async def test_a_late_effect_after_a_repeat_is_noticed_as_surplus(world: Any) -> None:
    world.far.faults["baris.add"] = deque(["late"])
    world.publish(patient(), encounter(), observation("o1"))
    await world.settle(0, 61, 2, 901)
    assert world.far.requests["baris.add"] == 2
    world.far.land()
    await world.settle(901)
    assert world.states()["baris o1"] == ("present", "parked")


async def test_a_cancelled_visit_is_withdrawn_in_reverse_order_and_its_contact_retracted(world: Any) -> None:
    world.publish(patient(), encounter(), observation("o1"))
    await world.settle(0, 61)
    world.publish(encounter(status="cancelled", version=2))
    await world.settle(0, 1)
    assert set(world.states().values()) == {("absent", "withdrawn")}
    assert [e[1] for e in world.far.effects[-3:]] == ["baris.delete", "layanan.delete", "daftar.delete"]
    assert [(c["state"], c["revision"]) for c in world.contacts()] == [("recorded", 1), ("retracted", 2)]


async def test_a_correction_is_revised_and_a_reopened_visit_left_alone(world: Any) -> None:
    world.publish(patient(), encounter(hasil="a"))
    await world.settle(0, 61)
    world.publish(encounter(hasil="b", version=2))
    await world.settle(0, 61)
    assert world.far.requests["layanan.edit"] == 1
    before = dict(world.far.requests)
    world.publish(encounter(status="in-progress", version=3))
    await world.settle(0, 61)
    assert dict(world.far.requests) == before
    assert world.states()["layanan enc-1"] == ("present", "none")


async def test_staff_registered_first_is_adopted_and_never_withdrawn_unattended(world: Any) -> None:
    world.far.rows["99990001", "daftar", "T1"] = {"kartu": "0009999000011", "hari": "2026-01-05", "poli": "001"}
    world.publish(patient(), encounter())
    await world.settle(0, 61)
    row = next(r for r in world.rows() if r["kind"] == "daftar")
    assert (row["held"], row["how"]) == ("present", "adopted")
    assert world.states()["layanan enc-1"] == ("present", "none")
    world.publish(encounter(status="cancelled", version=2))
    await world.settle(0, 1)
    assert world.far.requests["daftar.delete"] == 0
    assert world.states()["layanan enc-1"] == ("absent", "withdrawn")
    assert next(r for r in world.rows() if r["kind"] == "daftar")["proposal_id"] is not None


async def test_a_second_visit_with_the_same_natural_key_waits_and_goes_when_the_first_is_withdrawn(world: Any) -> None:
    world.publish(patient(), encounter(status="arrived"))
    await world.settle(0)
    world.publish(encounter("enc-2", status="arrived"))
    await world.settle(0)
    assert world.states()["daftar enc-2"] == ("absent", "waiting")
    world.publish(encounter(status="cancelled", version=2))
    await world.settle(0, 1)
    assert world.states() == {
        "daftar enc-1": ("absent", "withdrawn"), "layanan enc-1": ("absent", "obsolete"),
        "daftar enc-2": ("present", "none"), "layanan enc-2": ("absent", "waiting"),
    }  # fmt: skip


async def test_a_missing_mapping_parks_and_a_refusal_needs_a_person(world: Any) -> None:
    world.publish(patient(), encounter(location=[{"location": {"reference": "Location/baru"}}], status="arrived"))
    world.far.faults["daftar.add"] = deque(["refused"])
    world.publish(encounter("enc-2", status="arrived"))
    await world.settle(0)
    assert world.states()["daftar enc-1"] == ("absent", "parked")
    assert world.states()["daftar enc-2"] == ("absent", "parked")
    assert sum(world.far.requests[k] for k in ("daftar.add",)) == 1


async def test_silence_withdraws_nothing(world: Any) -> None:
    world.publish(patient(), encounter(), observation("o1"))
    await world.settle(0, 61)
    before = dict(world.far.requests)
    world.plugin.adapter.silent = True
    world.publish(encounter(version=2, hasil="x"))
    await world.settle(0, 61)
    assert dict(world.far.requests) == before
    assert {r["desire"] for r in world.rows()} == {"silent"}
    assert {r["held"] for r in world.rows()} == {"present"}


async def test_a_deleted_visit_is_withdrawn_at_the_facility_it_was_at(world: Any) -> None:
    world.publish(patient(), encounter(), observation("o1"))
    await world.settle(0, 61)
    gone = {"fullUrl": "Encounter/enc-1", "request": {"method": "DELETE", "url": "Encounter/enc-1"}}
    world.publish({"resourceType": "Bundle", "type": "history", "timestamp": "2026-01-05T03:00:00Z", "entry": [gone]})
    await world.settle(0, 1)
    assert set(world.states().values()) == {("absent", "withdrawn")}


async def test_a_visit_moved_to_another_facility_is_withdrawn_there_and_sent_here(world: Any) -> None:
    world.publish(patient(), encounter(status="arrived"))
    await world.settle(0)
    world.publish(encounter(status="arrived", version=2, serviceProvider={"reference": "Organization/99990002"}))
    await world.settle(0, 1)
    by_facility = {r["facility"]: (r["held"], r["work"]) for r in world.rows() if r["kind"] == "daftar"}
    assert by_facility == {"99990001": ("absent", "withdrawn"), "99990002": ("present", "none")}


async def test_a_replace_with_dependants_is_proposed_and_without_runs(world: Any) -> None:
    world.map("memori.poli", "Location/gigi", "002")
    gigi = [{"location": {"reference": "Location/gigi"}}]
    world.publish(patient(), encounter(status="arrived"))
    await world.settle(0)
    world.publish(encounter(status="arrived", version=2, location=gigi))
    await world.settle(0, 1)
    assert [e[1] for e in world.far.effects] == ["daftar.add", "daftar.delete", "daftar.add"]
    world.publish(encounter(version=3, location=gigi))
    await world.settle(0, 61)
    effects = len(world.far.effects)
    world.publish(encounter(version=4))
    await world.settle(0, 61)
    assert len(world.far.effects) == effects
    assert next(r for r in world.rows() if r["kind"] == "daftar")["proposal_id"] is not None


async def test_an_outage_opens_the_circuit_and_everything_goes_after_it(world: Any) -> None:
    world.publish(patient(), encounter(status="arrived"))
    await world.settle(0)
    world.far.down = True
    for n in range(2, 8):
        world.publish(encounter(f"enc-{n}", status="arrived", period={"start": f"2026-01-1{n}T01:00:00+00:00"}))
    await world.settle(0, 1, 5)
    tried = world.far.requests["daftar.add"] + world.far.requests["ask"]
    assert tried < 12
    world.far.down = False
    await world.settle(900, 900)
    assert {held for held, _ in (v for k, v in world.states().items() if k.startswith("daftar"))} == {"present"}


async def test_one_refused_log_in_closes_the_credential(world: Any) -> None:
    world.far.faults["daftar.add"] = deque(["credential"])
    world.publish(patient(), encounter(status="arrived"))
    await world.settle(0, 10)
    world.publish(encounter("enc-2", status="arrived", period={"start": "2026-01-06T01:00:00+00:00"}))
    await world.settle(0, 1000)
    assert world.far.requests["daftar.add"] == 1


async def test_an_adapter_that_raises_parks_that_journey_and_touches_no_other(world: Any) -> None:
    world.publish(patient(), encounter("enc-9", status="arrived", period="not a period", location=3))
    world.publish(encounter(status="arrived"))
    await world.settle(0)
    assert world.states()["daftar enc-1"] == ("present", "none")
