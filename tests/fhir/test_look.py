"""The helpers read what is there and never trip over what is not."""

# ruff: noqa: DTZ001 - that a date without an offset stays naive is what is tested

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jknbridge.fhir import look
from jknbridge.fhir.look import Coding, Quantity

WIB = timezone(timedelta(hours=7))
ICD = "http://hl7.org/fhir/sid/icd-10"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-05T08:00:00+07:00", datetime(2026, 1, 5, 8, tzinfo=WIB)),
        ("2026-01-05T01:00:00Z", datetime(2026, 1, 5, 1, tzinfo=UTC)),
        ("2026-01-05T01:00:00.1234567Z", datetime(2026, 1, 5, 1, 0, 0, 123456, tzinfo=UTC)),
        ("2026-01-05T01:00:00.5Z", datetime(2026, 1, 5, 1, 0, 0, 500000, tzinfo=UTC)),
        ("2026-01-05T08:00", datetime(2026, 1, 5, 8)),
        ("2026-01-05", datetime(2026, 1, 5)),
        ("2026-06-30T23:59:60Z", datetime(2026, 7, 1, tzinfo=UTC)),
        (" 2026-01-05 ", datetime(2026, 1, 5)),
    ],
)
def test_instants(text, moment):
    read = look.instant(text)
    assert read == moment
    assert (read.tzinfo is None) == (moment.tzinfo is None)


@pytest.mark.parametrize(
    "text",
    [
        "2026",
        "2026-01",
        "2026-02-30",
        "2026-01-05T25:00:00Z",
        "2026-01-05T01:00:00+99:00",
        "",
        "x",
        None,
        7,
        {},
        "9999-12-31T23:59:60Z",
        "2026-01-05T01:00:00+07:75",
    ],
)
def test_what_is_no_moment(text):
    assert look.instant(text) is None


CONCEPT = {
    "coding": [{"system": ICD, "code": "J06.9", "display": "ISPA"}, {"code": "x"}, {"system": "s"}, 7],
    "text": "batuk",
}


def test_codes():
    assert look.codings(CONCEPT) == [Coding(ICD, "J06.9", "ISPA"), Coding(None, "x", None)]
    assert look.codings({"system": "s", "code": "AMB"}) == [Coding("s", "AMB", None)]
    assert look.codings([CONCEPT, CONCEPT])[2] == Coding(ICD, "J06.9", "ISPA")
    assert look.code_of(CONCEPT, ICD) == "J06.9"
    assert look.code_of(CONCEPT, ("other", ICD)) == "J06.9"
    assert look.code_of(CONCEPT, "other") is None
    assert look.text_of(CONCEPT) == "batuk"
    assert look.text_of({"coding": CONCEPT["coding"]}) == "ISPA"
    assert look.text_of({}) is None


@pytest.mark.parametrize(
    "class_", [{"system": "s", "code": "AMB"}, "AMB", [{"coding": [{"code": "AMB"}]}], {"coding": [{"code": "AMB"}]}]
)
def test_the_class_of_an_encounter_in_each_release(class_):
    assert look.encounter_class({"class": class_}) == "AMB"
    assert look.encounter_class({"class": {}}) is None


def test_identifiers_by_the_order_of_systems():
    patient = {
        "identifier": [
            {"system": "nik", "value": "old", "use": "old"},
            {"system": "nik", "value": " 9999 "},
            {"system": "card", "value": "0009999"},
            {"system": "empty", "value": ""},
        ]
    }
    assert look.identifier(patient, "nik") == "9999"
    assert look.identifier(patient, ["card", "nik"]) == "0009999"
    assert look.identifier(patient, ["empty", "none"]) is None
    assert look.identifier({"identifier": patient["identifier"][2]}, "card") == "0009999"


def test_periods_and_paths():
    encounter = {
        "period": {"start": "2026-01-05", "end": "2026-01-06"},
        "participant": [{"individual": {"a": 1}}, None, 3],
    }
    assert look.period_start(encounter) == datetime(2026, 1, 5)
    assert look.period_end(encounter) == datetime(2026, 1, 6)
    assert look.period_start({"onsetPeriod": {"start": "2026-01-05"}}, "onsetPeriod") == datetime(2026, 1, 5)
    assert look.at(encounter, "participant.individual") == [{"a": 1}]
    assert look.at(encounter, "period.start") == ["2026-01-05"]
    assert look.at(encounter, "no.such") == []


def test_quantities_are_exact_and_never_text():
    assert look.quantity({"value": 36.6, "unit": "°C", "code": "Cel"}) == Quantity(Decimal("36.6"), "°C", "Cel", None)
    assert look.quantity({"value": 120}).value == Decimal(120)
    for odd in ("120", True, None, {}, float("inf")):
        assert look.quantity({"value": odd}) is None


def test_extensions_simple_and_complex():
    node = {
        "extension": [{"url": "a", "valueBoolean": False}, {"url": "b", "extension": [{"url": "c", "valueCode": "x"}]}]
    }
    assert look.extension(node, "a") is False
    assert look.extension(look.extension(node, "b"), "c") == "x"
    assert look.extension(node, "d") is None


def test_references_and_contained():
    request = {"contained": [{"id": "m", "resourceType": "Medication"}], "medicationReference": {"reference": "#m"}}
    assert look.contained(request, request["medicationReference"])["resourceType"] == "Medication"
    assert look.contained(request, {"reference": "#x"}) is None
    assert look.target({"reference": "https://emr.example/fhir/Patient/p1"}) == "Patient/p1"
    assert look.target({"reference": "p1"}, "Patient") == "Patient/p1"
    assert look.target({"reference": "#m"}) is None


def test_read_only_resources_are_read_too():
    frozen = MappingProxyType({"status": "finished", "period": MappingProxyType({"start": "2026-01-05"})})
    assert look.status(frozen) == "finished"
    assert look.period_start(frozen) == datetime(2026, 1, 5)


odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "coding",
                    "code",
                    "system",
                    "value",
                    "identifier",
                    "period",
                    "start",
                    "extension",
                    "url",
                    "text",
                    "class",
                    "contained",
                    "reference",
                    "id",
                    "display",
                    "use",
                    "status",
                    "type",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(odd)
@settings(max_examples=300, deadline=None)
def test_nothing_trips_over_odd_shapes(node):
    for read in (
        look.codings,
        look.text_of,
        look.status,
        look.encounter_class,
        look.instant,
        look.quantity,
        look.target,
    ):
        read(node)
    for read in (look.period_start, look.period_end):
        read(node)
    look.at(node, "coding.code")
    look.code_of(node, ICD)
    look.identifier(node, ["a", ICD])
    look.extension(node, "a")
    look.contained(node, node)
    look.text(node, "text")
