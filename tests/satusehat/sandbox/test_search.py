"""Searches with the platform's manners, masked people, a slow index, and what the judge learns from them (§11, §14)."""

import asyncio

import aiohttp
import pytest

NIK = "https://fhir.kemkes.go.id/id/nik"
ENCOUNTER = "http://sys-ids.kemkes.go.id/encounter/10000004"
PERSON = {
    "resourceType": "Patient", "id": "P90000000077", "active": True, "gender": "female", "birthDate": "1990-05-01",
    "identifier": [{"system": NIK, "value": "9999000000000077"},
                   {"system": "https://fhir.kemkes.go.id/id/ihs-number", "value": "P90000000077"}],
    "name": [{"text": "Pasien Uji", "use": "official"}],
}  # fmt: skip
BABY = {
    **PERSON, "id": "P90000000078", "birthDate": "2026-06-01",
    "identifier": [{"system": "https://fhir.kemkes.go.id/id/nik-ibu", "value": "9999000000000077"}],
}  # fmt: skip


def ids(answer):
    return [entry["resource"]["id"] for entry in answer.body["entry"]]


def links(answer):
    return {link["relation"]: link["url"] for link in answer.body["link"]}


async def test_masked_people(ihs):
    await ihs.load(PERSON, BABY)
    found = await ihs.get(f"Patient?identifier={NIK}%7C9999000000000077")
    (entry,) = found.body["entry"]
    assert found.body["total"] == 1
    assert set(entry["resource"]) == {"resourceType", "id", "active", "identifier", "name"}
    assert entry["resource"]["name"] == [{"text": "Pa**** U**", "use": "official"}]
    assert [i["value"] for i in entry["resource"]["identifier"]] == ["*************077", "P90000000077"]
    by_id = (await ihs.get("Patient/P90000000077")).body
    assert set(by_id) == {"resourceType", "id", "active", "identifier"}
    nothing = await ihs.get(f"Patient?identifier={NIK}%7C1")
    assert (nothing.status, nothing.body["total"], nothing.body["entry"]) == (200, 0, [])
    child = f"Patient?identifier={NIK}-ibu%7C9999000000000077"
    assert ids(await ihs.get(f"{child}&birthdate=2026-06-01")) == ["P90000000078"]
    assert ids(await ihs.get(f"{child}&birthdate=2026-06-02")) == []
    assert ids(await ihs.get("Patient?name=pasien&birthdate=1990-05-01&gender=female")) == ["P90000000077"]


async def test_disclosure_of_2024(ihs):
    await ihs.option(patient_answer="2024")
    await ihs.load(PERSON, BABY)
    by_both = (await ihs.get(f"Patient?name=uji&birthdate=1990-05-01&identifier={NIK}%7C9999000000000077")).body
    person = by_both["entry"][0]["resource"]
    assert (person["gender"], person["identifier"][0]["value"]) == ("female", "9999000000000077")
    baby = (await ihs.get(f"Patient?identifier={NIK}-ibu%7C9999000000000077")).body["entry"][0]["resource"]
    assert (baby["birthDate"], baby["identifier"][0]["value"]) == ("2026-06-01", "9999000000000077")
    by_nik = (await ihs.get(f"Patient?identifier={NIK}%7C9999000000000077")).body["entry"][0]["resource"]
    assert "gender" not in by_nik
    await ihs.option(patient_answer="plain")
    assert (await ihs.get("Patient/P90000000077")).body == PERSON


async def test_two_people_of_one_nik(ihs):
    await ihs.load(PERSON, {**PERSON, "id": "P90000000079"})
    assert (await ihs.get(f"Patient?identifier={NIK}%7C9999000000000077")).body["total"] == 2


async def test_parameters(ihs):
    rows = [
        {"resourceType": "Encounter", "id": f"e-{n}", "subject": {"reference": f"Patient/P{n % 2}"},
         "serviceProvider": {"reference": "Organization/10000004"}, "period": {"start": f"2026-06-0{n}T01:00:00+00:00"},
         "identifier": [{"system": ENCOUNTER, "value": f"V{n}"}]}
        for n in range(2, 6)
    ]  # fmt: skip
    await ihs.load(*rows)
    base = f"Encounter?identifier={ENCOUNTER}%7C"
    assert ids(await ihs.get(f"{base}V3")) == ["e-3"]
    assert ids(await ihs.get(f"{base}V3,{ENCOUNTER}%7CV5")) == ["e-3", "e-5"]
    assert ids(await ihs.get("Encounter?subject=P1")) == ids(await ihs.get("Encounter?subject=Patient/P1"))
    dated = "Encounter?service-provider=10000004&date=ge2026-06-03&date=le2026-06-04T23:00:00Z"
    assert ids(await ihs.get(dated)) == ["e-3", "e-4"]
    assert (await ihs.get("Encounter?date=kemarin")).status == 400


async def test_unknown_parameters_vanish(ihs):
    await ihs.load({"resourceType": "Specimen", "id": "s-1", "subject": {"reference": "Patient/P1"}})
    found = await ihs.get("Specimen?subject=P1&request=ServiceRequest/9&_sort=date")
    assert ids(found) == ["s-1"]
    assert links(found)["self"] == f"{ihs.base}/fhir-r4/v1/Specimen/?subject=P1"
    assert list(links(found)) == ["search", "first", "self"]


async def test_dispenses_ignore_the_encounter(ihs):
    def dispense(name, encounter):
        return {"resourceType": "MedicationDispense", "id": name, "subject": {"reference": "Patient/P1"},
                "context": {"reference": f"Encounter/{encounter}"}}  # fmt: skip

    await ihs.load(dispense("d-1", "E1"), dispense("d-2", "E2"))
    unrelated = ids(await ihs.get("MedicationDispense?encounter=E1"))
    assert {"d-1", "d-2"} <= set(unrelated)
    assert ids(await ihs.get("MedicationDispense?context=E1&subject=P1")) == ["d-1"]


async def test_episodes_of_others_are_found(ihs):
    kind = {"system": "http://terminology.kemkes.go.id/CodeSystem/episodeofcare-type", "code": "ANC"}
    episode = {"resourceType": "EpisodeOfCare", "id": "ep-1", "status": "active", "type": [{"coding": [kind]}],
               "patient": {"reference": "Patient/P1"},
               "managingOrganization": {"reference": "Organization/10000005"}}  # fmt: skip
    await ihs.load(episode, owner="10000005")
    assert ids(await ihs.get("EpisodeOfCare?patient=P1&type=ANC&status=active")) == ["ep-1"]
    assert ids(await ihs.get("EpisodeOfCare?patient=P1&type=TB&status=active")) == []


async def test_pages(ihs):
    rows = [
        {"resourceType": "Observation", "id": f"o-{n}", "encounter": {"reference": "Encounter/E1"}} for n in range(250)
    ]
    await ihs.load(*rows)
    seen, path = [], "Observation?encounter=E1"
    for total in (100, 100, 50):
        page = await ihs.get(path)
        assert page.body["total"] == total == len(page.body["entry"])
        seen += ids(page)
        path = links(page).get("next", "").partition("/fhir-r4/v1/")[2].replace("/?", "?")
    assert (path, seen) == ("", [row["id"] for row in rows])
    assert (await ihs.get("Observation?encounter=E1&_count=7")).body["total"] == 7
    assert (await ihs.get("Observation?encounter=E1&_page_token=x")).status == 400
    await ihs.option(selective=True)
    assert (await ihs.get("Observation?kosong=1")).text == "search criteria are not selective enough"
    await ihs.faults({"target": "satusehat", "operation": "Observation.search", "kind": "shifting_pages", "count": 1})
    shifted = await ihs.get("Observation?encounter=E1")
    assert ids(shifted)[1] == "o-0"
    assert len(shifted.body["entry"]) == 100


async def test_a_slow_index_hides_rows_from_searches_not_from_reads(ihs, maker, clock):
    body = maker.base("Encounter")
    value = body["identifier"][0]["value"]
    await ihs.option(index_delay=30_000)
    made = (await ihs.post(body)).body
    path = f"Encounter?identifier={ENCOUNTER}%7C{value}"
    assert (await ihs.get(path)).body["total"] == 0
    assert (await ihs.get(f"Encounter/{made['id']}")).status == 200
    assert (await ihs.post(body)).says(20002)
    clock.now += 31
    assert (await ihs.get(path)).body["total"] == 1
    await ihs.option(index_delay=0)
    await ihs.faults({"target": "satusehat", "operation": "*.search", "kind": "slow_reads", "ms": 60_000})
    assert (await ihs.get(path)).body["total"] == 0
    assert (await ihs.get("Patient/P90000000001")).status == 200


@pytest.mark.parametrize(
    ("probes", "blind"),
    [([], True), ([f"Encounter?identifier={ENCOUNTER}%7C{{value}}"], False),
     (["Encounter?subject=P90000000001"], False),
     (["Encounter?subject=P1"], True), (["Encounter?subject=P90000000001&date=ge2020-01-01"], True)],
    ids=["none", "by identifier", "by patient", "another patient", "a part of the list"],
)  # fmt: skip
@pytest.mark.parametrize("form", ["single", "bundle"])
async def test_the_judge_knows_a_blind_repeat(ihs, maker, form, probes, blind):
    body = maker.base("Encounter")
    entry = {"fullUrl": "urn:uuid:00000000-0000-4000-8000-000000000001", "resource": body,
             "request": {"method": "POST", "url": "Encounter"}}  # fmt: skip
    sent = body if form == "single" else {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    await ihs.faults({"target": "satusehat", "operation": "*.add", "kind": "reset", "count": 1})
    with pytest.raises(aiohttp.ClientError):
        await ihs.post(sent)
    await asyncio.sleep(0.01)
    for probe in probes:
        assert (await ihs.get(probe.format(value=body["identifier"][0]["value"]))).status == 200
    assert (await ihs.post(body)).status == 201
    assert bool((await ihs.admin("GET", "judge")).body["blind_repeats"]) is blind


async def test_the_judge_takes_a_list_of_the_encounter_for_an_answer(ihs, maker):
    body = maker.base("Observation")
    body["identifier"] = [{"system": "http://sys-ids.kemkes.go.id/observation/10000004", "value": "1"}]
    await ihs.faults({"target": "satusehat", "operation": "Observation.add", "kind": "reset", "count": 1})
    with pytest.raises(aiohttp.ClientError):
        await ihs.post(body)
    assert (await ihs.get("Observation?encounter=e-1")).status == 200
    assert (await ihs.post(body)).status == 201
    assert (await ihs.admin("GET", "judge")).body == {"double": [], "blind_repeats": []}
