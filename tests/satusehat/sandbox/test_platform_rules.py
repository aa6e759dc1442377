"""Rules that are not about an element, 20002 to 20021: each refuses one request, lets another pass (satusehat §6)."""

import pytest

UUIDS = [f"urn:uuid:00000000-0000-4000-8000-{n:012d}" for n in range(9)]


def entry(resource, full_url=UUIDS[0], **more):
    return {
        "fullUrl": full_url,
        "resource": resource,
        "request": {"method": "POST", "url": resource["resourceType"]},
        **more,
    }


def bundle(*entries):
    return {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}


async def test_bodies(ihs, maker):
    for raw, rule in (
        (b"", 20005),
        (b"  ", 20005),
        (b"{", 20006),
        (b"[]", 20008),
        (b'{"resourceType": "Goal"}', 20008),
    ):
        answer = await ihs.call("POST", "/fhir-r4/v1/Condition", raw)
        assert (answer.status, answer.says(rule)) == (400, True), raw
    assert (await ihs.post(maker.base("Condition"))).status == 201


async def test_scope_of_a_client(client_of, known_targets, maker):
    lab = await client_of("10000092", client_id="uji-klien-lab", secret="rahasia-lab")
    await lab.load(*known_targets)
    assert (await lab.post(maker.base("Condition"))).says(20003)
    assert (await lab.post(maker.base("Observation"))).status == 201


async def test_types_that_a_facility_may_not_write(ihs, maker):
    answer = await ihs.post({"resourceType": "Practitioner"})
    assert (answer.status, answer.text) == (
        400,
        "Resource Practitioner is not allowed for current access class (RuleNumber: 20004)",
    )
    assert (await ihs.post(maker.base("Location"))).status == 201


async def test_unknown_reference_with_its_number(ihs, maker):
    await ihs.option(reference_form="20007")
    body = maker.base("Condition")
    refused = await ihs.post({**body, "encounter": {"reference": "Encounter/tidak-ada"}})
    assert refused.text == "Resource not found Encounter/tidak-ada (RuleNumber: 20007)"
    assert (await ihs.post(body)).status == 201


@pytest.mark.parametrize(
    ("full_url", "rule"),
    [("urn:uuid:", 20017), (5, 20017), ("https://example.org/1", 20018), ("urn:uuid:bukan-uuid", 20019),
     ("urn:uuid:1234", 20019), (None, 20021), ("", 20021)],
)  # fmt: skip
async def test_full_urls(ihs, maker, full_url, rule):
    refused = await ihs.post(bundle(entry(maker.base("Condition"), full_url)))
    assert (refused.status, refused.says(rule)) == (400, True), refused.body
    assert (await ihs.post(bundle(entry(maker.base("Condition"))))).status == 200


async def test_repeated_full_url(ihs, maker):
    twice = bundle(entry(maker.base("Condition")), entry(maker.base("Condition")))
    assert (await ihs.post(twice)).says(20020)
    assert (await ihs.post(bundle(twice["entry"][0], entry(maker.base("Condition"), UUIDS[1])))).status == 200


async def test_placeholders_of_the_published_samples(ihs, maker):
    sent = bundle(entry(maker.base("Condition"), "urn:uuid:UJI-RJK-1"))
    assert (await ihs.post(sent)).status == 200
    await ihs.option(full_url_uuid="strict")
    assert (await ihs.post(sent)).says(20019)


async def test_nested_bundle(ihs, maker):
    assert (await ihs.post(bundle(entry(bundle())))).says(20011)
    assert (await ihs.post(bundle(entry(maker.base("Condition"))))).status == 200


async def test_entries_after_a_refused_one(ihs, maker):
    encounter = {**maker.base("Encounter"), "subject": None}
    condition = {**maker.base("Condition"), "encounter": {"reference": UUIDS[0]}}
    other = {**maker.base("Condition"), "subject": None}
    sent = bundle(entry(encounter), entry(condition, UUIDS[1]), entry(other, UUIDS[2]))
    judged = await ihs.post(sent)
    assert [judged.says(rule) for rule in (10118, 10125, 20012, 20013)] == [True, True, False, False]
    await ihs.option(bundle_followers="skipped")
    skipped = await ihs.post(sent)
    assert [skipped.says(rule) for rule in (10118, 10125, 20012, 20013)] == [True, False, True, True]


async def test_everything(ihs):
    answer = await ihs.get("Patient/P90000000001/$everything")
    assert answer.text == "Everything search is not supported for resource Patient (RuleNumber: 20014)"
    assert (await ihs.get("Patient/P90000000001")).status == 200


TESTS = [
    {"op": "test", "path": "/name", "value": [{"text": "Pasien Uji"}]},
    {"op": "test", "path": "/gender", "value": "female"},
    {"op": "test", "path": "/birthDate", "value": "1990-01-01"},
]


async def test_who_may_patch_a_patient(ihs, client_of, maker):
    place = f"Patient/{(await ihs.post(maker.base('Patient'))).body['id']}"
    marital = {"op": "replace", "path": "/multipleBirthInteger", "value": 1}
    portal = await client_of("10000091", client_id="uji-klien-portal", secret="rahasia-portal")
    refused = await portal.patch(place, *TESTS, marital)
    assert refused.text.endswith("Please remove attribute: multipleBirthInteger (RuleNumber: 20015)")
    dead = {"op": "add", "path": "/deceasedBoolean", "value": True}
    assert (await portal.patch(place, *TESTS, dead)).status == 200
    await ihs.option(patient_edit="refused")
    assert (await ihs.patch(place, *TESTS, marital)).says(20016)
    await ihs.option(patient_edit="allowed")
    assert (await ihs.patch(place, *TESTS, marital)).status == 200
