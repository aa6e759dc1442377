"""Refusals that were seen, drawn by a request of ours: the same status, issue code and number (satusehat §16.1).

Names are those of the exchange catalogue that the contract refers to.
"""

import re

import pytest

NOWHERE = "00000000-0000-4000-8000-000000000000"
CLINICAL_TERM = "http://terminology.kemkes.go.id/CodeSystem/clinical-term"


def held(answer):
    """(status, [(code, number or None)])"""
    numbers = [re.search(r"Rule ?Number: (\d+)", text) for _, text in answer.issues]
    return answer.status, [
        (code, int(n.group(1)) if n else None) for (code, _), n in zip(answer.issues, numbers, strict=True)
    ]


async def test_encounter_refusals(ihs, maker):
    body = maker.base("Encounter")
    wrong_org = {"system": "http://sys-ids.kemkes.go.id/encounter/10000099", "value": "1"}
    assert held(await ihs.post({**body, "identifier": [wrong_org]})) == (400, [("value", 10117)])
    assert held(await ihs.post({**body, "subject": None})) == (400, [("value", 10118)])
    assert held(await ihs.post({**body, "diagnosis": []})) == (400, [("value", 10457)])
    late = {"start": "2099-01-01T00:00:00+00:00"}
    assert held(await ihs.post({**body, "status": "arrived", "period": late})) == (400, [("value", 10123)])


async def test_missing_diagnosis_by_put(ihs, maker):
    body = {**maker.base("Encounter"), "status": "in-progress", "diagnosis": []}
    made = (await ihs.post(body)).body
    assert held(await ihs.put({**made, "status": "finished"})) == (400, [("value", 10457)])


async def test_duplicates_in_every_form(ihs, maker):
    body = maker.base("ServiceRequest")
    body["identifier"] = [{"system": "http://sys-ids.kemkes.go.id/servicerequest/10000004", "value": "1"}]
    assert (await ihs.post(body)).status == 201
    refused = await ihs.post(body)
    assert held(refused) == (400, [("duplicate", 20002)])
    assert refused.body["text"] == {"status": "generated"}
    await ihs.option(duplicate_form="2023")
    old = await ihs.post(body)
    assert (held(old), old.text) == ((400, [("duplicate", None)]), "Found duplicate resource: ServiceRequest")
    full_url = f"urn:uuid:{NOWHERE}"
    entry = {"fullUrl": full_url, "resource": body, "request": {"method": "POST", "url": "ServiceRequest"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    for form, status in (("array", 400), ("array200", 200)):
        await ihs.option(duplicate_form=form)
        answer = await ihs.post(bundle)
        assert (answer.status, answer.body[0]["ruleNumber"]) == (status, "20002")


async def test_codes_not_found(ihs, maker):
    await ihs.option(national_codes="closed")
    body = maker.base("Observation")
    for name in ("code", "valueCodeableConcept"):
        body[name] = {"coding": [{"system": CLINICAL_TERM, "code": "OV999999"}]}
    assert held(await ihs.post(body)) == (400, [("value", 10010), ("value", 10297)])


async def test_episode_refusals(ihs, maker):
    body = maker.base("EpisodeOfCare")
    https = {"coding": [{"system": "https://terminology.kemkes.go.id/CodeSystem/episodeofcare-type", "code": "ANC"}]}
    assert held(await ihs.post({**body, "type": [https]})) == (400, [("value", 10110)])
    right = {"coding": [{"system": "http://terminology.kemkes.go.id/CodeSystem/episodeofcare-type", "code": "ANC"}]}
    body |= {"type": [right], "status": "active"}
    made = (await ihs.post(body)).body
    assert held(await ihs.post(body)) == (400, [("value", 10109), ("value", 10110)])
    close = {"op": "replace", "path": "/status", "value": "finished"}
    refused = await ihs.patch(f"EpisodeOfCare/{made['id']}", close)
    assert (held(refused), refused.text.split(" :: ")[1]) == (
        (400, [("value", None)]),
        "patient reference can't be empty",
    )
    assert held(await ihs.put(made)) == (403, [("forbidden", None)])


async def test_other_refusals(ihs, client_of, maker):
    composition = {**maker.base("Composition"), "date": "2022-06-14"}
    assert held(await ihs.post(composition)) == (400, [("format", 10132)])
    condition = {**maker.base("Condition"), "encounter": {"reference": f"Encounter/{NOWHERE}"}}
    missing = await ihs.post(condition)
    assert (held(missing), missing.text) == (
        (400, [("value", None)]),
        f"reference target(s) not found: Encounter/{NOWHERE}",
    )
    made = (await ihs.post(maker.base("Condition"))).body
    assert held(await (await client_of("10000005")).put(made)) == (400, [("forbidden", None)])
    mismatch = await ihs.call("PUT", f"/fhir-r4/v1/Condition/{NOWHERE}", made)
    assert held(mismatch) == (400, [("structure", None)])
    assert mismatch.text == "resource_mismatch"
    assert mismatch.headers["Content-Type"] == "application/fhir+json;charset=utf-8"
    assert "text" not in mismatch.body
    absent = await ihs.get(f"Condition/{NOWHERE}")
    assert (held(absent), absent.text) == ((404, [("no-store", None)]), "storage_error")
    assert absent.body["issue"][0]["diagnostics"] == f"resource not found: Condition/{NOWHERE}"
    narrow = await ihs.get("MedicationDispense?context=e-1")
    assert (held(narrow), narrow.text) == ((400, [("required", None)]), "Missing query parameters: subject")


async def test_unparseable(ihs, maker):
    body = maker.base("Encounter")
    del body["class"]
    entry = {"fullUrl": f"urn:uuid:{NOWHERE}", "resource": body, "request": {"method": "POST", "url": "Encounter"}}
    answer = await ihs.post({"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
    assert (held(answer), answer.text) == ((400, [("structure", None)]), "unparseable_resource")
    assert answer.body["issue"][0]["diagnostics"] == 'missing required field "class"'
    assert answer.body["issue"][0]["expression"] == ["Bundle.entry[0].resource.encounter"]


async def test_immunization(ihs, maker):
    body = maker.base("Immunization")
    for name in ("reasonCode", "primarySource", "protocolApplied"):
        del body[name]
    numbers = [("value", 10105), ("value", 10292), ("value", 10307), ("value", 10450)]
    assert held(await ihs.post(body)) == (400, numbers)


@pytest.mark.parametrize(
    ("says", "status", "texts"),
    [("unknown", 400, ["Failed to get citizen"]),
     ("differs", 400, ["alamat TIDAK SESUAI", "jenis_kelamin TIDAK SESUAI"]),
     ("internal", 500, ["An unexpected internal error has occurred."])],
)  # fmt: skip
async def test_civil_registry(ihs, maker, says, status, texts):
    await ihs.option(patient_create=says)
    answer = await ihs.post(maker.base("Patient"))
    assert (answer.status, answer.issues) == (status, [("exception", text) for text in texts])


async def test_patient_exists(ihs, maker):
    body = maker.base("Patient")
    assert (await ihs.post(body)).status == 200
    assert (await ihs.post(body)).issues == [("exception", "Patient Resource Exists")]


async def test_newborns(ihs, maker):
    child = maker.base("Patient")
    child["identifier"] = [{"system": "https://fhir.kemkes.go.id/id/nik-ibu", "value": "9999000000000099"}]
    child |= {"birthDate": "2026-06-01", "gender": ""}
    assert held(await ihs.post({**child, "birthDate": "2026-01-01"})) == (400, [("format", 10397), ("value", 10413)])
    child["gender"] = "male"
    unknown = await ihs.post(child)
    assert (unknown.status, unknown.issues) == (404, [("exception", "Failed to create new patient, nik-ibu not found")])
    mother = {"resourceType": "Patient", "id": "P90000000099", "gender": "male"}
    nik = {"system": "https://fhir.kemkes.go.id/id/nik", "value": "9999000000000099"}
    await ihs.load({**mother, "identifier": [nik]})
    assert (await ihs.post(child)).issues == [("exception", "Patient with nik-ibu is not female")]
    await ihs.load({**mother, "gender": "female", "identifier": [nik]})
    made = await ihs.post(child)
    assert made.status == 200
    assert (await ihs.post(child)).issues == [("duplicate", "Found duplicate: Patient")]


async def test_address_absent(ihs, maker):
    body = maker.base("Patient")
    del body["address"]
    assert held(await ihs.post(body)) == (400, [("value", number) for number in range(10621, 10625)])


async def test_consent(ihs, maker):
    await ihs.post(maker.base("Condition"))
    patient = "P90000000001"
    choice = {"patient_id": patient, "action": "OPTOUT", "agent": "Petugas Uji"}
    assert (await ihs.call("POST", "/consent/v1/Consent", choice)).status == 200
    consent = await ihs.call("GET", f"/consent/v1/Consent?patient_id={patient}")
    assert consent.body["policyRule"]["coding"][0]["code"] == "OPTOUT"
    listed = (await ihs.get(f"Condition?subject={patient}")).body
    assert listed["total"] == 1
    issue = listed["entry"][0]["resource"]["issue"][0]
    assert (issue["severity"], issue["code"]) == ("information", "suppressed")
    assert held(await ihs.post(maker.base("Condition"))) == (400, [("forbidden", None)])
    await ihs.call("POST", "/consent/v1/Consent", {**choice, "action": "OPTIN"})
    assert (await ihs.post(maker.base("Condition"))).status == 201
    assert (await ihs.call("POST", "/consent/v1/Consent", {"action": "JA"})).status == 400
