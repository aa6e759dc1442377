"""Records that cannot be taken, or look so (issue: "Bad input"): each ends where a person finds it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select

from jknbridge.fhir.records import Record
from jknbridge.ledger import schema as s
from jknbridge.testing.rig import Rig
from jknbridge.testing.visits import visit
from jknbridge_consumers.dead_letters import dead_letter_headers

FIVE_MB = 5 * 1024 * 1024


def take_in(rig: Rig, *values: bytes | None, topic: str = "fhir.encounter", key: bytes | None = None) -> None:
    """As the Kafka edge hands records in, with its dead-letter headers."""
    numbers = rig.bench._offsets
    records = [Record(topic, 0, next(numbers), key, value, (), 1_767_578_400_000) for value in values]
    rig.bench.host.take_in(records, lambda record, reason: dead_letter_headers(record, reason, group="jknbridge"))


def dead(rig: Rig) -> list[tuple[str, int | None]]:
    """(reason's code, entry) of what was dead-lettered, each found by a person in both languages."""
    rows = rig.read(lambda c: c.execute(select(s.dead_letter).order_by(s.dead_letter.c.id)).all())
    reasons = [json.loads(row.reason) for row in rows]
    assert all(both_languages(reason) for reason in reasons)
    return [(reason["code"], row.entry) for reason, row in zip(reasons, rows, strict=True)]


def both_languages(reason: dict[str, str]) -> bool:
    return bool(reason["id"] and reason["en"] and reason["id"] != reason["en"] and reason["who"])


def letters(rig: Rig) -> list[bytes | None]:
    """The original bytes on their way to the dead-letter topic, with the reason in their headers."""
    rows = [row for row in rig.out() if row.topic.endswith("-dlt")]
    for row in rows:
        headers = dict(row.headers)
        assert headers["x-jkn-reason-id"]
        assert headers["x-jkn-reason-en"]
    return [row.value for row in rows]


def bundle(*resources: Any, type_: str = "collection", **more: Any) -> bytes:
    return json.dumps(
        {"resourceType": "Bundle", "type": type_, "entry": [{"resource": r} for r in resources], **more}
    ).encode()


STATUS = {"resourceType": "SubscriptionStatus", "type": "event-notification"}
ID_ONLY = {
    "resourceType": "Bundle", "type": "subscription-notification",
    "entry": [{"resource": STATUS}, {"fullUrl": "https://emr/Encounter/1"}],
}  # fmt: skip
ENCOUNTER = {"resourceType": "Encounter", "id": "e1", "status": "arrived"}

WHOLE = {
    "not JSON": (b'{"resourceType": "Encounter", ', "record.not_json"),
    "not UTF-8": (b'{"resourceType": "Enc\xff"}', "record.not_utf8"),
    "JSON, no object": (b'["Encounter"]', "record.not_object"),
    "not FHIR": (b'{"event": "visit", "id": 7}', "resource.not_fhir"),
    "no id": (b'{"resourceType": "Encounter", "status": "arrived"}', "resource.no_id"),
    "id-only notification": (json.dumps(ID_ONLY).encode(), "notification.id_only"),
    "wrong type: status": (json.dumps({**ENCOUNTER, "status": 5}).encode(), "resource.bad_shape"),
    "wrong type: subject": (json.dumps({**ENCOUNTER, "subject": "Patient/p1"}).encode(), "resource.bad_shape"),
    "wrong type: id": (json.dumps({**ENCOUNTER, "id": 17}).encode(), "resource.bad_id"),
    "5 MB, not valid": (b'{"resourceType": "Encounter", "text": "' + b"x" * FIVE_MB, "record.not_json"),
}


@pytest.mark.parametrize("name", WHOLE)
async def test_a_record_that_cannot_be_taken_is_dead_lettered_whole(rig: Rig, name: str) -> None:
    raw, code = WHOLE[name]
    take_in(rig, raw)
    assert dead(rig) == [(code, None)]
    assert letters(rig) == [raw]
    report = rig.report()
    assert report.records == {"in": 1, "decoded": 0, "dead_lettered": 1}
    assert report.dead_letters == {code: 1}
    assert report.ok


async def test_one_bad_record_among_good_ones_goes_alone(rig: Rig) -> None:
    good = [json.dumps(resource).encode() for resource in visit("e1")]
    take_in(rig, good[0], b"\x00\x01", *good[1:])
    await rig.work()
    assert rig.bench.states() == dict.fromkeys(("pendaftaran e1", "kunjungan e1", "obat e1-m1"), ("present", "none"))
    assert rig.report().records == {"in": len(good) + 1, "decoded": len(good), "dead_lettered": 1}
    assert rig.report().ok


async def test_one_bad_entry_in_a_good_bundle_goes_alone(rig: Rig) -> None:
    bad = {"resourceType": "Observation", "id": "v 9", "status": "final"}
    good = visit("e1")
    take_in(rig, bundle(*good[:3], bad, *good[3:]))
    await rig.work()
    assert dead(rig) == [("resource.bad_id", 0)]
    assert [json.loads(raw or b"") for raw in letters(rig)] == [{"resource": bad}]
    assert rig.bench.states()["kunjungan e1"] == ("present", "none")
    report = rig.report()
    assert report.records == {"in": 1, "decoded": 1, "dead_lettered": 0}
    assert report.entries == {
        "newest": len(good), "superseded": 0, "duplicate": 0, "ignored": 0, "dead_lettered": 1,
    }  # fmt: skip
    assert report.ok


async def test_a_tombstone_on_a_topic_whose_key_is_no_resource_is_counted(rig: Rig) -> None:
    take_in(rig, None, key=b"17")
    report = rig.report()
    assert report.entries["ignored"] == 1
    assert report.days[0]["ignored_by"] == {"tombstone": 1}
    assert report.ok


async def test_a_tombstone_where_the_key_is_the_resource_is_a_delete_and_a_bad_key_a_dead_letter(rig: Rig) -> None:
    keyed = {"topics": ["fhir.encounter"], "mulai_dari": "awal", "key_resource": ["fhir.encounter"]}
    rig.reopen(sumber={"emr": keyed})
    rig.bench.publish(*visit("e1"))
    await rig.work()
    take_in(rig, None, key=b"Encounter/e1")
    take_in(rig, None, key=b"no resource")
    await rig.work()
    assert dead(rig) == [("tombstone.bad_key", None)]
    assert set(rig.bench.states().values()) == {("absent", "withdrawn")}
    assert {row["evidence"] for row in rig.bench.rows()} == {"deleted"}
    assert rig.report().ok


async def test_an_unknown_type_is_counted_by_its_reason(rig: Rig) -> None:
    take_in(rig, b'{"resourceType": "Basic", "id": "b1"}', b'{"resourceType": "Encunter", "id": "e1"}')
    report = rig.report()
    assert report.records == {"in": 2, "decoded": 2, "dead_lettered": 0}
    assert report.days[0]["ignored_by"] == {"type": 2}
    assert report.ok


async def test_a_valid_record_of_5_mb_is_taken_in(rig: Rig) -> None:
    good = visit("e1")
    good[1]["text"] = {"status": "generated", "div": "<div>" + "x" * FIVE_MB + "</div>"}
    raw = bundle(*good)
    assert len(raw) > FIVE_MB
    take_in(rig, raw)
    await rig.work()
    assert rig.bench.states()["kunjungan e1"] == ("present", "none")
    assert rig.report().records == {"in": 1, "decoded": 1, "dead_lettered": 0}


async def test_a_limit_that_is_set_dead_letters_what_is_larger_and_nothing_else(rig: Rig) -> None:
    rig.reopen(sumber={"emr": {"topics": ["fhir.encounter"], "mulai_dari": "awal", "max_bytes": 1024 * 1024}})
    good = visit("e1")
    good[1]["text"] = {"status": "generated", "div": "x" * FIVE_MB}
    take_in(rig, bundle(*good), bundle(*visit("e2")))
    await rig.work()
    assert dead(rig) == [("record.too_large", None)]
    assert rig.bench.states()["kunjungan e2"] == ("present", "none")
    assert rig.report().ok


async def test_versions_that_run_backwards_are_superseded(rig: Rig) -> None:
    newer, older = (visit("e1", version=v, status=status) for v, status in ((5, "finished"), (4, "cancelled")))
    rig.bench.publish(*newer)
    rig.bench.publish(*older, *newer)
    await rig.work()
    assert rig.bench.states()["kunjungan e1"] == ("present", "none")
    assert rig.effects() == ["pendaftaran.add", "kunjungan.add", "obat.add"]
    n = len(newer)
    assert rig.report().entries == {
        "newest": n, "superseded": n, "duplicate": n, "ignored": 0, "dead_lettered": 0,
    }  # fmt: skip
    assert rig.report().ok


async def test_the_same_id_from_two_sources_is_two_journeys(rig: Rig) -> None:
    sources = {
        name: {"topics": [topic], "mulai_dari": "awal"} for name, topic in (("emr", "a.fhir"), ("lain", "b.fhir"))
    }
    rig.reopen(sumber=sources)
    for topic, card in (("a.fhir", "0009999000001"), ("b.fhir", "0009999000002")):
        take_in(rig, *(json.dumps(r).encode() for r in visit("e1", card=card)), topic=topic)
    await rig.work()
    keys = sorted(r["key"] for r in rig.bench.rows() if r["kind"] == "kunjungan")
    assert keys == ["emr/Encounter/e1", "lain/Encounter/e1"]
    assert {(r["held"], r["work"]) for r in rig.bench.rows()} == {("present", "none")}
    cards = {row["noKartu"] for row in rig.admin("state")["pcare"]["kunjungan"]}
    assert cards == {"0009999000001", "0009999000002"}
    assert rig.report().ok


async def test_a_topic_nobody_declared_is_not_read(rig: Rig) -> None:
    assert set(rig.bench.host.topics()) == {"fhir.encounter"}
