"""References in every form that occurs, in one notation."""

from __future__ import annotations

import pytest

from jknbridge.fhir.references import Edge, WrongShape, address, edges, literal, logical, normalise, split_logical

NIK = "https://fhir.kemkes.go.id/id/nik"
KNOWN = {"urn:uuid:1": "Patient/p1", "https://emr.example/docs/7": "Patient/p7"}


@pytest.mark.parametrize(
    ("reference", "target"),
    [
        ({"reference": "Patient/p1"}, "Patient/p1"),
        ({"reference": "Patient/p1/_history/3"}, "Patient/p1"),
        ({"reference": "/Patient/p1"}, "Patient/p1"),
        ({"reference": "https://emr.example:8080/fhir/r4/Patient/p1"}, "Patient/p1"),
        ({"reference": "https://emr.example/fhir/Patient/p1/_history/3"}, "Patient/p1"),
        ({"reference": "https://emr.example/fhir/Patient/p1#x"}, "Patient/p1"),
        ({"reference": "p1"}, "Patient/p1"),
        ({"reference": "p1", "type": "Group"}, "Group/p1"),
        ({"reference": "urn:uuid:1"}, "Patient/p1"),
        ({"reference": "URN:UUID:1"}, "Patient/p1"),
        ({"reference": "https://emr.example/docs/7"}, "Patient/p7"),
        ({"reference": "urn:uuid:2"}, "urn:uuid:2"),
        ({"reference": "urn:uuid:2", "identifier": {"system": NIK, "value": "1"}}, f"Patient?identifier={NIK}|1"),
        ({"reference": f"Patient?identifier={NIK}|9999"}, f"Patient?identifier={NIK}|9999"),
        ({"reference": f"Patient?identifier={NIK}%7C9999"}, f"Patient?identifier={NIK}|9999"),
        ({"identifier": {"system": NIK, "value": " 9999 "}}, f"Patient?identifier={NIK}|9999"),
        ({"identifier": {"value": "9999"}, "type": "RelatedPerson"}, "RelatedPerson?identifier=|9999"),
        ({"reference": "", "identifier": {"system": NIK, "value": "1"}}, f"Patient?identifier={NIK}|1"),
        ({"reference": "#p1"}, None),
        ({"reference": "#"}, None),
        ({"display": "Siti"}, None),
        ({}, None),
        ({"reference": "https://emr.example/about"}, None),
        ({"reference": "Patient?name=x"}, None),
        ({"reference": "a b"}, None),
        ({"reference": "x" * 5000}, None),
        ({"identifier": {"system": NIK, "value": ""}}, None),
        ({"identifier": {"system": NIK, "value": "a\nb"}}, None),
        ({"identifier": "9999"}, None),
    ],
)
def test_each_form(reference, target):
    assert normalise(reference.get("reference"), reference, ("Patient", "Group"), KNOWN) == target


def test_a_bare_id_means_nothing_where_no_type_is_expected():
    assert normalise("p1", {}) is None
    assert normalise(None, {"identifier": {"value": "1"}}) == "?identifier=|1"


def test_edges_stand_in_the_tables_order_each_once():
    encounter = {
        "resourceType": "Encounter",
        "participant": [
            {"individual": {"reference": "Practitioner/d1"}},
            {"individual": {"reference": "PractitionerRole/r1"}},
            {"individual": {"reference": "Practitioner/d1"}},
            {"type": []},
            None,
        ],
        "subject": {"reference": "Patient/p1"},
        "diagnosis": [{"condition": {"reference": "Condition/c1"}}],
    }
    assert edges(encounter) == (
        Edge("subject", "Patient/p1"),
        Edge("participant.individual", "Practitioner/d1"),
        Edge("participant.individual", "PractitionerRole/r1"),
        Edge("diagnosis.condition", "Condition/c1"),
    )
    assert edges({"resourceType": "NoSuchType", "subject": 1}) == ()


@pytest.mark.parametrize(
    ("element", "path", "expected"),
    [
        ({"subject": 1}, "subject", "Reference"),
        ({"subject": "Patient/p1"}, "subject", "Reference"),
        ({"subject": {"reference": ["Patient/p1"]}}, "subject.reference", "text"),
        ({"participant": "x"}, "participant", "object"),
        ({"participant": [{"individual": True}]}, "participant.individual", "Reference"),
    ],
)
def test_what_can_be_no_reference_is_named_by_its_path_alone(element, path, expected):
    with pytest.raises(WrongShape) as wrong:
        edges({"resourceType": "Encounter", **element})
    assert (wrong.value.path, wrong.value.expected) == (path, expected)


def test_targets_can_be_taken_apart():
    assert literal("Patient/p1") == ("Patient", "p1")
    assert split_logical(logical("Patient", f"{NIK}|1")) == ("Patient", f"{NIK}|1")
    assert split_logical("?identifier=|1") == ("", "|1")
    for target in ("urn:uuid:1", "Patient/p1"):
        assert split_logical(target) is None
    for target in ("urn:uuid:1", logical("Patient", "s|Patient/1")):
        assert literal(target) is None


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("Patient/p1", ("Patient", "p1")),
        ("https://emr.example/fhir/Patient/p1/_history/2", ("Patient", "p1")),
        ("Patient?identifier=1", None),
        ("Patient", None),
        ("urn:uuid:1", None),
        (None, None),
        (7, None),
    ],
)
def test_addresses(url, named):
    assert address(url) == named
