"""Transaction Bundles: links, all or nothing, repeats, what may stay behind (satusehat §18)."""

import pytest

UUIDS = [f"urn:uuid:00000000-0000-4000-8000-{n:012d}" for n in range(9)]
CONDITION = "http://sys-ids.kemkes.go.id/condition/10000004"


def bundle(*resources):
    entries = [
        {"fullUrl": full_url, "resource": body, "request": {"method": "POST", "url": body["resourceType"]}}
        for full_url, body in zip(UUIDS, resources, strict=False)
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


@pytest.fixture
def visit(maker):
    """An Encounter with a link forward to its Condition, which links back."""
    encounter = maker.base("Encounter")
    encounter["diagnosis"] = [{"condition": {"reference": UUIDS[1]}}]
    condition = {**maker.base("Condition"), "encounter": {"reference": UUIDS[0]}}
    condition["identifier"] = [{"system": CONDITION, "value": "1"}]
    return [encounter, condition]


async def held(ihs):
    resources = (await ihs.admin("GET", "state?target=satusehat")).body["resources"]
    return {kind: len(resources.get(kind, [])) for kind in ("Encounter", "Condition")}


async def test_links_of_both_forms(ihs, visit):
    visit[1]["encounter"]["reference"] = f"Encounter/{UUIDS[0].removeprefix('urn:uuid:')}"
    visit[1]["evidence"] = [{"detail": [{"reference": UUIDS[8]}]}]
    answer = await ihs.post(bundle(*visit))
    encounter, condition = (entry["response"]["resourceID"] for entry in answer.body["entry"])
    stored = (await ihs.get(f"Condition/{condition}")).body
    assert stored["encounter"]["reference"] == f"Encounter/{encounter}"
    assert stored["evidence"][0]["detail"][0]["reference"] == UUIDS[8]
    stored = (await ihs.get(f"Encounter/{encounter}")).body
    assert stored["diagnosis"][0]["condition"]["reference"] == f"Condition/{condition}"


async def test_all_or_nothing(ihs, visit):
    before = await held(ihs)
    for change in ({"subject": None}, {"subject": {"reference": "Patient/tidak-ada"}}):
        assert (await ihs.post(bundle(visit[0], {**visit[1], **change}))).status == 400
    assert await held(ihs) == before
    assert (await ihs.admin("GET", "effects")).body == []


async def test_a_repeat_is_a_duplicate_and_so_is_its_content_alone(ihs, visit):
    assert (await ihs.post(bundle(*visit))).status == 200
    assert (await ihs.post(bundle(*visit))).says(20002)
    (entry,) = (await ihs.get(f"Condition?identifier={CONDITION}%7C1")).body["entry"]
    as_stored = {name: value for name, value in entry["resource"].items() if name not in ("id", "meta")}
    assert (await ihs.post(as_stored)).says(20002)


async def test_an_encounter_may_stay_behind(ihs, visit):
    before = await held(ihs)
    await ihs.option(bundle_leaves_encounter=True, index_delay=60_000)
    assert (await ihs.post(bundle(visit[0], {**visit[1], "subject": None}))).says(10125)
    assert await held(ihs) == {**before, "Encounter": before["Encounter"] + 1}
    assert (await ihs.post(bundle(*visit))).says(20002)
    identifier = visit[0]["identifier"][0]
    path = f"Encounter?identifier={identifier['system']}%7C{identifier['value']}"
    assert (await ihs.get(path)).body["total"] == 0
    await ihs.option(index_delay=0)
    (entry,) = (await ihs.get(path)).body["entry"]
    assert entry["resource"]["diagnosis"][0]["condition"]["reference"] == UUIDS[1]


async def test_a_put_in_a_bundle(ihs, maker):
    made = (await ihs.post(maker.base("Condition"))).body
    entry = {"fullUrl": UUIDS[0], "resource": {**made, "note": [{"text": "x"}]},
             "request": {"method": "PUT", "url": f"Condition/{made['id']}"}}  # fmt: skip
    answer = await ihs.post({"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
    assert answer.body["entry"][0]["response"]["status"] == "200 OK"
    assert (await ihs.get(f"Condition/{made['id']}")).body["note"] == [{"text": "x"}]


async def test_what_is_no_transaction(ihs, visit):
    good = bundle(*visit)
    entry = good["entry"][0]
    for broken in (
        {**good, "type": "batch"}, {**good, "entry": []}, {**good, "entry": [{**entry, "request": None}]},
        {**good, "entry": [{**entry, "request": {"method": "DELETE", "url": "Encounter/1"}}]},
        {**good, "entry": [{**entry, "request": {"method": "POST", "url": "Encounter/1"}}]},
    ):  # fmt: skip
        assert (await ihs.post(broken)).text == "unparseable_resource"


async def test_a_bundle_may_be_large(ihs, maker):
    conditions = [{**maker.base("Condition"), "note": [{"text": str(n)}]} for n in range(141)]
    entries = [
        {"fullUrl": f"urn:uuid:00000000-0000-4000-8000-{n:012d}", "resource": body,
         "request": {"method": "POST", "url": "Condition"}}
        for n, body in enumerate(conditions)
    ]  # fmt: skip
    answer = await ihs.post({"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert (answer.status, answer.body["total"]) == (200, 141)
