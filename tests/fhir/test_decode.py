"""Bare resources, CloudEvents and tombstones: what each becomes."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest

from jknbridge.fhir.content import DELETED_HASH, content_hash, input_hash
from jknbridge.fhir.records import Ignored, Limits, SourceRules, decode
from jknbridge.fhir.references import Edge

ENCOUNTER = {
    "resourceType": "Encounter",
    "id": "enc-1",
    "meta": {"versionId": "3", "lastUpdated": "2026-01-05T08:00:00.123+07:00"},
    "identifier": [{"system": "http://klinik.example/visit", "value": "V-1"}],
    "status": "finished",
    "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
    "subject": {"reference": "Patient/p1"},
    "location": [{"location": {"reference": "https://emr.example/fhir/Location/poli-umum/_history/4"}}],
    "unheardOf": {"kept": True},
}


def test_a_bare_resource_becomes_one_entry(record, source):
    decoded = decode(record(ENCOUNTER), source)
    assert (decoded.ignored, decoded.dead_entries, decoded.dead_record) == ((), (), None)
    (entry,) = decoded.entries
    assert (entry.type, entry.id, entry.deleted) == ("Encounter", "enc-1", False)
    assert (entry.version_id, entry.last_updated) == ("3", "2026-01-05T08:00:00.123+07:00")
    assert entry.content == ENCOUNTER
    assert entry.references == (Edge("subject", "Patient/p1"), Edge("location.location", "Location/poli-umum"))
    assert entry.identifiers == ("http://klinik.example/visit|V-1",)


def test_a_type_that_nobody_reads_is_counted_and_dropped(record, source):
    assert decode(
        record({"resourceType": "Practitioner", "id": "1"}), replace(source, wanted_types=frozenset())
    ).ignored == (Ignored("type"),)


@pytest.mark.parametrize(
    "shape",
    [
        {"class": "outpatient", "status": "finished"},  # DSTU2
        {  # R5
            "status": "completed",
            "class": [{"coding": [{"code": "AMB"}]}],
            "actualPeriod": {"start": "2026-01-05"},
            "diagnosis": [
                {"condition": [{"reference": {"reference": "Condition/c1"}}, {"concept": {"text": "batuk"}}]}
            ],
        },
    ],
)
def test_other_releases_of_fhir_are_kept_as_they_came(record, source, shape):
    body = {"resourceType": "Encounter", "id": "e", **shape}
    (entry,) = decode(record(body), source).entries
    assert entry.content == body
    assert entry.references == ((Edge("diagnosis.condition", "Condition/c1"),) if "diagnosis" in shape else ())


def test_the_hash_leaves_meta_out_and_the_input_hash_also_what_we_wrote_back(record, source):
    issued = "https://pcare.example/noKunjungan"
    touched = {**ENCOUNTER, "meta": {"versionId": "4"}}
    written_back = {
        **touched,
        "text": {"status": "generated", "div": "<div>…</div>"},
        "identifier": [*ENCOUNTER["identifier"], {"system": issued, "value": "0114U1630916Y000011"}],
    }
    assert content_hash(ENCOUNTER) == content_hash(touched) != content_hash(written_back)
    assert input_hash(ENCOUNTER, {issued}) == input_hash(written_back, {issued}) != input_hash(written_back)
    only_ours = {"resourceType": "Encounter", "identifier": [{"system": issued, "value": "1"}]}
    assert input_hash(only_ours, {issued}) == input_hash({"resourceType": "Encounter"}, {issued})


# -- CloudEvents ---------------------------------------------------------------------------------------------------

CE = {"specversion": "1.0", "id": "1", "source": "/emr", "type": "org.emr.encounter.updated"}


@pytest.mark.parametrize(
    "value",
    [
        {**CE, "data": ENCOUNTER},
        {**CE, "data": json.dumps(ENCOUNTER)},
        {**CE, "data_base64": base64.b64encode(json.dumps(ENCOUNTER).encode()).decode()},
    ],
    ids=["object", "text", "base64"],
)
def test_a_structured_cloudevent_is_its_data(record, source, value):
    assert decode(record(value), source) == decode(record(ENCOUNTER), source)
    header = {"content-type": "application/cloudevents+json; charset=utf-8"}
    assert decode(record(value, headers=header), source) == decode(record(ENCOUNTER), source)


def test_a_binary_cloudevent_is_its_value(record, source):
    headers = {"ce_specversion": "1.0", "ce_type": "encounter.updated", "content-type": "application/fhir+json"}
    assert decode(record(ENCOUNTER, headers=headers), source) == decode(record(ENCOUNTER), source)


DELETED = {"ce_specversion": "1.0", "ce_type": "org.emr.Encounter.deleted", "ce_time": "2026-01-06T00:00:00Z"}


@pytest.mark.parametrize(
    ("value", "headers", "topic", "key"),
    [
        (None, {**DELETED, "ce_subject": "Encounter/enc-1"}, "t", None),
        (b"", {**DELETED, "ce_subject": "https://emr.example/fhir/Encounter/enc-1"}, "t", None),
        (ENCOUNTER, DELETED, "t", None),
        (None, DELETED, "fhir.keyed", b"enc-1"),
        ({**CE, "type": "deleted", "time": "2026-01-06T00:00:00Z", "subject": "Encounter/enc-1"}, {}, "t", None),
    ],
)
def test_a_cloudevent_of_a_delete(record, source, value, headers, topic, key):
    (entry,) = decode(record(value, headers=headers, topic=topic, key=key), source).entries
    assert (entry.type, entry.id, entry.deleted, entry.content) == ("Encounter", "enc-1", True, None)
    assert entry.last_updated == "2026-01-06T00:00:00Z", "the event's time, not the last version's"
    assert entry.content_hash == DELETED_HASH


def test_undeleted_is_no_delete_and_the_words_can_be_chosen(record, source):
    undeleted = {**CE, "type": "encounter.undeleted", "data": ENCOUNTER}
    assert not decode(record(undeleted), source).entries[0].deleted
    german = replace(source, delete_event_types=("geloescht",))
    assert decode(record({**CE, "type": "x.geloescht", "data": ENCOUNTER}), german).entries[0].deleted


@pytest.mark.parametrize(
    ("value", "headers", "code"),
    [
        (CE, {}, "cloudevent.no_data"),
        (None, {"ce_specversion": "1.0", "ce_type": "x.updated"}, "cloudevent.no_data"),
        ({**CE, "data_base64": "%%%"}, {}, "cloudevent.bad_base64"),
        ({**CE, "data_base64": 7}, {}, "cloudevent.bad_base64"),
        ({**CE, "data": "\ud800"}, {}, "record.unstorable"),
        ({**CE, "data": "no json"}, {}, "record.not_json"),
        ({**CE, "data": [1]}, {}, "record.not_object"),
        (None, DELETED, "cloudevent.delete_without_id"),
        (b"{}", {**DELETED, "ce_subject": "Encounter?status=planned"}, "cloudevent.delete_without_id"),
        ({"resourceType": "Bundle"}, DELETED, "cloudevent.deleted_bundle"),
    ],
)
def test_cloudevents_that_cannot_be_read(record, source, value, headers, code):
    assert decode(record(value, headers=headers), source).dead_record.code == code


# -- tombstones ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [b"Encounter/enc-1", b"enc-1"])
def test_a_tombstone_deletes_where_the_key_is_the_resource(record, source, key):
    (entry,) = decode(record(None, topic="fhir.keyed", key=key), source).entries
    assert (entry.type, entry.id, entry.deleted) == ("Encounter", "enc-1", True)
    assert entry.last_updated == "2026-01-05T01:00:00.000Z", "when it was written is the only time it has"


def test_a_tombstone_elsewhere_is_counted(record, source):
    assert decode(record(None, key=b"Encounter/enc-1"), source).ignored == (Ignored("tombstone"),)
    assert decode(
        record(None, topic="fhir.keyed", key=b"Practitioner/1"), replace(source, wanted_types=frozenset())
    ).ignored == (Ignored("type"),)


@pytest.mark.parametrize("key", [None, b"", b"a b", b"\xff", b"Encounter/"])
def test_a_tombstone_with_an_unreadable_key(record, source, key):
    assert decode(record(None, topic="fhir.keyed", key=key), source).dead_record.code == "tombstone.bad_key"


def test_a_tombstone_without_any_time_has_no_time(record, source):
    for timestamp in (-1, 10**18):
        bare = replace(record(None, topic="fhir.keyed", key=b"enc-1"), timestamp_ms=timestamp)
        assert decode(bare, source).entries[0].last_updated is None


# -- limits --------------------------------------------------------------------------------------------------------


def test_a_large_record_is_taken_in_and_a_larger_one_is_refused(record, source):
    large = {**ENCOUNTER, "text": {"div": "x" * 5_000_000}}
    assert decode(record(large), source).entries
    refused = decode(record(large), source, Limits(max_bytes=4_000_000)).dead_record
    assert refused.code == "record.too_large"
    assert refused.who == "IT"


def test_depth_is_limited_exactly(record, source):
    def nested(levels: int) -> dict:
        body: dict = {}
        for _ in range(levels - 2):
            body = {"e": body}
        return {"resourceType": "Encounter", "id": "e", "extension": body}

    assert decode(record(nested(10)), source, Limits(max_depth=10)).entries
    assert decode(record(nested(11)), source, Limits(max_depth=10)).dead_record.code == "record.too_deep"


def test_what_is_shown_of_a_record_holds_no_patient_data(record, source):
    canary = "9999000011112222"
    patient = {"resourceType": "Patient", "id": "p1", "identifier": [{"system": "nik", "value": canary}]}
    taken = record(patient)
    assert canary not in repr(taken)
    assert canary not in repr(decode(taken, source))
    broken = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": {**patient, "id": canary * 10}}]}
    assert canary not in repr(decode(record(broken), source))


def test_source_rules_have_the_defaults_of_the_design():
    rules = SourceRules("emr", frozenset())
    assert (rules.order, rules.epoch) == ("lastUpdated", 0)
