"""The link tables against FHIR R4B's own models; walking them, gather and anchors_touched are inverse."""

from __future__ import annotations

import re

import pytest
from fhir.resources.R4B import get_fhir_model_class
from hypothesis import given, settings
from hypothesis import strategies as st

from jknbridge.fhir.links import FAMILY, JOURNEY_LINKS, LINKS, Hop, chains, types_gathered
from jknbridge.fhir.records import decode
from jknbridge.fhir.walk import MemoryGraph, anchors_touched, family, gather, type_of

ALL_LINKS = [(type_, link) for type_, links in LINKS.items() for link in links]


def field_of(model, name):
    return next(field for key, field in model.model_fields.items() if (field.alias or key) == name)


def element_type(annotation):
    """``EncounterParticipant`` of ``Union[List[EncounterParticipantType], NoneType]``."""
    return re.findall(r"(\w+)Type\b", str(annotation).replace("NoneType", ""))[0]


@pytest.mark.parametrize(("type_", "link"), ALL_LINKS, ids=[f"{type_}.{link.path}" for type_, link in ALL_LINKS])
def test_every_link_is_a_reference_of_r4b_to_types_it_allows(type_, link):
    model = get_fhir_model_class(type_)
    for name in link.keys[:-1]:
        model = get_fhir_model_class(element_type(field_of(model, name).annotation))
    field = field_of(model, link.keys[-1])
    assert element_type(field.annotation) == "Reference"
    allowed = set(field.json_schema_extra["enum_reference_types"])
    assert "Resource" in allowed or set(link.types) <= allowed


def hops():
    return [hop for steps in JOURNEY_LINKS.values() for step in steps for hop in step]


@pytest.mark.parametrize("hop", hops(), ids=lambda hop: f"{hop.from_type}.{hop.path}-{hop.to_type}")
def test_every_hop_goes_along_a_link(hop):
    link = next(link for link in LINKS[hop.from_type] if link.path == hop.path)
    assert hop.to_type in link.types


def test_first_hops_start_at_the_anchor_and_second_hops_where_one_arrived():
    for anchor, (first, second) in JOURNEY_LINKS.items():
        assert {hop.start for hop in first} == {anchor}
        assert {hop.start for hop in second} <= {hop.end for hop in first}
        assert len(set(first)) == len(first)
        assert len(set(second)) == len(second)
        assert FAMILY[anchor] in {link.path for link in LINKS[anchor]}


def test_everything_that_belongs_to_an_encounter_by_a_link_is_gathered():
    """A type with an ``encounter`` or ``context`` link that no hop follows would be an orphan for ever."""
    linked = {t for t, links in LINKS.items() for link in links if link.types[0] == "Encounter" and t != "Encounter"}
    assert linked == {hop.from_type for hop in JOURNEY_LINKS["Encounter"][0] if hop.inbound}


def test_chains_name_every_way_to_a_type():
    assert chains("Encounter", "Coverage") == (
        (Hop("Encounter", "subject", "Patient", False), Hop("Coverage", "beneficiary", "Patient", True)),
    )
    assert [len(chain) for chain in chains("Encounter", "AllergyIntolerance")] == [1, 2]
    assert chains("Encounter", "Slot") == ()
    assert {"Encounter", "Medication", "Specimen", "Organization"} <= types_gathered("Encounter")


def ref(target):
    return {"reference": target}


CLINIC = [
    {"resourceType": "Encounter", "id": "e1", "subject": ref("Patient/p1"), "serviceProvider": ref("Organization/o1")},
    {"resourceType": "Encounter", "id": "e2", "subject": {"identifier": {"system": "nik", "value": "1"}}},
    {"resourceType": "Encounter", "id": "e1a", "subject": ref("Patient/p1"), "partOf": ref("Encounter/e1")},
    {"resourceType": "Patient", "id": "p1", "identifier": [{"system": "nik", "value": "1"}]},
    {"resourceType": "Condition", "id": "c1", "encounter": ref("Encounter/e1"), "subject": ref("Patient/p1")},
    {
        "resourceType": "MedicationRequest",
        "id": "m1",
        "encounter": ref("Encounter/e1"),
        "medicationReference": ref("Medication/x"),
    },
    {"resourceType": "Medication", "id": "x"},
    {"resourceType": "ServiceRequest", "id": "s1", "encounter": ref("Encounter/e2")},
    {"resourceType": "Specimen", "id": "sp1", "request": [ref("ServiceRequest/s1")]},
    {"resourceType": "AllergyIntolerance", "id": "a1", "patient": ref("Patient/p1")},
    {"resourceType": "Condition", "id": "elsewhere", "subject": ref("Patient/p1")},
]


def graph_of(resources, record, source):
    return MemoryGraph(entry for body in resources for entry in decode(record(body), source).entries)


def test_a_journey_gathers_up_to_two_hops_and_nothing_of_other_visits(record, source):
    graph = graph_of(CLINIC, record, source)
    assert gather("Encounter/e1", graph) == {
        "Encounter/e1",
        "Patient/p1",
        "Organization/o1",
        "Condition/c1",
        "MedicationRequest/m1",
        "Medication/x",
        "AllergyIntolerance/a1",
    }
    assert gather("Encounter/e2", graph) == {
        *("Encounter/e2", "Patient/p1", "ServiceRequest/s1", "Specimen/sp1", "AllergyIntolerance/a1")
    }


def test_a_changed_resource_touches_the_journeys_that_hold_it(record, source):
    graph = graph_of(CLINIC, record, source)
    everyone = {"Encounter/e1", "Encounter/e2", "Encounter/e1a"}
    for changed, touched in {
        "Patient/p1": everyone,
        "AllergyIntolerance/a1": everyone,
        "Medication/x": {"Encounter/e1"},
        "Specimen/sp1": {"Encounter/e2"},
        "Encounter/e2": {"Encounter/e2"},
        "Condition/elsewhere": set(),
    }.items():
        assert anchors_touched(changed, "Encounter", graph) == touched, changed


def test_encounters_joined_by_part_of_are_one_family(record, source):
    deeper = {"resourceType": "Encounter", "id": "e1b", "partOf": ref("Encounter/e1a")}
    graph = graph_of([*CLINIC, deeper], record, source)
    for member in ("e1", "e1a", "e1b"):
        assert family(f"Encounter/{member}", graph) == {"Encounter/e1", "Encounter/e1a", "Encounter/e1b"}
    assert family("Encounter/e2", graph) == {"Encounter/e2"}
    assert family("Patient/p1", graph) == {"Patient/p1"}


TYPES = sorted(types_gathered("Encounter"))


@st.composite
def clinics(draw):
    """A few resources that refer to each other along any links, to missing ones too."""
    chosen = [*draw(st.lists(st.sampled_from(TYPES), min_size=1, max_size=6, unique=True)), "Encounter", "Patient"]
    resources = {}
    for type_ in chosen:
        for number in range(draw(st.integers(1, 2))):
            body = {"resourceType": type_, "id": str(number)}
            for link in LINKS.get(type_, ()):
                if len(link.keys) == 1 and (to := draw(st.none() | st.sampled_from(link.types))):
                    body[link.keys[0]] = ref(f"{to}/{draw(st.integers(0, 2))}")
            resources[f"{type_}/{number}"] = body
    return list(resources.values())


@given(clinics())
@settings(max_examples=80, deadline=None)
def test_gather_and_anchors_touched_are_inverse(record, source, resources):
    graph = graph_of(resources, record, source)
    refs = {f"{body['resourceType']}/{body['id']}" for body in resources}
    anchors = {each for each in refs if type_of(each) == "Encounter"}
    held = {anchor: gather(anchor, graph) for anchor in anchors}
    for each in refs.union(*held.values()):
        touched = anchors_touched(each, "Encounter", graph)
        assert {type_of(anchor) for anchor in touched} <= {"Encounter"}
        assert touched & anchors == {anchor for anchor in anchors if each in held[anchor]}
