"""Bundles of each kind; one bad entry goes alone, and every entry is accounted for."""

from __future__ import annotations

import json

import pytest

from jknbridge.fhir.records import Ignored, Limits, decode
from jknbridge.fhir.references import Edge

PATIENT = {"resourceType": "Patient", "id": "p1"}
ENCOUNTER = {"resourceType": "Encounter", "id": "e1", "status": "finished", "subject": {"reference": "Patient/p1"}}


def bundle(kind, *entries, **more):
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries), **more}


def resource(content, **more):
    return {"resource": content, **more}


@pytest.mark.parametrize(
    "kind", ["collection", "message", "searchset", "document", "batch", "transaction", "history", None, 7]
)
def test_every_kind_gives_its_resources(record, source, kind):
    decoded = decode(record(bundle(kind, resource(PATIENT), resource(ENCOUNTER))), source)
    assert [(entry.type, entry.id) for entry in decoded.entries] == [("Patient", "p1"), ("Encounter", "e1")]


def test_a_message_header_is_a_type_that_nobody_reads(record, source):
    decoded = decode(
        record(bundle("message", resource({"resourceType": "MessageHeader", "id": "m"}), resource(PATIENT))), source
    )
    assert (len(decoded.entries), decoded.ignored) == (1, (Ignored("type"),))


def test_one_bad_entry_goes_alone_with_its_own_bytes(record, source):
    bad = resource({"resourceType": "Encounter", "id": 7})
    decoded = decode(record(bundle("collection", resource(PATIENT), bad, "text", resource(ENCOUNTER))), source)
    assert [entry.id for entry in decoded.entries] == ["p1", "e1"]
    assert [dead.reason.code for dead in decoded.dead_entries] == ["resource.bad_id", "bundle.bad_entry"]
    assert json.loads(decoded.dead_entries[0].raw) == bad
    assert decoded.dead_record is None


def test_a_history_with_deletes_and_versions_in_the_response_only(record, source):
    deleted = {
        "fullUrl": "https://emr.example/fhir/Encounter/e1",
        "request": {"method": "DELETE", "url": "Encounter/e1/_history/4"},
        "response": {"status": "204", "etag": 'W/"4"', "lastModified": "2026-01-05T03:00:00Z"},
    }
    updated = {
        **resource(ENCOUNTER),
        "request": {"method": "PUT", "url": "Encounter/e1"},
        "response": {"etag": 'W/"3"'},
    }
    gone, kept = decode(record(bundle("history", deleted, updated)), source).entries
    assert (gone.deleted, gone.id, gone.version_id, gone.last_updated) == (True, "e1", "4", "2026-01-05T03:00:00Z")
    assert (kept.deleted, kept.version_id, kept.last_updated) == (False, "3", None)


def test_a_delete_takes_the_bundles_time_or_the_records(record, source):
    delete = {"request": {"method": "DELETE", "url": "Encounter/e1"}}
    dated = decode(record(bundle("transaction", delete, timestamp="2026-01-05T02:00:00Z")), source).entries[0]
    assert dated.last_updated == "2026-01-05T02:00:00Z"
    assert decode(record(bundle("transaction", delete)), source).entries[0].last_updated == "2026-01-05T01:00:00.000Z"


def test_urn_uuids_are_resolved_to_the_entries_they_name(record, source):
    patient_urn = "urn:uuid:8E1C11F0-0000-4000-8000-000000000001"
    encounter = {
        **ENCOUNTER,
        "subject": {"reference": patient_urn.lower()},
        "partOf": {"reference": "urn:uuid:unknown"},
    }
    decoded = decode(record(bundle("collection", resource(PATIENT, fullUrl=patient_urn), resource(encounter))), source)
    assert decoded.entries[1].references == (Edge("subject", "Patient/p1"), Edge("partOf", "urn:uuid:unknown"))


def test_a_transaction_without_lasting_identity_is_refused_whole(record, source):
    nameless = {"resourceType": "Encounter", "status": "finished"}
    entry = resource(nameless, fullUrl="urn:uuid:1", request={"method": "POST", "url": "Encounter"})
    refused = decode(record(bundle("transaction", resource(PATIENT), entry)), source)
    assert refused.dead_record.code == "bundle.no_identity"
    assert refused.entries == ()
    alone = decode(record(bundle("collection", resource(PATIENT), entry)), source)
    assert [dead.reason.code for dead in alone.dead_entries] == ["resource.no_id"]
    unread = resource({"resourceType": "Binary"}, request={"method": "POST", "url": "Binary"})
    assert decode(record(bundle("transaction", resource(PATIENT), unread)), source).entries


@pytest.mark.parametrize(
    "where",
    [{"request": {"method": "PUT", "url": "Encounter/e9"}}, {"fullUrl": "https://emr.example/fhir/Encounter/e9"}],
)
def test_identity_may_stand_beside_the_resource(record, source, where):
    nameless = {"resourceType": "Encounter", "status": "finished"}
    (entry,) = decode(record(bundle("transaction", resource(nameless, **where))), source).entries
    assert (entry.id, entry.content["id"]) == ("e9", "e9")


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (resource(None), "bundle.empty_entry"),
        (resource([]), "bundle.bad_entry"),
        (resource(bundle("collection")), "bundle.nested"),
        (
            {**resource({"resourceType": "Binary"}), "request": {"method": "PATCH", "url": "Encounter/e1"}},
            "bundle.patch",
        ),
        ({"request": {"method": "DELETE", "url": "Patient?identifier=nik|1"}}, "bundle.delete_without_id"),
        (resource({"id": "x"}), "resource.not_fhir"),
        (resource({**ENCOUNTER, "subject": "Patient/p1"}), "resource.bad_shape"),
    ],
)
def test_entries_that_cannot_be_read(record, source, entry, code):
    decoded = decode(record(bundle("batch", entry)), source)
    assert [dead.reason.code for dead in decoded.dead_entries] == [code]


def test_entries_that_say_nothing_are_counted(record, source):
    get = {"request": {"method": "GET", "url": "Patient?name=x"}}
    assert decode(record(bundle("batch", get)), source).ignored == (Ignored("request"),)
    assert decode(record(bundle("batch-response", {"response": {"status": "201"}})), source).ignored == (
        Ignored("response"),
    )
    assert decode(record(bundle("transaction-response", resource(PATIENT))), source).entries[0].id == "p1"
    assert decode(record({"resourceType": "Bundle", "type": "searchset"}), source).entries == ()


def test_a_bundle_that_is_none(record, source):
    assert decode(record({"resourceType": "Bundle", "entry": {}}), source).dead_record.code == "bundle.bad_entries"
    many = bundle("collection", *[resource(PATIENT)] * 3)
    assert decode(record(many), source, Limits(max_entries=2)).dead_record.code == "bundle.too_many_entries"


def test_a_deep_entry_goes_alone(record, source):
    deep: object = 1
    for _ in range(100):
        deep = [deep]
    decoded = decode(record(bundle("collection", resource(PATIENT), resource({**ENCOUNTER, "x": deep}))), source)
    assert [entry.id for entry in decoded.entries] == ["p1"]
    assert [dead.reason.code for dead in decoded.dead_entries] == ["record.too_deep"]


# -- Subscription notifications ------------------------------------------------------------------------------------

R5_STATUS = {"resourceType": "SubscriptionStatus", "type": "event-notification"}
R4_STATUS = {"resourceType": "Parameters", "parameter": [{"name": "type", "valueCode": "event-notification"}]}
FOCUS = {"fullUrl": "https://emr.example/fhir/Encounter/e1", "request": {"method": "PUT", "url": "Encounter/e1"}}

NOTIFICATIONS = pytest.mark.parametrize(
    ("kind", "status"), [("subscription-notification", R5_STATUS), ("history", R5_STATUS), ("history", R4_STATUS)]
)


@NOTIFICATIONS
def test_a_full_notification_is_its_resources(record, source, kind, status):
    decoded = decode(record(bundle(kind, resource(status), resource(ENCOUNTER))), source)
    assert ([entry.id for entry in decoded.entries], decoded.ignored) == (["e1"], (Ignored("notification"),))


@NOTIFICATIONS
def test_an_id_only_or_empty_notification_names_what_to_change(record, source, kind, status):
    for entries in ([FOCUS], []):
        refused = decode(record(bundle(kind, resource(status), *entries)), source).dead_record
        assert refused.code == "notification.id_only"
        assert "full-resource" in refused.id
        assert refused.who == "integrator"


@NOTIFICATIONS
def test_one_id_only_entry_among_others_goes_alone(record, source, kind, status):
    decoded = decode(record(bundle(kind, resource(status), resource(PATIENT), FOCUS)), source)
    assert [entry.id for entry in decoded.entries] == ["p1"]
    assert [dead.reason.code for dead in decoded.dead_entries] == ["notification.id_only"]


@pytest.mark.parametrize(
    "status",
    [
        {"resourceType": "SubscriptionStatus", "type": "heartbeat"},
        {"resourceType": "Parameters", "parameter": [{"name": "type", "valueCode": "handshake"}]},
    ],
)
def test_a_handshake_or_heartbeat_carries_nothing_by_design(record, source, status):
    assert decode(record(bundle("history", resource(status))), source).ignored == (Ignored("notification"),)


def test_a_notified_delete_is_a_delete(record, source):
    gone = {"request": {"method": "DELETE", "url": "Encounter/e1"}}
    assert decode(record(bundle("history", resource(R4_STATUS), gone)), source).entries[0].deleted
