"""`/_sandbox/*`: logs, options, load, hands, reset, and the sandbox in a thread with its printed settings."""

import json
import tomllib
import urllib.request

import pytest

from jknbridge.sandbox.server import SandboxThread
from jknbridge_adapters.pcare.sandbox import make_sandbox

TODAY = "09-06-2026"
CARD = "0009999000001"


async def test_hands(pcare, make):
    async def hand(operation, **body):
        document = {"target": "pcare", "facility": "99990001", "operation": operation, "body": body}
        return await pcare.admin("POST", "tangan", document)

    status, answer = await hand("pendaftaran.add", **make["registration"]())
    assert (status, answer["receipts"]) == (200, [{"noUrut": "A1"}])
    assert (await pcare.register()).says("sudah di-entri")
    _, answer = await hand("kunjungan.add", **make["kunjungan"]())
    number = answer["receipts"][0]["noKunjungan"]
    await hand("obat.add", **make["obat"](number))
    status, answer = await hand("pendaftaran.delete", noKartu=CARD, tglDaftar=TODAY, kdPoli="001")
    assert (status, "sudah dilayani" in answer["error"]) == (400, True)
    assert (await hand("obat.delete", kdObatSK=1, noKunjungan=number))[0] == 200
    assert (await hand("kunjungan.delete", noKunjungan=number))[0] == 200
    assert (await hand("pendaftaran.delete", noKartu=CARD, tglDaftar=TODAY, kdPoli="001"))[0] == 200
    _, effects = await pcare.admin("GET", "effects")
    assert [(row["operation"], row["origin"]) for row in effects] == [
        (f"{kind}.{verb}", "hand")
        for kind, verb in zip(
            ["pendaftaran", "kunjungan", "obat", "obat", "kunjungan", "pendaftaran"],
            ["add"] * 3 + ["delete"] * 3,
            strict=True,
        )
    ]
    keys = ("seq", "time", "target", "facility", "operation", "key", "payload", "origin")
    assert all(key in effects[0] for key in keys)


@pytest.mark.parametrize(
    "document",
    [
        {"target": "x"},
        {"target": "pcare", "facility": "0", "operation": "pendaftaran.add", "body": {}},
        {"target": "pcare", "facility": "99990001", "operation": "pendaftaran.list", "body": {}},
        {"target": "pcare", "facility": "99990001", "operation": "obat.delete", "body": {}},
        {"target": "pcare", "facility": "99990001", "operation": "pendaftaran.add", "body": []},
        {"target": "pcare", "facility": "99990001", "operasi": "x"},
        [],
    ],
)
async def test_hands_that_make_no_sense(pcare, document):
    status, answer = await pcare.admin("POST", "tangan", document)
    assert (status, bool(answer["error"])) == (400, True)


async def test_load_people_and_places(pcare, clock):
    document = {
        "target": "pcare",
        "facilities": [{"kdProvider": "99990007", "nmProvider": "Klinik Uji", "zona": "WITA"}],
        "participants": [{"noKartu": "0009999123456", "nik": "9999123456789012", "kdProviderPst": "99990007"}],
        "doctors": [{"facility": "99990007", "kdDokter": "900071", "nmDokter": "dr. Uji"}],
        "polis": [{"facility": "99990007", "kdPoli": "004", "nmPoli": "IMUNISASI", "poliSakit": False}],
    }
    assert (await pcare.admin("POST", "load", document))[0] == 200
    there = type(pcare)(pcare.session, pcare.base, clock, "99990007")
    person = (await there.call("GET", "/peserta/nik/9999123456789012")).response
    assert (person["noKartu"], person["kdProviderPst"]["nmProvider"], person["aktif"]) == (
        "0009999123456", "Klinik Uji", True,
    )  # fmt: skip
    assert (await there.call("GET", "/poli/fktp/6/10")).response["list"][0]["kdPoli"] == "004"
    assert (await there.call("GET", "/dokter/0/10")).response["list"][0]["kdDokter"] == "900071"


@pytest.mark.parametrize(
    "changes",
    [
        {"participants": [{"noKartu": "0001234567890"}]},
        {"participants": [{"noKartu": "0009999123456", "nik": "3173000000000001"}]},
        {"participants": [{"noKartu": "0009999123456", "umur": 3}]},
        {"participants": [{"noKartu": "0009999123456", "kdProviderPst": "01140001"}]},
        {"participants": {}},
        {"facilities": [{"kdProvider": "01140001"}]},
        {"facilities": [{"kdProvider": "99990007", "zona": "UTC"}]},
        {"doctors": [{"facility": "99990009", "kdDokter": "1"}]},
        {"peserta": []},
    ],
)
async def test_nobody_real_gets_in_and_nothing_by_halves(pcare, changes):
    before = (await pcare.admin("GET", "state?target=pcare"))[1]
    good = [{"noKartu": "0009999123456"}]
    status, answer = await pcare.admin("POST", "load", {"target": "pcare", "participants": good} | changes)
    assert status == 400
    assert "3173000000000001" not in answer["error"]
    assert (await pcare.admin("GET", "state?target=pcare"))[1] == before


async def test_options_are_checked_and_all_or_nothing(pcare):
    _, described = await pcare.admin("GET", "options")
    assert described["pcare"]["duplicate_code"] == {
        "value": 412, "default": 412, "type": "integer", "choices": [412, 401, 428],
        "description": "code of `sudah di-entri`", "source": "pcare §14.1",
    }  # fmt: skip
    for changes in ({"duplicate_code": 400}, {"duplicate_code": "412"}, {"nonsense": 1}, {"paging_base": True}, []):
        both = {"pcare": {"guests": "refuse"} | changes} if isinstance(changes, dict) else {"pcare": changes}
        assert (await pcare.admin("POST", "options", both))[0] == 400
    assert (await pcare.admin("GET", "options"))[1] == described
    await pcare.option(guests="refuse")
    await pcare.admin("POST", "reset", {"target": "pcare"})
    assert (await pcare.admin("GET", "options"))[1] == described


async def test_every_request_is_in_the_log(pcare, sandbox):
    await pcare.register()
    await pcare.register()
    await pcare.call("GET", f"/pendaftaran/tglDaftar/{TODAY}/0/10")
    await pcare.call("GET", "/tidakada")
    pcare.prefix = "lain"
    await pcare.call("GET", "/x")
    _, requests = await pcare.admin("GET", "requests")
    assert [(r["target"], r["operation"], r["status"], r["effect"], r["delivered"]) for r in requests] == [
        ("pcare", "pendaftaran.add", 201, True, True),
        ("pcare", "pendaftaran.add", 412, False, True),
        ("pcare", "pendaftaran.list", 200, False, True),
        ("pcare", "", 404, False, True),
        ("", "", 404, False, False),
    ]
    assert {row["facility"] for row in requests[:4]} == {"99990001"}
    shown = requests[2]["shown"][0]
    assert (shown["scope"], shown["identities"]) == (f"pendaftaran:{TODAY}|", [f"pendaftaran:{TODAY}|{CARD}|001"])
    _, later = await pcare.admin("GET", f"requests?target=pcare&after={requests[1]['seq']}")
    assert later == requests[2:4]
    assert sandbox.truth.counts() == {"pcare.pendaftaran.add": 1}
    _, state = await pcare.admin("GET", "state")
    assert [(row["noUrut"], row["served"]) for row in state["pcare"]["pendaftaran"]] == [("A1", False)]


async def test_unknown_admin_calls_list_the_known(pcare):
    status, answer = await pcare.admin("GET", "effect")
    assert (status, "GET /_sandbox/effects" in answer["calls"]) == (404, True)
    assert (await pcare.admin("GET", "kinds"))[1]["lost_after"]["effect"] == "yes"
    assert (await pcare.admin("GET", "requests?after=x"))[0] == 400


def test_in_a_thread_with_settings_to_connect():
    with SandboxThread([make_sandbox(lambda: 1_781_000_000.0)]) as sandbox:
        settings = tomllib.loads(sandbox.sandbox.print_config())
        jayapura = settings["faskes"]["99990002"]
        assert (jayapura["type"], jayapura["zona"]) == ("FKTP", "WIT")
        assert jayapura["pcare"] == {
            "base_url": f"http://127.0.0.1:{sandbox.port}/pcare-rest", "cons_id": "90001", "secret_key": "rahasia-01",
            "user_key": "kunci-pcare-01", "username": "uji-99990002", "password": "Sandi#99990002",
            "kd_aplikasi": "095", "mulai": "2026-01-01", "mode": "jalan",
        }  # fmt: skip
        with urllib.request.urlopen(f"{sandbox.base_url}/_sandbox/effects") as response:
            assert json.load(response) == []
        with pytest.raises(OSError, match="address already in use"), SandboxThread([], port=sandbox.port):
            pass
