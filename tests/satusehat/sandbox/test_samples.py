"""The project's own samples: a visit's resources in SATUSEHAT's shape are accepted, alone and as one Bundle."""

import json
from pathlib import Path

import pytest

from jknbridge_adapters.satusehat.rules_check_references import literal, split

SAMPLES = Path(__file__).parent.parent / "samples"


def sample(name):
    return json.loads((SAMPLES / f"{name}.json").read_text())


ENTRIES = sample("bundle-rawat-jalan")["entry"]
NAMES = {entry["fullUrl"]: f"{entry['resource']['resourceType']}/{i}" for i, entry in enumerate(ENTRIES)}


async def load_targets(ihs, *bodies):
    await ihs.load(*({"resourceType": split(r)[0], "id": split(r)[1]} for b in bodies for r in literal(b)))


@pytest.mark.parametrize("index", range(len(ENTRIES)), ids=[e["resource"]["resourceType"] for e in ENTRIES])
async def test_each_resource_alone(ihs, index):
    text = json.dumps(ENTRIES[index]["resource"])
    for full_url, name in NAMES.items():
        text = text.replace(full_url, name)
    body = json.loads(text)
    await load_targets(ihs, body)
    answer = await ihs.post(body)
    assert answer.status == 201, answer.body
    assert {**answer.body, "id": None, "meta": None, "identifier": None} == {
        **body, "id": None, "meta": None, "identifier": None,
    }  # fmt: skip
    again = await ihs.post(dict(reversed(body.items())))
    assert (again.status, again.says(20002)) == (400, True)


@pytest.mark.parametrize("name", ["encounter-rawat-inap", "encounter-igd", "episodeofcare-anc", "medication"])
async def test_other_samples(ihs, name):
    body = sample(name)
    await load_targets(ihs, body)
    answer = await ihs.post(body)
    assert answer.status == 201, answer.body


@pytest.mark.parametrize("slash", ["", "/"])
async def test_the_visit_as_one_bundle(ihs, slash):
    answer = await ihs.call("POST", f"/fhir-r4/v1{slash}", sample("bundle-rawat-jalan"))
    assert answer.status == 200, answer.body
    assert (answer.body["type"], answer.body["total"]) == ("transaction-response", len(ENTRIES))
    responses = [entry["response"] for entry in answer.body["entry"]]
    assert [r["resourceType"] for r in responses] == [e["resource"]["resourceType"] for e in ENTRIES]
    assert {(r["status"], r["etag"], r["lastModified"]) for r in responses} == {
        ("201 Created", responses[0]["etag"], responses[0]["lastModified"])
    }
    assert "Location" not in answer.headers
    assert "ETag" not in answer.headers
    encounter = responses[0]["resourceID"]
    assert f"/fhir-r4/v1/Encounter/{encounter}/_history/" in responses[0]["location"]
    stored = (await ihs.get(f"Encounter/{encounter}")).body
    assert stored["diagnosis"][0]["condition"]["reference"] == f"Condition/{responses[1]['resourceID']}"
    for kind, rows in (("Observation", 4), ("Condition", 2), ("MedicationRequest", 1), ("Composition", 1)):
        assert (await ihs.get(f"{kind}?encounter={encounter}")).body["total"] == rows
    effects = (await ihs.admin("GET", "effects?target=satusehat")).body
    assert len(effects) == len(ENTRIES)
    assert effects[0]["operation"] == "Encounter.add"
    assert effects[0]["key"] == "Encounter/uji-kunjungan-1"
    assert effects[0]["receipt"]["id"] == encounter
