"""Whatever the bytes: decode answers, in the table's words, and the entries add up."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jknbridge.fhir.records import decode

GOOD = {"resourceType": "Encounter", "id": "e1", "status": "planned", "subject": {"reference": "Patient/p1"}}

DEAD = {
    "empty": (b"", "record.not_json"),
    "text": (b"hello", "record.not_json"),
    "cut short": (b'{"resourceType":"Enc', "record.not_json"),
    "trailing": (b'{"resourceType":"Encounter","id":"1"} {}', "record.not_json"),
    "NaN": (b'{"resourceType":"Encounter","id":"1","x":NaN}', "record.not_json"),
    "long integer": (b'{"resourceType":"Encounter","id":"1","x":' + b"9" * 5000 + b"}", "record.not_json"),
    "infinite": (b'{"resourceType":"Encounter","id":"1","x":1e999}', "record.unstorable"),
    "half a surrogate pair": (b'{"resourceType":"Encounter","id":"1","x":"\\ud800"}', "record.unstorable"),
    "latin-1": ('{"resourceType":"Encounter","id":"1","x":"é"}'.encode("latin-1"), "record.not_utf8"),
    "utf-16": (json.dumps(GOOD).encode("utf-16"), "record.not_utf8"),
    "array": (b"[]", "record.not_object"),
    "array of resources": (json.dumps([GOOD]).encode(), "record.not_object"),
    "null": (b"null", "record.not_object"),
    "number": (b"7", "record.not_object"),
    "text in JSON": (json.dumps(json.dumps(GOOD)).encode(), "record.not_object"),
    "brackets": (b"[" * 100_000, "record.too_deep"),
    "objects": (b'{"a":' * 100_000, "record.too_deep"),
    "deep but closed": (b'{"resourceType":"Encounter","id":"1","x":' + b"[" * 90 + b"]" * 90 + b"}", "record.too_deep"),
    "no FHIR": (b'{"hello":"world"}', "resource.not_fhir"),
    "type null": (b'{"resourceType":null,"id":"1"}', "resource.not_fhir"),
    "type a number": (b'{"resourceType":7,"id":"1"}', "resource.bad_type"),
    "type a list": (b'{"resourceType":["Encounter"],"id":"1"}', "resource.bad_type"),
    "type a sentence": (b'{"resourceType":"Siti Aminah","id":"1"}', "resource.bad_type"),
    "no id": (b'{"resourceType":"Encounter"}', "resource.no_id"),
    "id a number": (b'{"resourceType":"Encounter","id":1}', "resource.bad_id"),
    "id with a slash": (b'{"resourceType":"Encounter","id":"a/b"}', "resource.bad_id"),
    "id with a line end": (b'{"resourceType":"Encounter","id":"a\\n"}', "resource.bad_id"),
    "id empty": (b'{"resourceType":"Encounter","id":""}', "resource.bad_id"),
    "id endless": (json.dumps({**GOOD, "id": "x" * 129}).encode(), "resource.bad_id"),
    "status an object": (json.dumps({**GOOD, "status": {"code": "planned"}}).encode(), "resource.bad_shape"),
    "status a number": (json.dumps({**GOOD, "status": 1}).encode(), "resource.bad_shape"),
    "reference a text": (json.dumps({**GOOD, "subject": "Patient/p1"}).encode(), "resource.bad_shape"),
    "reference in reference a number": (
        json.dumps({**GOOD, "subject": {"reference": 1}}).encode(),
        "resource.bad_shape",
    ),
    "participant a text": (json.dumps({**GOOD, "participant": ["dr. X"]}).encode(), "resource.bad_shape"),
    "Bundle of nothing": (b'{"resourceType":"Bundle","entry":"x"}', "bundle.bad_entries"),
}


@pytest.mark.parametrize(("value", "code"), DEAD.values(), ids=DEAD.keys())
def test_each_ends_where_a_person_finds_it(record, source, value, code):
    decoded = decode(record(value), source)
    assert decoded.dead_record is not None
    assert decoded.dead_record.code == code
    assert (decoded.entries, decoded.ignored, decoded.dead_entries) == ((), (), ())


TAKEN = {
    "byte order mark": b"\xef\xbb\xbf" + json.dumps(GOOD).encode(),
    "white space": b" \r\n" + json.dumps(GOOD).encode() + b"\n",
    "repeated key": b'{"resourceType":"Patient","resourceType":"Encounter","id":"0","id":"e1"}',
    "meta a text": json.dumps({**GOOD, "meta": "x"}).encode(),
    "meta with odd types": json.dumps({**GOOD, "meta": {"versionId": 3, "lastUpdated": {}}}).encode(),
    "version with control characters": json.dumps({**GOOD, "meta": {"versionId": "\u0000"}}).encode(),
    "identifier a text": json.dumps({**GOOD, "identifier": "x"}).encode(),
    "identifiers of all sorts": json.dumps({**GOOD, "identifier": [1, None, {}, {"value": 1}, {"system": 1}]}).encode(),
    "everything null": json.dumps(
        {**GOOD, "status": None, "subject": None, "participant": None, "meta": None}
    ).encode(),
    "lists for single elements": json.dumps({**GOOD, "subject": [{"reference": "Patient/p1"}], "status": "x"}).encode(),
    "single elements for lists": json.dumps(
        {**GOOD, "participant": {"individual": {"reference": "Practitioner/1"}}}
    ).encode(),
    "ids with an underscore": json.dumps({**GOOD, "subject": {"reference": "Patient/a_b"}}).encode(),
}


@pytest.mark.parametrize("value", TAKEN.values(), ids=TAKEN.keys())
def test_odd_but_readable_is_taken(record, source, value):
    (entry,) = decode(record(value), source).entries
    assert (entry.type, entry.id, entry.version_id, entry.last_updated) == ("Encounter", "e1", None, None)


def test_a_defect_of_ours_stops_no_topic(record, source, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("jknbridge.fhir.records.edges", broken)
    refused = decode(record(GOOD), source).dead_record
    assert (refused.code, "ZeroDivisionError" in refused.en) == ("record.defect", True)


# -- generated -----------------------------------------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)

ENCOUNTER = {
    **GOOD,
    "meta": {"versionId": "1", "lastUpdated": "2026-01-05T01:00:00Z"},
    "identifier": [{"system": "s", "value": "v"}],
    "participant": [
        {"individual": {"reference": "Practitioner/1", "type": "Practitioner", "identifier": {"value": "x"}}}
    ],
    "diagnosis": [{"condition": {"reference": "#c1"}}],
}
TEMPLATES = [
    ENCOUNTER,
    {
        "resourceType": "Bundle",
        "type": "history",
        "timestamp": "2026-01-05T01:00:00Z",
        "entry": [
            {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Parameters", "parameter": [{"name": "type"}]}},
            {"fullUrl": "urn:uuid:2", "resource": ENCOUNTER, "request": {"method": "PUT", "url": "Encounter/e1"}},
            {"request": {"method": "DELETE", "url": "Patient/p1"}, "response": {"etag": 'W/"1"', "lastModified": "x"}},
        ],
    },
    {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"resource": ENCOUNTER, "request": {"method": "POST"}}],
    },
    {"specversion": "1.0", "type": "x.deleted", "subject": "Encounter/e1", "time": "x", "data": ENCOUNTER},
    {"specversion": "1.0", "type": "x.updated", "data": ENCOUNTER},
]


def places(node, path=()):
    """Every place in a JSON value, as the steps to it."""
    yield path
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for step, child in children:
        yield from places(child, (*path, step))


@st.composite
def mutilated(draw):
    """A good record in which one to three values became something else."""
    whole = [copy.deepcopy(draw(st.sampled_from(TEMPLATES)))]
    for _ in range(draw(st.integers(1, 3))):
        steps = draw(st.sampled_from([path for path in places(whole) if path]))
        parent = whole
        for step in steps[:-1]:
            parent = parent[step]
        parent[steps[-1]] = draw(json_values)
    return whole[0]


def check(decoded, value):
    assert decoded.dead_record is None or decoded.dead_record.code != "record.defect"
    counted = len(decoded.entries) + len(decoded.ignored) + len(decoded.dead_entries)
    if decoded.dead_record is not None:
        assert counted == 0
    elif isinstance(value, dict) and value.get("resourceType") == "Bundle" and "specversion" not in value:
        assert counted == len(value.get("entry") or [])
    else:
        assert counted == 1 or isinstance(value, dict)


@given(mutilated())
@settings(max_examples=400, deadline=None)
def test_a_mutilated_record_is_answered_and_its_entries_add_up(record, source, value):
    check(decode(record(value), source), value)


@given(json_values)
@settings(max_examples=150, deadline=None)
def test_any_json_is_answered(record, source, value):
    decoded = decode(record(json.dumps(value).encode()), source)
    assert decoded.dead_record is not None
    assert decoded.dead_record.code != "record.defect"


@given(
    st.binary(max_size=200),
    st.binary(max_size=20),
    st.dictionaries(st.sampled_from(["ce_type", "ce_subject"]), st.text()),
)
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_answered(record, source, value, key, headers):
    for topic in ("t", "fhir.keyed"):
        decoded = decode(
            record(value, key=key, headers={k: v for k, v in headers.items() if v.isascii()}, topic=topic), source
        )
        assert decoded.dead_record is None or decoded.dead_record.code != "record.defect"
