"""Each kind of misbehaviour over a real socket: what the client sees, what happened, what the log says."""

import asyncio

import aiohttp
import pytest

from jknbridge.sandbox.faults import KINDS
from jknbridge_adapters.bpjs import crypto
from jknbridge_adapters.bpjs.envelope import Kind

TODAY = "09-06-2026"
CARD = "0009999000001"
DAY = f"/pendaftaran/tglDaftar/{TODAY}"
BROKEN = aiohttp.ClientError


async def effects(pcare):
    return (await pcare.admin("GET", "effects"))[1]


async def last_request(pcare):
    return (await pcare.admin("GET", "requests"))[1][-1]


def numbers(answer):
    return [row["noUrut"] for row in answer.response["list"]]


@pytest.mark.parametrize(
    ("kind", "happens"), [("lost_after", 1), ("reset", 0), ("truncate", 1)], ids=["lost_after", "reset", "truncate"]
)
async def test_answers_that_never_arrive(pcare, kind, happens):
    await pcare.faults({"target": "pcare", "operation": "*.add", "kind": kind, "count": 1})
    with pytest.raises(BROKEN):
        await pcare.register()
    row = await last_request(pcare)
    assert (row["fault"], row["delivered"], row["effect"]) == (kind, False, bool(happens))
    assert row["identity"] == [f"pendaftaran:{TODAY}|{CARD}|001"]
    assert len(await effects(pcare)) == happens
    assert (await pcare.register()).code == ("412" if happens else "201")
    assert (await pcare.admin("GET", "faults"))[1][0]["fired"] == 1


async def test_effect_after_the_client_gave_up(pcare):
    await pcare.faults({"operation": "pendaftaran.add", "kind": "late_effect", "count": 1, "ms": 150})
    with pytest.raises(BROKEN):
        await pcare.register()
    assert await effects(pcare) == []
    assert (await pcare.call("GET", f"{DAY}/0/15")).found_nothing
    await asyncio.sleep(0.3)
    (late,) = await effects(pcare)
    first = (await pcare.admin("GET", "requests"))[1][0]
    assert (late["late"], late["request"], first["effects"]) == (True, first["seq"], [late["seq"]])
    assert (first["status"], first["delivered"]) == (None, False)
    assert numbers(await pcare.call("GET", f"{DAY}/0/15")) == ["A1"]


async def test_late_effect_leaves_reads_alone_and_reset_forgets_it(pcare):
    await pcare.faults({"operation": "*", "kind": "late_effect", "ms": 100})
    assert (await pcare.call("GET", f"{DAY}/0/15")).found_nothing
    with pytest.raises(BROKEN):
        await pcare.register()
    await pcare.admin("POST", "reset", {"target": "pcare"})
    await asyncio.sleep(0.2)
    assert await effects(pcare) == []


async def test_delay_and_a_client_that_leaves(pcare):
    await pcare.faults({"kind": "delay", "operation": "pendaftaran.add", "ms": 300})
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(pcare.register(), 0.1)
    await asyncio.sleep(0.35)
    row = await last_request(pcare)
    assert (row["fault"], row["delivered"], row["status"], row["effect"]) == ("delay", False, 201, True)
    await pcare.faults({"kind": "delay", "operation": "pendaftaran.list", "ms": 60})
    begun = asyncio.get_running_loop().time()
    assert (await pcare.call("GET", f"{DAY}/0/15")).kind is Kind.OK
    assert asyncio.get_running_loop().time() - begun >= 0.06
    assert (await last_request(pcare))["delivered"]


@pytest.mark.parametrize(
    ("kind", "status", "seen", "happens"),
    [
        ("http_5xx", 500, Kind.REFUSAL, 0),
        ("http_429", 429, Kind.GATEWAY, 0),
        ("html", 503, Kind.GATEWAY, 1),
        ("garbage", 201, Kind.UNDECODABLE, 1),
        ("clock_skew", 401, Kind.REFUSAL, 0),
    ],
)
async def test_answers_of_another_kind(pcare, kind, status, seen, happens):
    await pcare.faults({"target": "pcare", "operation": "pendaftaran.add", "kind": kind, "count": 1})
    answer = await pcare.register()
    assert (answer.http_status, answer.kind, len(await effects(pcare))) == (status, seen, happens)
    row = await last_request(pcare)
    assert (row["status"], row["fault"], row["delivered"]) == (status, kind, KINDS[kind].whole)


@pytest.mark.parametrize(("kind", "seen"), [("empty_204", Kind.EMPTY), ("empty_null", Kind.OK)])
async def test_nothing_although_there_is_something(pcare, kind, seen):
    await pcare.register()
    await pcare.faults({"operation": "*", "kind": kind, "count": 1})
    answer = await pcare.call("GET", f"{DAY}/0/15")
    assert (answer.kind, answer.found_nothing) == (seen, True)
    assert (await last_request(pcare))["shown"][0]["identities"] == []
    assert numbers(await pcare.call("GET", f"{DAY}/0/15")) == ["A1"]


async def test_slow_reads(pcare, clock):
    await pcare.faults({"operation": "*", "kind": "slow_reads", "ms": 5000})
    await pcare.register()
    assert (await pcare.call("GET", f"{DAY}/0/15")).found_nothing
    assert (await pcare.register()).says("sudah di-entri")
    clock.now += 6
    assert numbers(await pcare.call("GET", f"{DAY}/0/15")) == ["A1"]


async def test_shifting_pages_hide_a_row_that_an_overlap_reveals(pcare):
    for i in range(1, 5):
        await pcare.register(noKartu=f"0009999{i:06}")
    await pcare.faults({"operation": "pendaftaran.list", "kind": "shifting_pages", "count": 1})
    first, second = [await pcare.call("GET", f"{DAY}/{start}/2") for start in (0, 2)]
    assert (numbers(first), first.response["count"]) == (["Z1", "A1"], 5)
    assert (numbers(second), second.response["count"]) == (["A3", "A4"], 4)
    pages = [row["shown"][0] for row in (await pcare.admin("GET", "requests"))[1][-2:]]
    assert [(page["first"], page["last"], page["total"]) for page in pages] == [(0, 1, 4), (2, 4, 4)]
    assert all("0009999999999" not in name for page in pages for name in page["identities"])


async def test_lockout_until_reset(pcare):
    await pcare.faults({"kind": "lockout", "count": 2})
    right = dict(pcare.changes)
    pcare.changes = {"X-authorization": crypto.authorization("uji-99990001", "salah")}
    for _ in range(2):
        assert (await pcare.register()).http_status == 401
    pcare.changes = right
    assert (await pcare.register()).http_status == 401
    assert (await last_request(pcare))["fault"] == "lockout"
    assert (await pcare.admin("GET", "faults"))[1][0]["fired"] == 1
    await pcare.admin("POST", "reset", {})
    assert (await pcare.register()).code == "201"


async def test_equal_seeds_give_equal_trouble(pcare):
    async def run(seed):
        await pcare.faults({"operation": "peserta.read", "kind": "http_5xx", "probability": 0.5, "seed": seed})
        return [(await pcare.call("GET", f"/peserta/{CARD}")).http_status for _ in range(24)]

    first = await run(3)
    assert first == await run(3) != await run(4)
    assert set(first) == {200, 500}


@pytest.mark.parametrize(
    ("faults", "says"),
    [
        ({"kind": "delay"}, "list"),
        ([1], "object"),
        ([{"kind": "explode"}], "lost_after"),
        ([{"kind": "delay", "milliseconds": 5}], "milliseconds"),
        ([{"kind": "delay", "target": "vclaim"}], "pcare"),
        ([{"kind": "delay", "operation": "pendaftaran.ad"}], "pendaftaran.add"),
        ([{"kind": "delay", "probability": 2}], "probability"),
        ([{"kind": "delay", "count": 0}], "count"),
        ([{"kind": "delay", "ms": "5"}], "ms"),
    ],
)
async def test_what_is_not_understood_is_refused_and_changes_nothing(pcare, faults, says):
    await pcare.faults({"kind": "reset", "operation": "*.add"})
    status, answer = await pcare.admin("POST", "faults", faults)
    assert (status, says in answer["error"]) == (400, True)
    assert [fault["kind"] for fault in (await pcare.admin("GET", "faults"))[1]] == ["reset"]
