"""Reads, PUT, PATCH, duplicates, load and reset, ownership, what the platform adds (satusehat §4, §5, §7, §15)."""

import base64
import copy
import re

import pytest

SYSTEM = "http://sys-ids.kemkes.go.id/condition/10000004"


def condition(maker, value="1", **changes):
    return {**maker.base("Condition"), "identifier": [{"system": SYSTEM, "value": value}], **changes}


async def test_headers_and_meta(ihs, maker):
    sent = condition(maker)
    made = await ihs.post(sent)
    meta = made.body["meta"]
    assert re.fullmatch(r"2026-06-09T10:13:20\.\d{6}\+00:00", meta["lastUpdated"])
    padded = meta["versionId"] + "=" * (-len(meta["versionId"]) % 4)
    assert base64.urlsafe_b64decode(padded).isdigit()
    assert "=" not in meta["versionId"]
    assert made.headers["ETag"] == f'W/"{meta["versionId"]}"'
    place = f"/fhir/Condition/{made.body['id']}/_history/{meta['versionId']}"
    assert made.headers["Location"].startswith("https://healthcare.googleapis.com/")
    assert made.headers["Location"].endswith(place)
    assert made.headers["Content-Type"] == "application/json"
    read = await ihs.get(f"Condition/{made.body['id']}")
    assert read.body == made.body
    assert "Location" not in read.headers
    assert "Last-Modified" in read.headers
    assert read.headers["ETag"] == made.headers["ETag"]


async def test_what_the_platform_does_to_identifiers(ihs, maker):
    bare = maker.base("Condition")
    assert (await ihs.post(bare)).body["identifier"] == []
    await ihs.option(identifier_answer="creator")
    made = (await ihs.post(condition(maker))).body
    creator = {"system": "http://sys-ids.kemkes.go.id/creator", "value": "10000004"}
    assert made["identifier"] == [{"system": SYSTEM, "value": "1"}, creator]
    put = await ihs.put(made)
    assert put.body["identifier"].count(creator) == 1
    await ihs.option(identifier_answer="as_sent")
    assert "identifier" not in (await ihs.post(bare)).body


async def test_equal_identifier_and_content_is_a_duplicate_other_content_is_not(ihs, maker):
    first = condition(maker)
    assert (await ihs.post(first)).status == 201
    assert (await ihs.post(dict(reversed(first.items())))).says(20002)
    other = {**first, "note": [{"text": "berubah"}]}
    assert (await ihs.post(other)).status == 201
    assert (await ihs.get(f"Condition?identifier={SYSTEM}%7C1")).body["total"] == 2
    (double,) = (await ihs.admin("GET", "judge")).body["double"]
    assert double["identity"] == f"Condition:Encounter/e-1|{SYSTEM}|1"
    await ihs.option(duplicate_by="identifier")
    assert (await ihs.post({**first, "note": [{"text": "lain"}]})).says(20002)


async def test_without_identifier_nothing_is_a_duplicate(ihs, maker):
    body = maker.base("Condition")
    assert [(await ihs.post(body)).status for _ in range(2)] == [201, 201]
    assert (await ihs.admin("GET", "judge")).body["double"] == []


async def test_put(ihs, maker):
    made = (await ihs.post(condition(maker))).body
    changed = {**made, "recordedDate": "2026-06-02T01:00:00+07:00"}
    put = await ihs.put(changed)
    assert (put.status, put.body["recordedDate"]) == (200, "2026-06-02T01:00:00+07:00")
    assert put.body["meta"]["versionId"] != made["meta"]["versionId"]
    assert "Location" in put.headers
    assert (await ihs.get(f"Condition/{made['id']}")).body == put.body
    new = {**condition(maker, "2"), "id": "bukan-uuid"}
    assert (await ihs.put(new)).status == 201
    assert [row["operation"] for row in (await ihs.admin("GET", "effects")).body] == [
        "Condition.add", "Condition.edit", "Condition.add",
    ]  # fmt: skip
    assert (await ihs.put({"resourceType": "Patient", "id": "P90000000001"})).status == 400


async def test_case_of_members(ihs, maker):
    body = condition(maker)
    body["Subject"] = {"Reference": body.pop("subject")["reference"]}
    made = await ihs.post(body)
    assert made.body["subject"] == {"reference": "Patient/P90000000001"}
    await ihs.option(member_case="exact")
    assert (await ihs.post(body)).text == "unparseable_resource"
    assert (await ihs.post(condition(maker, "2"))).status == 201


async def test_load_is_verbatim_and_replaces(ihs, client_of, maker):
    odd = {"resourceType": "Condition", "id": "c-9", "code": "bukan konsep", "subject": {"reference": "Patient/P1"}}
    await ihs.load(odd)
    assert (await ihs.get("Condition/c-9")).body == odd
    assert (await ihs.get("Condition?subject=P1")).body["total"] == 1
    await ihs.load({**odd, "subject": {"reference": "Patient/P2"}})
    assert (await ihs.get("Condition?subject=P1")).body["total"] == 0
    assert (await ihs.get("Condition?patient=P2")).body["total"] == 1
    whole = {**condition(maker), "id": "c-9"}
    assert (await ihs.put(whole)).status == 200
    assert (await ihs.patch("Condition/c-9", {"op": "add", "path": "/note", "value": []})).status == 200
    await ihs.load(odd, owner="10000005")
    assert (await ihs.put(whole)).issues[0][0] == "forbidden"
    assert (await ihs.patch("Condition/c-9", {"op": "add", "path": "/note", "value": []})).issues[0][0] == "forbidden"
    assert (await (await client_of("10000005")).put(whole)).status == 400  # another organisation's identifier
    assert (await ihs.admin("GET", "effects")).body[-1]["operation"] == "Condition.edit"
    state = (await ihs.admin("GET", "state?target=satusehat")).body["resources"]["Condition"]
    assert [row for row in state if row["resource"]["id"] == "c-9"] == [{"owner": "10000005", "resource": odd}]


@pytest.mark.parametrize(
    "document",
    [{"resources": [{"resourceType": "Patient"}]}, {"resources": [5]}, {"resources": {}}, {"owner": 5}, {"apa": 1},
     {"clients": [{"client_id": "a"}]}, {"clients": [{"kind": "x"}]}, {"clients": [5]}],
)  # fmt: skip
async def test_loads_that_make_no_sense(ihs, document):
    assert (await ihs.admin("POST", "load", {"target": "satusehat", **document})).status == 400


async def test_loaded_clients_may_call_and_outlive_a_reset(ihs, client_of):
    new = {"client_id": "uji-klien-77", "client_secret": "rahasia-77", "organization_id": "77"}
    assert (await ihs.admin("POST", "load", {"target": "satusehat", "clients": [new]})).status == 200
    await ihs.option(page_size=1)
    await ihs.admin("POST", "reset", {"target": "satusehat"})
    assert (await ihs.get("Patient/P90000000001")).status == 404
    assert (await ihs.admin("GET", "options")).body["satusehat"]["page_size"]["value"] == 100
    assert (await (await client_of("77")).get("Patient")).body["total"] == 0


async def test_by_hand(ihs, maker):
    request = {"target": "satusehat", "facility": "99990001", "operation": "Condition.add", "body": condition(maker)}
    answer = (await ihs.admin("POST", "tangan", request)).body
    assert answer["status"] == 201
    (effect,) = (await ihs.admin("GET", "effects")).body
    assert (effect["origin"], effect["receipt"]["id"]) == ("hand", answer["receipts"][0]["id"])
    edited = {**condition(maker), "id": effect["receipt"]["id"], "note": [{"text": "oleh petugas"}]}
    assert (await ihs.admin("POST", "tangan", {**request, "operation": "Condition.edit", "body": edited})).status == 200
    for wrong in ({"facility": "0"}, {"operation": "Condition.read"}, {"operation": "x"}, {"body": 5}, {"body": {}}):
        assert (await ihs.admin("POST", "tangan", {**request, **wrong})).status == 400


async def test_patch(ihs, maker):
    made = (await ihs.post(condition(maker))).body
    place = f"Condition/{made['id']}"
    done = await ihs.patch(
        place,
        {"op": "test", "path": "/subject/reference", "value": "Patient/P90000000001"},
        {"op": "add", "path": "/note", "value": [{"text": "a/b~c"}]},
        {"op": "add", "path": "/note/-", "value": {"text": "dua"}},
        {"op": "replace", "path": "/Note/0/text", "value": "satu"},
        {"op": "remove", "path": "/note/1"},
    )
    assert (done.status, done.body["note"]) == (200, [{"text": "satu"}])
    assert "ETag" in done.headers
    assert "Location" in done.headers
    wrong = await ihs.patch(place, {"op": "replace", "path": "/note", "value": []}, content_type="application/json")
    assert (wrong.status, wrong.text) == (400, "invalid_headers")
    for operation in (
        {"op": "test", "path": "/note/0/text", "value": "lain"}, {"op": "remove", "path": "/tidakada"},
        {"op": "copy", "from": "/note", "path": "/x"}, {"op": "replace", "path": "/note/9", "value": 1},
        {"op": "add", "path": "/note/9", "value": 1}, {"op": "add", "path": "/note"}, {"op": "add", "path": ""},
        {"op": "replace", "path": "/id", "value": "lain"},
    ):  # fmt: skip
        assert (await ihs.patch(place, operation)).text == "merge_failed", operation
    assert (await ihs.patch("Condition/tidak-ada", {"op": "remove", "path": "/note"})).status == 404
    assert (await ihs.patch(place, {"op": "remove", "path": "/subject"})).says(10125)
    away = {"op": "replace", "path": "/encounter/reference", "value": "Encounter/tidak-ada"}
    assert (await ihs.patch(place, away)).text == "reference target(s) not found: Encounter/tidak-ada"


async def test_patch_judges_only_what_it_brings(ihs):
    await ihs.load({"resourceType": "Condition", "id": "c-9", "subject": {"reference": "Patient/tidak-ada"}})
    done = await ihs.patch("Condition/c-9", {"op": "add", "path": "/recordedDate", "value": "2026-06-01T00:00:00Z"})
    assert done.status == 200
    bad = await ihs.patch("Condition/c-9", {"op": "add", "path": "/recordedDate", "value": "2026-06-01"})
    assert [bad.says(10403), bad.says(10126)] == [True, False]


async def test_patch_of_an_episode(ihs, maker):
    made = (await ihs.post(maker.base("EpisodeOfCare"))).body
    place = f"EpisodeOfCare/{made['id']}"
    patient = {"op": "replace", "path": "/patient", "value": made["patient"]}
    done = await ihs.patch(place, patient, {"op": "replace", "path": "/status", "value": "finished"})
    assert done.status == 200
    assert set(done.body) == {"id", "meta", "resourceType", "status"}
    await ihs.option(episode_patch_patient=False)
    assert (await ihs.patch(place, {"op": "replace", "path": "/status", "value": "active"})).status == 200


async def test_patch_of_a_location(ihs, maker):
    made = (await ihs.post(maker.base("Location"))).body
    place, system = f"Location/{made['id']}", "http://terminology.hl7.org/CodeSystem/v2-0116"
    add = {"op": "add", "path": "/operationalStatus/system", "value": system}
    done = await ihs.patch(place, add)
    assert (done.status, done.body["operationalStatus"]) == (200, {"system": system})
    assert (await ihs.patch(place, {**add, "op": "replace"})).says(10171)


async def test_nothing_sent_ends_in_a_crash(ihs, maker):
    """Every member of a resource, and of a Bundle's entry, replaced by what does not belong there."""
    odd = (None, 5, "x", [], {}, [5], {"x": [None]})
    body = condition(maker)
    for name in ("identifier", "subject", "encounter", "meta", "code", "category", "resourceType"):
        for value in odd:
            assert (await ihs.post({**body, name: value, "resourceType": "Condition"})).status in (201, 400)
            assert (await ihs.call("POST", "/fhir-r4/v1/Condition", {**body, name: value})).status in (201, 400)
    for kind in ("Encounter", "Patient", "Observation"):
        whole = maker.base(kind)
        for name in whole:
            for value in odd:
                broken = copy.deepcopy({**whole, name: value})
                assert (await ihs.call("POST", f"/fhir-r4/v1/{kind}", broken)).status in (200, 201, 400), (name, value)
    entry = {"fullUrl": "urn:uuid:00000000-0000-4000-8000-000000000001", "resource": body,
             "request": {"method": "POST", "url": "Condition"}}  # fmt: skip
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    for value in odd:
        for name in entry:
            assert (await ihs.post({**bundle, "entry": [{**entry, name: value}]})).status in (200, 400), (name, value)
        for name in ("type", "entry"):
            assert (await ihs.post({**bundle, name: value})).status == 400
        assert (await ihs.call("PATCH", "/fhir-r4/v1/Encounter/e-1", [value],
                               **{"Content-Type": "application/json-patch+json"})).status == 400  # fmt: skip
