"""The sums of DESIGN §2.7: they agree over a whole odd day, and a ledger that lies is found out."""

from __future__ import annotations

import json
from collections import deque
from typing import Any

import pytest
from sqlalchemy import text

from jknbridge.fhir.records import Record


def _publish_raw(place: Any, *values: bytes) -> None:
    records = [Record("fhir.encounter", 0, next(place.offsets), None, value, (), 0) for value in values]
    place.host.take_in(records, lambda record, reason: [])


async def _odd_day(place: Any) -> None:
    place.publish(place.patient(), place.encounter(), place.observation("o1"), place.observation("o2", "B"))
    await place.settle(0, 61)
    place.publish(place.encounter(), place.encounter(version=0, hasil="lama"))  # a duplicate and an older one
    place.publish(place.observation("o9", enc="enc-99"))  # its Encounter never comes
    place.publish(place.encounter("enc-0", status="cancelled"))  # cancelled before anything was asked for
    place.publish(place.encounter("enc-7", serviceProvider={"reference": "Organization/lain"}))
    place.publish({"resourceType": "Appointment", "id": "a1"})  # a type nobody reads
    _publish_raw(place, b"bukan json", b'{"resourceType": 5}')
    bad = {"resource": {"resourceType": "Encounter"}}
    good = {"resource": place.encounter("enc-3", status="arrived", period={"start": "2026-01-07T01:00:00+00:00"})}
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [bad, good]}
    _publish_raw(place, json.dumps(bundle).encode())
    place.far.unreadable = True
    place.far.faults["daftar.add"] = deque(["lost"])
    await place.settle(0, 5)
    place.publish(place.encounter(status="cancelled", version=5))
    await place.settle(0, 1)


async def test_the_sums_agree_over_an_odd_day(place: Any) -> None:
    await _odd_day(place)
    ended = place.run("report", "--json")
    found = ended.data
    assert [check for check in found["checks"] if not check["ok"]] == []
    assert (ended.code, found["ok"]) == (0, True)
    assert found["records"]["in"] == found["records"]["decoded"] + found["records"]["dead_lettered"]
    assert found["records"]["dead_lettered"] == 2
    assert found["entries"]["dead_lettered"] == 1
    assert (found["entries"]["duplicate"], found["entries"]["superseded"]) == (1, 1)
    assert sum(found["dead_letters"].values()) == 3
    resources = found["resources"]
    assert resources["orphans_by_type"] == {"Observation": 1}
    assert resources["in_journey"] + resources["orphan"] + resources["deleted"] == resources["total"]
    states = found["journeys"]["targets"]["memori"]
    assert sum(states.values()) == found["journeys"]["total"] == 4
    assert (states["nothing_wanted"], states["not_applicable"]) == (1, 1)
    assert found["contacts"] == {
        "by_kind": {"SAKIT_RAJAL": {"recorded": 0, "retracted": 1}},
        "recorded": 0,
        "retracted": 1,
    }
    (doubt,) = found["doubts"]
    assert (doubt["kind"], doubt["with_a_person"], doubt["age_seconds"] >= 5) == ("daftar", False, True)
    topics = {row["topic"]: row["new"] for row in found["outbox"]}
    assert topics["jkn.kbk.kontak.v1"] == 2
    assert topics["fhir.encounter-dlt"] == 3
    by_place = {(row["facility"], row["day"]) for row in found["facilities"]}
    assert {("99990001", "2026-01-05"), ("99990001", "2026-01-07")} <= by_place
    total = sum(line["count"] for row in found["facilities"] for line in row["submissions"])
    assert total == sum(line["count"] for line in found["submissions"])


async def test_people_read_it_too_and_narrowing_keeps_the_totals(place: Any) -> None:
    await _odd_day(place)
    shown = place.run("report", "--faskes", "99990001")
    assert shown.code == 0
    for word in ("Masuk", "Diragukan", "Surat mati", "cocok semua"):
        assert word in shown.out
    assert "0009999000011" not in shown.out
    narrowed = place.run("report", "--faskes", "88880000", "--json").data
    assert narrowed["facilities"] == []
    assert narrowed["submissions"]


@pytest.mark.parametrize(
    ("lie", "name"),
    [
        ("UPDATE tally SET n = n + 1 WHERE name = 'records.in'", "records = decoded"),
        ("DELETE FROM dead_letter WHERE id = (SELECT min(id) FROM dead_letter)", "dead letters kept"),
        ("DELETE FROM receipt", "present without a receipt"),
        ("UPDATE request SET state = 'closed' WHERE state = 'in_doubt'", "in_doubt = open requests"),
        ("UPDATE contact SET state = 'recorded'", "contacts recorded of what is absent"),
        ("UPDATE tally SET n = 0 WHERE name = 'entries.newest'", "resources that no entry brought"),
    ],
)
async def test_a_sum_that_does_not_add_up_ends_with_one(place: Any, lie: str, name: str) -> None:
    await _odd_day(place)
    place.publish(place.encounter("enc-5", status="arrived", period={"start": "2026-01-08T01:00:00+00:00"}))
    await place.settle(0)
    place.host.ledger.write_now(lambda c: c.execute(text(lie)))
    ended = place.run("report", "--json")
    assert ended.code == 1
    assert ended.data["ok"] is False
    assert [check["name"] for check in ended.data["checks"] if not check["ok"] and name in check["name"]]
    assert "TIDAK COCOK" in place.run("report").out


async def test_an_orphan_ages_until_its_encounter_comes(place: Any) -> None:
    place.publish(place.observation("o1", enc="enc-1"))
    place.clock.advance(7200)
    resources = place.run("report", "--json").data["resources"]
    assert (resources["orphan"], resources["oldest_orphan_seconds"]) == (1, 7200)
    place.publish(place.patient(), place.encounter())
    resources = place.run("report", "--json").data["resources"]
    assert (resources["orphan"], resources["in_journey"]) == (0, 3)
