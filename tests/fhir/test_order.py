"""One total order per source, as a text that sorts like it; whatever order versions come in, the same one is newest."""

# ruff: noqa: DTZ001 - strategies want naive bounds

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jknbridge.fhir.content import DELETED_HASH
from jknbridge.fhir.order import Place, conflicting, has_key, order_key, place, sortable_instant
from jknbridge.fhir.records import Entry, SourceRules

BY_TIME = SourceRules("emr", frozenset())
BY_VERSION = replace(BY_TIME, order="versionId")
BY_ARRIVAL = replace(BY_TIME, order="arrival")


def version(last_updated=None, version_id=None, content="a", deleted=False):
    digest = DELETED_HASH if deleted else content.encode().hex().rjust(64, "0")
    return Entry("Encounter", "e1", deleted, version_id, last_updated, None, digest, (), ())


def key(entry, rules=BY_TIME, seq=0):
    return order_key(entry, rules, seq)


ASCENDING = [
    [
        "0001-01-01T00:00:00+14:00",
        "0001-01-01T00:00:00Z",
        "2026-01-05",
        "2026-01-05T08:00:00+07:00",
        "2026-01-05T01:00:00.0000000001Z",
        "2026-01-05T01:00:00.001Z",
        "2026-01-05T01:00:00.1Z",
        "2026-01-05T10:00:01+09:00",
        "2026-12-31T23:59:60Z",
        "2027-01-01T00:00:00.5Z",
        "9999-12-31T23:59:59-12:00",
    ]
]


@pytest.mark.parametrize("moments", ASCENDING)
def test_instants_sort_by_time_whatever_their_offset_and_precision(moments):
    keys = [sortable_instant(moment) for moment in moments]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)
    assert {len(each) for each in keys} == {36}


def test_the_same_moment_said_differently_is_equal():
    same = [
        "2026-01-05T08:00:00+07:00",
        "2026-01-05T01:00:00Z",
        "2026-01-05T01:00:00.000Z",
        "2026-01-04T20:00:00.0-05:00",
    ]
    assert len({sortable_instant(moment) for moment in same}) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026",
        "2026-01",
        "2026-13-01",
        "2026-02-30",
        "2026-01-05T24:00:00Z",
        "2026-01-05T01:60:00Z",
        "yesterday",
        "2026-01-05T01:00:61Z",
        "2026-01-05T01:00:00+24:00",
        "2026-01-05T01:00:00+07:60",
        "0000-01-01",
        "٢٠٢٦-٠١-٠٥",
    ],
)
def test_what_is_no_instant_is_missing(text):
    assert sortable_instant(text) is None
    assert not has_key(key(version(text)))


instants = st.builds(
    lambda moment, minutes, fraction: (
        (moment + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
        + (f".{fraction}" if fraction else "")
        + f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}",
        moment.replace(microsecond=0),
        Fraction(int(fraction or 0), 10 ** len(fraction)),
    ),
    st.datetimes(datetime(1000, 1, 3), datetime(9998, 1, 1)),
    st.integers(-14 * 60, 14 * 60),
    st.text("0123456789", max_size=18),
)


@given(instants, instants)
@settings(max_examples=300, deadline=None)
def test_text_order_is_time_order(one, other):
    (text_a, *time_a), (text_b, *time_b) = one, other
    a, b = sortable_instant(text_a), sortable_instant(text_b)
    assert (a < b, a == b) == (time_a < time_b, time_a == time_b)


@given(st.integers(0, 10**20), st.integers(0, 10**20))
def test_text_order_is_integer_order(a, b):
    keys = [key(version(version_id=str(each)), BY_VERSION) for each in (a, b)]
    assert (keys[0] < keys[1], keys[0] == keys[1]) == (a < b, a == b)
    keys = [key(version(), BY_ARRIVAL, each) for each in (a, b)]
    assert (keys[0] < keys[1], keys[0] == keys[1]) == (a < b, a == b)


@pytest.mark.parametrize("opaque", ["24-24", "3423957v238028", "-1", "1.0", "", "٣", "9" * 37])
def test_an_opaque_version_is_missing_and_sorts_lowest(opaque):
    assert not has_key(key(version(version_id=opaque), BY_VERSION))
    assert key(version(version_id=opaque), BY_VERSION) < key(version(version_id="0"), BY_VERSION)


def test_the_epoch_comes_first():
    old = key(version("2030-01-01T00:00:00Z"))
    assert key(version("2020-01-01T00:00:00Z"), replace(BY_TIME, epoch=1)) > old
    assert place(key(version(), replace(BY_TIME, epoch=1)), old) is Place.NEWEST


def test_a_delete_wins_over_its_own_last_version_and_not_over_a_later_one():
    last = "2026-01-05T01:00:00Z"
    delete = key(version(last, deleted=True))
    assert delete > key(version(last, content="zzz"))
    assert not conflicting(delete, key(version(last, content="zzz")))
    assert delete < key(version("2026-01-05T01:00:01Z"))


def test_a_delete_without_a_key_closes_the_resource():
    delete = key(version(deleted=True), BY_VERSION)
    assert delete > key(version(version_id="9" * 36), BY_VERSION)
    assert delete < key(version(version_id="1"), replace(BY_VERSION, epoch=1))


def test_equal_keys_with_other_content_are_a_conflict():
    at = "2026-01-05T01:00:00Z"
    one, other = key(version(at, content="a")), key(version(at, content="b"))
    assert conflicting(one, other)
    assert not conflicting(one, one)
    assert not conflicting(one, key(version("2026-01-05T01:00:01Z", content="b")))
    assert conflicting(key(version(content="a")), key(version(content="b"))), "both without a key"


def test_places():
    low, high = key(version("2026-01-05")), key(version("2026-01-06"))
    assert [place(low, None), place(high, low), place(low, high), place(low, low)] == [
        Place.NEWEST,
        Place.NEWEST,
        Place.SUPERSEDED,
        Place.DUPLICATE,
    ]


versions = st.builds(
    version,
    last_updated=st.none()
    | st.sampled_from(["2026-01-05T08:00:00+07:00", "2026-01-05T01:00:00.000Z", "2026-01-06", "x"]),
    version_id=st.none() | st.sampled_from(["1", "2", "10", "a-1"]),
    content=st.sampled_from("abc"),
    deleted=st.booleans(),
)


def keep_newest(entries, rules):
    held, counts = None, dict.fromkeys(Place, 0)
    for entry in entries:
        new = key(entry, rules)
        where = place(new, held)
        counts[where] += 1
        if where is Place.NEWEST:
            held = new
    return held, counts


@given(st.lists(versions, min_size=1, max_size=6), st.data())
@settings(max_examples=300, deadline=None)
def test_any_permutation_and_duplication_keeps_the_same_newest(entries, data):
    again = entries + data.draw(st.lists(st.sampled_from(entries), max_size=4))
    shuffled = data.draw(st.permutations(again))
    for rules in (BY_TIME, BY_VERSION):
        held, counts = keep_newest(shuffled, rules)
        assert held == keep_newest(entries, rules)[0] == max(key(entry, rules) for entry in entries)
        assert sum(counts.values()) == len(shuffled)


def test_all_keys_are_equally_wide():
    now = datetime.now(UTC).isoformat()
    entries = [version(), version(now, "1"), version(deleted=True), version(now, "1", deleted=True)]
    widths = {len(key(entry, rules, 12)) for entry in entries for rules in (BY_TIME, BY_VERSION, BY_ARRIVAL)}
    assert len(widths) == 1
