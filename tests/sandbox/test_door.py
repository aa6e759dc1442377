"""Who may enter, in which order, and with which words (bpjs-auth §1-§8, §12; pcare §22 #14-#17)."""

import json

import pytest

from jknbridge_adapters.bpjs import crypto
from jknbridge_adapters.bpjs.envelope import Kind

PATH = "/peserta/0009999000001"


@pytest.mark.parametrize(
    ("changes", "status", "text"),
    [
        ({"user_key": None}, 403, "Authentication failed"),
        ({"user_key": "salah"}, 403, "Authentication failed"),
        ({"X-cons-id": None}, 401, "X-cons-id"),
        ({"X-cons-id": "1"}, 404, "You are not registered for this service!"),
        ({"X-timestamp": None}, 401, "X-timestamp"),
        ({"X-signature": None}, 401, "X-signature"),
        ({"X-signature": "é"}, 401, "Signature Service Tidak Sesuai"),
        ({"X-timestamp": "1781000000000"}, 401, "Signature Service Tidak Sesuai"),
        ({"X-authorization": None}, 401, "X-authorization"),
        ({"X-authorization": crypto.authorization("uji-99990001", "salah")}, 401, "Unauthorized"),
        ({"X-authorization": crypto.authorization("uji-99990001", "Sandi#99990001", "096")}, 401, "Unauthorized"),
        ({"X-authorization": "Basic x"}, 401, "Unauthorized"),
    ],
)
async def test_refused_at_the_door(pcare, changes, status, text):
    pcare.changes = changes
    answer = await pcare.call("GET", PATH)
    assert answer.http_status == status
    assert text in answer.message + answer.excerpt


@pytest.mark.parametrize(
    ("seconds", "kind"), [(299, Kind.OK), (-299, Kind.OK), (302, Kind.REFUSAL), (-302, Kind.REFUSAL)]
)
async def test_clock_tolerance(pcare, clock, seconds, kind):
    here = type(clock)(clock.now + seconds)
    pcare.clock = here
    assert (await pcare.call("GET", PATH)).kind is kind


async def test_check_order_is_a_switch(pcare):
    pcare.changes = {"user_key": "salah"}
    assert (await pcare.call("GET", "/tidakada")).http_status == 403
    await pcare.option(check_order="path,user_key,consumer,signature,login")
    assert (await pcare.call("GET", "/tidakada")).http_status == 404


async def test_consumer_switches(pcare):
    await pcare.option(consumer_expired=True)
    assert (await pcare.call("GET", PATH)).message == "Unauthorized! Consumer ID is expired!"
    await pcare.option(consumer_expired=False, consumer_registered=False)
    assert (await pcare.call("GET", PATH)).code == "404"
    await pcare.option(consumer_registered=True, user_key_refusal=200)
    pcare.changes = {"user_key": "salah"}
    answer = await pcare.call("GET", PATH)
    assert (answer.http_status, answer.kind) == (200, Kind.GATEWAY)


async def test_answers_are_encrypted_with_the_requests_own_timestamp(pcare):
    status, raw, timestamp = await pcare.raw("GET", PATH)
    response = json.loads(raw)["response"]
    text = crypto.decrypt(response, crypto.answer_key("90001", "rahasia-01", timestamp))
    assert (status, json.loads(text)["noKartu"]) == (200, "0009999000001")
    await pcare.option(cipher_shift=1)
    assert (await pcare.call("GET", PATH)).kind is Kind.UNDECODABLE


async def test_bodies_are_json_under_any_content_type_unless_strict(pcare, make):
    for content_type in ("application/json", "Application/x-www-form-urlencoded", "text/plain; charset=utf-8"):
        pcare.changes = {"Content-Type": content_type}
        assert (await pcare.register()).code in ("201", "412")
    assert (await pcare.call("POST", "/pendaftaran", b"{x")).entries[0].message == "Format json tidak valid"
    await pcare.option(strict_content_type=True)
    pcare.changes = {"Content-Type": "application/json"}
    assert (await pcare.register()).code == "400"


async def test_both_real_paths(pcare):
    pcare.prefix = "PCare-Rest-Dev"
    assert (await pcare.call("GET", PATH)).kind is Kind.OK
    pcare.prefix = "vclaim-rest"
    assert (await pcare.call("GET", PATH)).excerpt == "No Mapping Rule matched"
