"""Findings of the R4B check name elements, never values."""

from __future__ import annotations

from jknbridge.fhir.check import unknown_and_invalid

VALID = {
    "resourceType": "Encounter",
    "id": "e1",
    "status": "finished",
    "class": {"code": "AMB"},
    "period": {"start": "2026-01-05T08:00:00+07:00"},
}


def test_a_valid_resource_has_no_findings():
    assert unknown_and_invalid(VALID) == []


def test_unknown_and_invalid_elements_are_all_collected():
    findings = unknown_and_invalid(
        {
            **VALID,
            "class": {"code": "AMB", "kelas": 1},
            "status": 5,
            "period": {"start": "kemarin"},
            "subject": "Patient/p1",
            "participant": [{"individual": {"reference": 1}}],
            "poli": "umum",
        }
    )
    assert sorted(findings) == [
        "Encounter.class.kelas: unknown in FHIR R4B",
        "Encounter.participant[0].individual.reference: text expected",
        "Encounter.period.start: date or time expected",
        "Encounter.poli: unknown in FHIR R4B",
        "Encounter.status: text expected",
        "Encounter.subject: object expected",
    ]


def test_what_is_required_or_given_twice():
    bare = {"resourceType": "Observation", "code": {"text": "x"}, "valueString": "a", "valueInteger": 1}
    assert unknown_and_invalid({"resourceType": "Encounter", "status": "planned"}) == [
        "Encounter.class: required and missing"
    ]
    assert "Observation: more than one of the choices, or none, is given" in unknown_and_invalid(
        {**bare, "status": "final"}
    )
    assert unknown_and_invalid({**VALID, "location": [None]}) == ["Encounter.location: null stands in the list"]
    assert unknown_and_invalid({"resourceType": "Observation", "code": {"text": "x"}}) == [
        "Observation.status: required and missing"
    ]


def test_a_type_that_r4b_does_not_have():
    for type_ in ("MedicationUsage", "Siti", "HumanName", "../x", 7, None):
        assert unknown_and_invalid({"resourceType": type_}) == ["resourceType: no resource type of FHIR R4B"]


def test_contained_resources_are_checked_each_by_its_type():
    contained = [{"resourceType": "Patient", "gender": 1}, {"resourceType": "Unheard"}, VALID]
    assert unknown_and_invalid({**VALID, "contained": contained}) == [
        "Encounter.contained[0] Patient.gender: text expected",
        "Encounter.contained[1] resourceType: no resource type of FHIR R4B",
    ]


def test_the_librarys_own_slips_are_told_and_do_not_raise():
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": {"resourceType": "9999000011112222"}}],
    }
    assert unknown_and_invalid(bundle) == ["Bundle.entry: not valid here"]


def test_one_slip_does_not_hide_the_other_findings():
    assert unknown_and_invalid({"resourceType": "Patient", "photo": [{"url": 7}], "poli": 1}) == [
        "Patient.photo: not valid here",
        "Patient.poli: unknown in FHIR R4B",
    ]


def test_no_value_is_ever_shown():
    canary = "9999000011112222"
    broken = {
        "resourceType": "Patient",
        "id": f"{canary} {canary}",
        "birthDate": canary,
        "gender": [canary],
        "deceasedBoolean": canary,
        "active": canary,
        "multipleBirthInteger": canary + ".5",
        "name": canary,
        "telecom": [canary],
        "contact": [{"name": {"resourceType": canary, "family": 1}}],
        "contained": [{"resourceType": canary}],
        "photo": [{"data": canary + "!", "url": 7}],
        canary: 1,
        "link": {"other": canary},
    }
    findings = unknown_and_invalid(broken)
    assert len(findings) > 5
    assert canary not in " ".join(findings)
