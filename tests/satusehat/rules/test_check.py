"""The checks by themselves: words, issue codes and elements; what the table says in its columns; hand-written rules."""

import copy

import pytest

from jknbridge_adapters.satusehat.rules import BY_NUMBER
from jknbridge_adapters.satusehat.rules_check import check
from jknbridge_adapters.satusehat.rules_check_references import check_references, literal, split
from jknbridge_adapters.satusehat.ucum import is_unit
from jknbridge_adapters.satusehat.violations import Sender

NOW = 1_781_000_000.0
SENDER = Sender("10000004")
CLINICAL_TERM = "http://terminology.kemkes.go.id/CodeSystem/clinical-term"


def broken(body, sender=SENDER, **more):
    return [violation.rule for violation in check(body, sender, NOW, **more)]


def only(body, **more):
    (violation,) = check(body, SENDER, NOW, **more)
    return violation.rule, violation.code, violation.element, violation.message


class View:
    def __init__(self, *places, active=()):
        self.places, self.active = places, active

    def exists(self, kind, resource_id):
        return f"{kind}/{resource_id}" in self.places

    def has_active_episode(self, patient, kind):
        return (patient, kind) in self.active


def test_wording(maker):
    encounter = maker.base("Encounter")
    del encounter["subject"]
    text = "Reference is mandatory : Encounter.subject (RuleNumber: 10118)"
    assert only(encounter) == (10118, "value", "Encounter.subject", text)

    encounter = maker.base("Encounter")
    encounter["identifier"][0]["system"] = "http://sys-ids.kemkes.go.id/encounter/10000099"
    text = "Wrong organization ID provided by system URL: http://sys-ids.kemkes.go.id/encounter/10000099"
    assert only(encounter) == (10117, "value", "Encounter.identifier[0].system", f"{text} (RuleNumber: 10117)")
    assert broken(encounter, Sender("10000090", mpdn=True)) == []

    composition = maker.base("Composition")
    composition["date"] = "2022-06-14"
    text = "Invalid date time format : 2022-06-14 (RuleNumber: 10132). Format allowed : YYYY-MM-DDThh:mm:ss+00:00"
    assert only(composition) == (10132, "format", "Composition.date", text)

    composition["date"] = "2099-01-01T00:00:00+00:00"
    text = "Invalid date time value : 2099-01-01T00:00:00+00:00 (RuleNumber: 10132)\n"
    text += "Not Allowed : Future Date or Past Date before 3rd June 2014"
    assert only(composition) == (10132, "value", "Composition.date", text)


@pytest.mark.parametrize("offset", ["+00:00", "Z", ".123Z", "+07:00", "+09:00"])
def test_offsets_that_pass(maker, offset):
    composition = maker.base("Composition")
    composition["date"] = f"2026-06-01T01:00:00{offset}"
    assert broken(composition) == []


@pytest.mark.parametrize("value", ["2026-02-30T01:00:00Z", "2026-06-01T01:00Z", "2026-06-01 01:00:00Z", 20260601])
def test_no_date_time(maker, value):
    composition = maker.base("Composition")
    composition["date"] = value
    assert broken(composition) == [10132]


def test_case_of_member_names_does_not_matter(maker):
    encounter = maker.base("Encounter")
    encounter["Subject"] = {"Reference": encounter.pop("subject")["reference"]}
    assert broken(encounter) == []


def test_one_coding_is_enough_and_text_where_the_row_allows(maker):
    request = maker.base("ServiceRequest")
    request["reasonCode"] = [{"text": "Kontrol"}]
    kptl = {"system": "http://terminology.kemkes.go.id/CodeSystem/kptl", "code": "1"}
    request["code"] = {"coding": [kptl, {"system": "http://loinc.org", "code": "55231-5"}]}
    assert broken(request) == []
    request["category"] = [{"text": "Laboratorium"}]
    assert broken(request) == [10462]


def test_each_concept_of_a_list_needs_one(maker):
    condition = maker.base("Condition")
    good = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-category", "code": "x"}]}
    condition["category"] = [good, {"coding": [{"system": "http://example.org", "code": "x"}]}]
    assert broken(condition) == [10007]


def test_one_performer_of_the_type_is_enough(maker):
    observation = maker.base("Observation")
    observation["performer"] = [{"reference": "Organization/10000004"}, {"reference": "Practitioner/N90000001"}]
    assert broken(observation) == []
    observation["performer"] = [{"reference": "Organization/10000004"}]
    assert broken(observation) == [10383]


def test_a_finished_encounter_needs_more(maker):
    encounter = maker.base("Encounter")
    del encounter["diagnosis"], encounter["period"]["end"]
    assert broken(encounter) == [10121, 10457]
    assert broken({**encounter, "status": "in-progress"}) == []
    assert broken({**encounter, "status": "in-progress", "participant": []}) == [10336]
    assert broken({**encounter, "status": "in-progress", "participant": []}, Sender("1", mpdn=True)) == []


def test_a_laboratory_report_needs_its_specimen(maker):
    report = maker.base("DiagnosticReport")
    del report["specimen"]
    assert broken(report) == [10386]
    report["category"][0]["coding"][0]["code"] = "RAD"
    assert broken(report) == []


def test_scalars_where_objects_are_due(maker):
    encounter = maker.base("Encounter")
    encounter["period"] = "2026-06-01"
    assert broken(encounter) == [20008]


def test_national_codes_are_judged_on_request_only(maker):
    observation = maker.base("Observation")
    observation["code"] = {"coding": [{"system": CLINICAL_TERM, "code": "OC999999"}]}
    assert broken(observation) == []
    rule, code, _, text = only(observation, closed_lists=True)
    assert (rule, code) == (10010, "value")
    assert text == f"Code not found: 'OC999999' in system: {CLINICAL_TERM} (RuleNumber: 10010)"
    observation["code"]["coding"][0]["code"] = "OC000135"
    assert broken(observation, closed_lists=True) == []


@pytest.mark.parametrize(
    ("system", "value", "rules"),
    [("puerperium", "KF2", []), ("puerperium", "KF9", [10117]), ("neonate", "KN3", []), ("neonate", "KF1", [10117]),
     ("ANC", "K1", [])],
)  # fmt: skip
def test_programme_visits(maker, system, value, rules):
    encounter = maker.base("Encounter")
    base = "http://terminology.kemkes.go.id/CodeSystem/episodeofcare/"
    encounter["identifier"].append({"system": f"{base}{system}", "value": value})
    assert broken(encounter) == rules


@pytest.mark.parametrize("start", ["2099-01-01T00:00:00+00:00", "2014-06-02T00:00:00+00:00", "2026-06-01"])
def test_window_of_an_encounters_start(maker, start):
    encounter = maker.base("Encounter")
    encounter["status"], encounter["period"] = "in-progress", {"start": start}
    assert broken(encounter) == [10123]


@pytest.mark.parametrize(
    ("source", "function", "rules"),
    [(True, "AP", []), (True, "EP", [10307]), (False, "EP", []), (False, "AP", [10307]), (None, "EP", [10292])],
)
def test_function_of_a_vaccinator(maker, source, function, rules):
    immunization = maker.base("Immunization")
    immunization["primarySource"] = source
    immunization["performer"][0]["function"]["coding"][0]["code"] = function
    assert broken(immunization) == rules


def test_immunization_by_hand(maker):
    immunization = maker.base("Immunization")
    del immunization["reasonCode"]
    immunization["protocolApplied"][0]["doseNumberPositiveInt"] = 0
    immunization["vaccineCode"]["coding"][0]["code"] = "93026440"
    assert broken(immunization) == [10103, 10105, 10456]


def test_newborns(maker):
    patient = maker.base("Patient")
    patient["identifier"][0]["system"] = "https://fhir.kemkes.go.id/id/nik-ibu"
    patient["birthDate"] = "2026-04-10"  # 60 days before
    assert broken(patient) == []
    patient["birthDate"] = "2026-04-09"
    rule, code, element, text = only(patient)
    assert (rule, code, element) == (10397, "format", "Patient.birthDate")
    assert text.startswith("Day difference from Birth Date with Tuesday, 09-Jun-26 17:13:20 +0700 can't be more")
    assert text.endswith("than 60 days (RuleNumber: 10397).")


def test_integers_in_quotes_without_a_row(maker):
    encounter = maker.base("Encounter")
    encounter["diagnosis"][0]["rank"] = 1
    assert broken(encounter) == []
    encounter["diagnosis"][0]["rank"] = "1"
    assert only(encounter)[::3] == (10254, "Integer formated as a string: '1' (RuleNumber: 10254)")


def test_numbers_are_not_negative_where_the_dictionary_says_so(maker):
    request = maker.base("MedicationRequest")
    request["dispenseRequest"] = {**request["dispenseRequest"], "numberOfRepeatsAllowed": -1}
    assert broken(request) == [10345]


def test_one_active_episode(maker):
    episode = maker.passing(BY_NUMBER[10110])
    episode["status"] = "active"
    patient, kind = episode["patient"]["reference"], episode["type"]["coding"][0]["code"]
    assert broken(episode, view=View()) == []
    assert broken(episode) == []
    assert broken(episode, view=View(active=[(patient, kind)])) == [10109, 10110]
    assert broken({**episode, "status": "finished"}, view=View(active=[(patient, kind)])) == []


def test_references(maker):
    encounter = maker.base("Encounter")
    places = list(literal(encounter))
    assert check_references(encounter, View(*places)) == []
    (missing,) = check_references(encounter, View(*places[1:]))
    assert (missing.rule, missing.message) == (None, f"reference target(s) not found: {places[0]}")
    (numbered,) = check_references(encounter, View(*places[1:]), numbered_form=True)
    assert (numbered.rule, numbered.message) == (20007, f"Resource not found {places[0]} (RuleNumber: 20007)")


def test_references_that_are_not_tested():
    body = {"a": {"reference": "#1"}, "b": [{"reference": "urn:uuid:1"}], "c": {"reference": 5}}
    assert list(literal(body)) == []
    assert split("https://host/fhir-r4/v1/Patient/P1/_history/3") == ("Patient", "P1")


def test_check_changes_nothing(maker):
    encounter = maker.base("Encounter")
    before = copy.deepcopy(encounter)
    check(encounter, SENDER, NOW)
    assert encounter == before


@pytest.mark.parametrize(
    "code",
    ["mm[Hg]", "/min", "{beats}/min", "Cel", "kg/m2", "10*3/uL", "mmol/L", "%", "[IU]/L", "{score}", "meq/L", "U/L",
     "mL/min/{1.73_m2}", "10*6/uL", "mm/h", "/uL", "/[HPF]", "m2", "wk", "ng/(mL.h)"],
)  # fmt: skip
def test_units(code):
    assert is_unit(code)


@pytest.mark.parametrize("code", ["mmHg", "x/menit", "", "kg/m^2", "celcius", "Cel ", "DEG", "ea", "mg/", "(mg", "mg)"])
def test_no_units(code):
    assert not is_unit(code)
