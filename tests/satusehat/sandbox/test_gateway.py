"""Token endpoint, gateway refusals and what faults look like here (satusehat §3, §4, §20 #1, #2, #10)."""

import asyncio

import aiohttp
import pytest

FHIR = "/fhir-r4/v1"


async def test_a_token_and_its_lifetime(ihs, clock):
    answer = await ihs.ask_token()
    token = answer.body
    assert (token["token_type"], token["expires_in"], token["status"]) == ("BearerToken", "3599", "approved")
    assert all(isinstance(value, str) for name, value in token.items() if name != "api_product_list_json")
    clock.now += 3598
    assert (await ihs.get("Patient/P90000000001")).status == 200
    clock.now += 2
    refused = await ihs.get("Patient/P90000000001")
    assert (refused.status, refused.body["fault"]["detail"]["errorcode"]) == (401, "oauth.v2.InvalidAccessToken")
    assert "WWW-Authenticate" in refused.headers
    await ihs.option(token_lifetime=2)
    assert (await ihs.ask_token()).body["expires_in"] == "2"


@pytest.mark.parametrize(
    "wrong", [{"client_id": "tidak-ada"}, {"secret": "salah"}, {"grant": "password"}], ids=["client", "secret", "grant"]
)
async def test_refused_clients(ihs, wrong):
    refused = await ihs.ask_token(**wrong)
    assert (refused.status, refused.body["ErrorCode"]) == (401, "invalid_client")
    assert "WWW-Authenticate" not in refused.headers
    await ihs.option(token_refusal="outcome")
    assert (await ihs.ask_token(**wrong)).body["issue"][0]["severity"] == "invalid"
    await ihs.option(token_refusal="html")
    assert (await ihs.ask_token(**wrong)).status == 403


async def test_token_calls_too_close(ihs, clock):
    await ihs.option(token_interval=60)
    clock.now += 61
    assert (await ihs.ask_token()).status == 200
    clock.now += 59
    assert (await ihs.ask_token()).status == 429
    clock.now += 2
    assert (await ihs.ask_token()).status == 200


async def test_lockout_of_a_client(ihs):
    await ihs.faults({"target": "satusehat", "operation": "token.ask", "kind": "lockout", "count": 2})
    for _ in range(2):
        assert (await ihs.ask_token(secret="salah")).status == 401
    assert (await ihs.ask_token()).status == 401
    await ihs.admin("POST", "reset", {"target": "satusehat"})
    assert (await ihs.ask_token()).status == 200


async def test_gateway_switches(ihs, session):
    await ihs.option(api_product=False)
    refused = await ihs.get("Patient/P90000000001")
    assert (refused.status, refused.body["fault"]["detail"]["errorcode"].split(".")[0]) == (401, "keymanagement")
    await ihs.option(api_product=True, user_agent="403")
    async with aiohttp.ClientSession(skip_auto_headers=["User-Agent"]) as bare:
        headers = {"Authorization": f"Bearer {ihs.token}"}
        async with bare.get(f"{ihs.base}{FHIR}/Patient", headers=headers) as response:
            assert (response.status, response.content_type) == (403, "text/html")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/fhir-r4/v2/Patient"), ("GET", f"{FHIR}/Basic"), ("DELETE", f"{FHIR}/Patient/1"), ("GET", "/fhir-r4"),
     ("GET", f"{FHIR}/Patient/1/_history"), ("GET", "/oauth2/v1/accesstoken"), ("POST", "/consent/v1/Basic")],
)  # fmt: skip
async def test_wrong_paths_are_empty_404s(ihs, method, path):
    answer = await ihs.call(method, path)
    assert (answer.status, answer.raw) == (404, b"")


async def test_metadata(ihs):
    assert (await ihs.get("metadata")).body["fhirVersion"] == "4.0.1"


@pytest.mark.parametrize(
    ("kind", "option", "status", "text"),
    [("http_5xx", "503", 503, b"no healthy upstream"), ("http_5xx", "504", 504, b"Gateway Timeout"),
     ("http_5xx", "500", 500, b"unexpected internal error"), ("http_5xx", "502", 502, b"502 Server Error"),
     ("http_429", "503", 429, b"QuotaViolation"), ("html", "503", 403, b"<!doctype html>")],
)  # fmt: skip
async def test_faults_in_the_platforms_clothes(ihs, maker, kind, option, status, text):
    await ihs.option(server_error=option)
    await ihs.faults({"target": "satusehat", "operation": "Condition.add", "kind": kind, "count": 1})
    answer = await ihs.post(maker.base("Condition"))
    assert answer.status == status
    assert text in answer.raw
    assert "Retry-After" not in answer.headers
    done = {"html": 1}.get(kind, 0)
    assert len((await ihs.admin("GET", "effects")).body) == done


async def test_lost_and_late_effects_are_known(ihs, maker):
    for kind, expected in (("lost_after", 1), ("reset", 0), ("truncate", 1)):
        await ihs.faults({"target": "satusehat", "operation": "Condition.add", "kind": kind, "count": 1})
        with pytest.raises(aiohttp.ClientError):
            await ihs.post(maker.base("Condition"))
        await asyncio.sleep(0.01)
        assert len((await ihs.admin("GET", "effects")).body) == expected
        await ihs.admin("POST", "reset", {})
        await ihs.load(*LOADED)
    late = {"target": "satusehat", "operation": "Condition.add", "kind": "late_effect", "ms": 30, "count": 1}
    await ihs.faults(late)
    with pytest.raises(aiohttp.ClientError):
        await ihs.post(maker.base("Condition"))
    assert (await ihs.admin("GET", "effects")).body == []
    await asyncio.sleep(0.1)
    (effect,) = (await ihs.admin("GET", "effects")).body
    assert (effect["operation"], effect["late"]) == ("Condition.add", True)


LOADED = [
    {"resourceType": "Patient", "id": "P90000000001"},
    {"resourceType": "Practitioner", "id": "N90000001"},
    {"resourceType": "Encounter", "id": "e-1"},
]


async def test_a_clock_ahead_lets_the_future_in_and_tokens_out(ihs, maker):
    ahead = {"target": "satusehat", "operation": "Condition.add", "kind": "clock_skew", "ms": 3_000_000}
    body = {**maker.base("Condition"), "recordedDate": "2026-06-09T10:50:00+00:00"}
    assert (await ihs.post(body)).says(10403)
    await ihs.faults(ahead)
    assert (await ihs.post(body)).status == 201
    await ihs.faults({**ahead, "ms": 4_000_000})
    assert (await ihs.post(body)).status == 401


async def test_settings_point_at_this_port(sandbox):
    text = sandbox.print_config()
    assert "[faskes.99990001.satusehat]" in text
    assert f'base_url = "{sandbox.base_url}"' in text
    assert 'organization_id = "10000004"' in text
    assert "mpdn" not in text
