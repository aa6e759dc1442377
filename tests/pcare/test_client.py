"""The client against the simulated PCare over real HTTP: every call, every probe, a day's list, and what goes wrong."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from jknbridge.http import Http
from jknbridge.sandbox.server import Sandbox
from jknbridge.settings import FacilitySettings
from jknbridge.targets import (
    Absent,
    Accepted,
    Ambiguous,
    Call,
    CannotTell,
    CredentialRefused,
    Doubt,
    Duplicate,
    Found,
    Held,
    Instance,
    Known,
    Later,
    NotKnown,
    Question,
    Refused,
    Unknown,
    Verb,
)  # fmt: skip
from jknbridge_adapters.pcare.adapter import PCareAdapter
from jknbridge_adapters.pcare.client import PCareClient
from jknbridge_adapters.pcare.kinds import KINDS
from jknbridge_adapters.pcare.sandbox import make_sandbox
from jknbridge_adapters.pcare.settings import PCareSettings

CARD, OTHER, DAY = "0009999000001", "0009999000002", date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=ZoneInfo("Asia/Jakarta")).timestamp()


@dataclasses.dataclass
class World:
    sandbox: Sandbox
    http: Http
    client: PCareClient
    instance: Instance

    async def admin(self, path: str, body: Any) -> Any:
        content = json.dumps(body).encode()
        url = f"{self.sandbox.base_url}/_sandbox/{path}"
        answer = await self.http.request("POST", url, headers={"Content-Type": "application/json"}, content=content)
        assert answer.status < 300, answer.body
        return json.loads(answer.body)

    async def faults(self, *faults: dict[str, Any]) -> None:
        await self.admin("faults", [{"target": "pcare", **fault} for fault in faults])

    async def options(self, **options: Any) -> None:
        await self.admin("options", {"pcare": options})

    async def by_hand(self, operation: str, **body: Any) -> Any:
        return await self.admin(
            "tangan", {"target": "pcare", "facility": "99990001", "operation": operation, "body": body}
        )

    def call(self, kind: str, verb: Verb = Verb.ADD, **more: Any) -> Call:
        payload = BODIES[kind] | more.pop("payload", {})
        return Call("r1", self.instance, KINDS[kind], verb, payload, service_date=DAY, **more)

    async def made(self, kind: str, **payload: Any) -> dict[str, str]:
        outcome = await self.client.send(self.call(kind, payload=payload))
        assert isinstance(outcome, Accepted), outcome
        return dict(outcome.values)

    async def visit(self) -> str:
        await self.made("pendaftaran")
        return (await self.made("kunjungan"))["noKunjungan"]

    async def probe(self, call: Call, **more: Any) -> Any:
        return (await self.client.probe([Doubt(call, **more)]))[0]

    def requests(self, operation: str) -> int:
        return sum(row.operation == operation for row in self.sandbox.truth.requests)

    def clean(self) -> None:
        """Nothing was asked for twice in doubt, and nothing is there twice."""
        verdict = self.sandbox.judge()
        assert not verdict.blind_repeats


VITALS = dict.fromkeys(
    ("sistole", "diastole", "beratBadan", "tinggiBadan", "respRate", "heartRate", "lingkarPerut"), 80
)
BODIES: dict[str, dict[str, Any]] = {
    "pendaftaran": {
        "kdProviderPeserta": "99990001", "tglDaftar": "02-03-2026", "noKartu": CARD, "kdPoli": "001", "keluhan": None,
        "kunjSakit": True, **VITALS, "rujukBalik": 0, "kdTkp": "10",
    },
    "kunjungan": {
        "noKartu": CARD, "tglDaftar": "02-03-2026", "kdPoli": "001",
        "keluhan": 'Demam "tinggi"\n2 hari', "kdSadar": "01",
        **VITALS, "kdStatusPulang": "3", "tglPulang": "02-03-2026", "kdDokter": "900001", "kdDiag1": "J06.9",
        "kdDiag2": None, "kdDiag3": None, "kdPoliRujukInternal": None, "rujukLanjut": None, "kdTacc": -1,
        "alasanTacc": None, "anamnesa": "Demam", "alergiMakan": "00", "alergiUdara": "00", "alergiObat": "00",
        "kdPrognosa": "02", "terapiObat": "Paracetamol", "terapiNonObat": "Edukasi", "bmhp": "Tidak Ada",
        "suhu": "37.8",
    },
    "obat": {
        "noKartu": CARD, "racikan": False, "kdRacikan": None, "kdObat": "990000001", "signa1": 3, "signa2": 1,
        "jmlObat": 10, "jmlPermintaan": 10, "nmObatNonDPHO": "Paracetamol",
    },
}  # fmt: skip


@pytest.fixture
async def world() -> AsyncIterator[World]:
    def clock() -> float:
        return NOW

    async with Sandbox([make_sandbox(clock)], clock=clock, seed=7) as sandbox:
        http = Http(connect=1.0, total=2.0)
        place = FacilitySettings(nama="Uji", zona="WIB")
        table = sandbox.targets["pcare"].settings(sandbox.base_url)["faskes"]["99990001"]["pcare"]
        settings = PCareSettings.model_validate(table)
        instance = Instance("99990001", "pcare", "dev", settings, place)
        client = PCareClient(instance, http, now=clock)
        yield World(sandbox, http, client, instance)
        await http.close()


def with_settings(world: World, **changes: Any) -> PCareClient:
    settings = world.instance.settings.model_copy(update=changes)
    return PCareClient(dataclasses.replace(world.instance, settings=settings), world.http, now=lambda: NOW)


# --- the life of a visit --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/kunjungan/V1", "/kunjungan"])
async def test_a_visit_is_added_edited_and_withdrawn(world: World, path: str) -> None:
    world.client = with_settings(world, jalur_kunjungan=path)
    assert await world.made("pendaftaran") == {"noUrut": "A1"}
    number = (await world.made("kunjungan"))["noKunjungan"]
    assert len(number) == 19
    plain = await world.made("obat", noKunjungan=number)
    assert set(plain) == {"kdObatSK"}
    first = await world.made("obat", noKunjungan=number, racikan=True, kdObat="990000003")
    free = await world.made("obat", noKunjungan=number, racikan=True, kdRacikan=first["kdRacikan"], kdObat="-")
    values = {"noKunjungan": number}
    edit = world.call("kunjungan", Verb.EDIT, values=values, payload={"kdDiag2": "R51"})
    assert await world.client.send(edit) == Accepted()
    rows = await world.client.snapshot(world.call("obat", payload=values))
    assert [(str(row["kdObatSK"]), row["obat"]["nmObat"]) for row in rows][2] == (free["kdObatSK"], "Paracetamol")
    for receipt in (plain, first, free):
        gone = world.call("obat", Verb.DELETE, values=receipt, sent={**BODIES["obat"], **values})
        assert await world.client.send(gone) == Accepted()
    assert await world.client.send(world.call("kunjungan", Verb.DELETE, values=values)) == Accepted()
    end = world.call("pendaftaran", Verb.DELETE, values={"noUrut": "A1"}, sent=BODIES["pendaftaran"])
    assert await world.client.send(end) == Accepted()
    assert world.sandbox.truth.counts() == {
        "pcare.pendaftaran.add": 1, "pcare.kunjungan.add": 1, "pcare.obat.add": 3, "pcare.kunjungan.edit": 1,
        "pcare.obat.delete": 3, "pcare.kunjungan.delete": 1, "pcare.pendaftaran.delete": 1,
    }  # fmt: skip
    world.clean()


@pytest.mark.parametrize(
    "options",
    [
        {
            "pendaftaran_answer": "notice",
            "kunjungan_answer": "object",
            "metadata_name": "metadata",
            "code_type": "text",
        },
        {"write_answer": "encrypted", "sk_type": "text", "empty_list": "null"},
        {"write_answer": "plain", "strict_content_type": True, "empty_list": "count0"},
    ],
)
async def test_every_shape_of_answer_is_read(world: World, options: dict[str, Any]) -> None:
    await world.options(**options)
    await test_a_visit_is_added_edited_and_withdrawn(world, "/kunjungan/V1")


@pytest.mark.parametrize("code", [412, 401, 428])
async def test_duplicates_never_close_a_credential(world: World, code: int) -> None:
    await world.options(duplicate_code=code)
    await world.visit()
    assert isinstance(await world.client.send(world.call("pendaftaran")), Duplicate)
    assert isinstance(await world.client.send(world.call("kunjungan")), Duplicate)


async def test_refusals(world: World) -> None:
    async def why(kind: str, verb: Verb = Verb.ADD, **more: Any) -> str:
        outcome = await world.client.send(world.call(kind, verb, **more))
        assert isinstance(outcome, Refused), outcome
        return outcome.reason.code

    assert await why("kunjungan") == "pcare.belum_daftar"
    assert await why("pendaftaran", payload={"noKartu": "0009999999998"}) == "pcare.peserta_tidak_ditemukan"
    assert await why("pendaftaran", payload={"kdPoli": "036"}) == "pcare.referensi"
    assert await why("pendaftaran", payload={"kdPoli": "021"}) == "pcare.referensi"
    assert await why("pendaftaran", payload={"noKartu": "0009999000031"}) == "pcare.ditolak_tidak_aktif"
    assert await why("pendaftaran", payload={"tglDaftar": "03-03-2026"}) == "pcare.tanggal_ditolak"
    assert await why("pendaftaran", payload={"kdTkp": "99"}) == "pcare.isi_tidak_sah"
    number = await world.visit()
    sent, values = BODIES["pendaftaran"], {"noUrut": "A1"}
    assert await why("pendaftaran", Verb.DELETE, values=values, sent=sent) == "pcare.sudah_dilayani"
    await world.made("obat", noKunjungan=number)
    assert await why("kunjungan", Verb.DELETE, values={"noKunjungan": number}) == "pcare.masih_ada_turunan"
    await world.options(kunjungan_path="plain")
    assert await why("kunjungan") == "pcare.tidak_terdaftar_layanan"


async def test_a_second_delete_is_a_question(world: World) -> None:
    gone = world.call("pendaftaran", Verb.DELETE, values={"noUrut": "A9"}, sent=BODIES["pendaftaran"])
    assert isinstance(await world.client.send(gone), Unknown)
    number = await world.visit()
    drug = world.call("obat", Verb.DELETE, values={"kdObatSK": "77"}, sent={"noKunjungan": number})
    assert isinstance(await world.client.send(drug), Unknown)


async def test_credentials(world: World) -> None:
    from pydantic import SecretStr

    for name, code in (("password", "login"), ("secret_key", "tanda_tangan"), ("user_key", "user_key")):
        client = with_settings(world, **{name: SecretStr("salah")})
        outcome = await client.send(world.call("pendaftaran"))
        assert isinstance(outcome, CredentialRefused)
        assert outcome.reason.code == f"pcare.{code}"
        assert isinstance(await client.ask(Question("peserta", ("noka", CARD), DAY)), CredentialRefused)
        assert isinstance(await client.snapshot(world.call("obat", payload={"noKunjungan": "1"})), CredentialRefused)


@pytest.mark.parametrize(
    ("kind", "outcome", "effect"),
    [
        ("lost_after", Unknown, True), ("truncate", Unknown, True), ("garbage", Unknown, True), ("html", Unknown, True),
        ("reset", Unknown, False), ("http_5xx", Unknown, False), ("http_429", Later, False),
        ("late_effect", Unknown, False),
    ],
)  # fmt: skip
async def test_faults_on_an_add(world: World, kind: str, outcome: type, effect: bool) -> None:
    await world.faults({"operation": "pendaftaran.add", "kind": kind, "count": 1, "ms": 60_000})
    assert isinstance(await world.client.send(world.call("pendaftaran")), outcome)
    assert bool(world.sandbox.truth.effects) is effect


async def test_nobody_listens(world: World) -> None:
    client = with_settings(world, base_url="http://127.0.0.1:9")
    outcome = await client.send(world.call("pendaftaran"))
    assert isinstance(outcome, Later)
    assert outcome.busy
    finding = (await client.probe([Doubt(world.call("pendaftaran"))]))[0]
    assert isinstance(finding, CannotTell)


# --- probes -----------------------------------------------------------------------------------------------------------


async def test_registrations(world: World) -> None:
    call = world.call("pendaftaran")
    assert await world.probe(call) == Absent(False)
    await world.made("pendaftaran", noKartu=OTHER)
    assert await world.probe(call) == Absent(False)
    assert await world.probe(call, controls=[{"noUrut": "A1"}]) == Absent(True)
    await world.made("pendaftaran")
    found = await world.probe(call)
    assert isinstance(found, Found)
    assert (found.values, found.same) == ({"noUrut": "A2"}, True)
    assert found.row["peserta"] == {"noKartu": CARD}, "no name is kept"
    other = await world.probe(world.call("pendaftaran", payload={"kdTkp": "50"}))
    assert not other.same
    gone = world.call("pendaftaran", Verb.DELETE, values={"noUrut": "A2"}, sent=BODIES["pendaftaran"])
    assert isinstance(await world.probe(gone), Found)
    await world.client.send(gone)
    assert await world.probe(gone, controls=[{"noUrut": "A1"}]) == Absent(True)


async def test_one_list_answers_many_doubts(world: World) -> None:
    cards = [f"0009999{i:06}" for i in range(1, 13)]
    for card in cards[:6]:
        await world.made("pendaftaran", noKartu=card)
    before = world.requests("pendaftaran.list")
    found = await world.client.probe([Doubt(world.call("pendaftaran", payload={"noKartu": card})) for card in cards])
    assert [type(one) for one in found] == [Found] * 6 + [Absent] * 6
    assert world.requests("pendaftaran.list") == before + 1


async def test_an_empty_day_is_not_believed_against_what_is_known(world: World) -> None:
    await world.made("pendaftaran")
    for kind in ("empty_204", "empty_null"):
        await world.faults({"operation": "pendaftaran.list", "kind": kind, "count": 1})
        assert isinstance(await world.probe(world.call("pendaftaran"), controls=[{"noUrut": "A1"}]), CannotTell)


async def test_pages_are_overlapped_and_shifts_noticed(world: World) -> None:
    world.client._reader._page = 4
    cards = [f"0009999{i:06}" for i in range(1, 12)]
    for card in cards:
        await world.made("pendaftaran", noKartu=card)
    doubts = [Doubt(world.call("pendaftaran", payload={"noKartu": card})) for card in cards]
    numbers = [f"A{i}" for i in range(1, 12)]
    assert [one.values["noUrut"] for one in await world.client.probe(doubts)] == numbers  # type: ignore[union-attr]
    await world.faults({"operation": "pendaftaran.list", "kind": "shifting_pages", "count": 1})
    assert [one.values["noUrut"] for one in await world.client.probe(doubts)] == numbers  # type: ignore[union-attr]
    for seed in range(8):
        await world.faults(
            {"operation": "pendaftaran.list", "kind": "shifting_pages", "probability": 0.5, "seed": seed}
        )
        assert {type(one) for one in await world.client.probe(doubts)} <= {Found, CannotTell}


async def test_lists_that_count_from_one(world: World) -> None:
    await world.options(paging_base=1)
    world.client._reader._page = 2
    for card in (CARD, OTHER, "0009999000003"):
        await world.made("pendaftaran", noKartu=card)
    assert isinstance(await world.probe(world.call("pendaftaran", payload={"noKartu": "0009999000003"})), Found)


async def test_visits(world: World) -> None:
    call = world.call("kunjungan")
    await world.made("pendaftaran")
    assert await world.probe(call) == Absent(True), "the unserved registration in D4 is the control"
    number = (await world.made("kunjungan"))["noKunjungan"]
    found = await world.probe(call)
    assert isinstance(found, Found)
    assert (found.values, found.same) == ({"noKunjungan": number}, True)
    assert not (await world.probe(world.call("kunjungan", payload={"kdDiag1": "R51"}))).same
    assert await world.probe(world.call("kunjungan", payload={"kdPoli": "002"})) == Absent(False)
    await world.faults({"operation": "kunjungan.history", "kind": "empty_204", "count": 1})
    assert isinstance(await world.probe(call), CannotTell), "D4 says served, so K5's nothing is not believed"
    gone = world.call("kunjungan", Verb.DELETE, values={"noKunjungan": number}, sent=BODIES["kunjungan"])
    assert isinstance(await world.probe(gone), Found)
    await world.client.send(gone)
    assert await world.probe(gone) == Absent(True)


async def test_drugs(world: World) -> None:
    number = await world.visit()
    payload = {"noKunjungan": number}
    before = await world.client.snapshot(world.call("obat", payload=payload))
    call = world.call("obat", payload=payload, snapshot=before)
    assert await world.probe(call) == Absent(True), "the visit in K5 is the control"
    await world.made("obat", **payload, kdObat="990000002")
    assert await world.probe(call) == Absent(True), "another drug is not ours"
    sk = await world.made("obat", **payload)
    found = await world.probe(call)
    assert isinstance(found, Found)
    assert found.values == sk
    assert await world.probe(call, ours=[sk]) == Absent(True), "that one is another submission's"
    await world.by_hand("obat.add", **{k: v for k, v in BODIES["obat"].items() if k != "noKartu"}, **payload,
                        kdObatSK=0, obatDPHO=True)  # fmt: skip
    both = await world.probe(call)
    assert isinstance(both, Ambiguous)
    assert len(both.rows) == 2
    await world.faults({"operation": "obat.list", "kind": "empty_204", "count": 1})
    rows = [{"kdObatSK": 1}]
    assert isinstance(await world.probe(dataclasses.replace(call, snapshot=rows)), CannotTell)
    gone = world.call("obat", Verb.DELETE, values=sk, sent={**BODIES["obat"], **payload})
    assert isinstance(await world.probe(gone), Found)
    await world.client.send(gone)
    assert await world.probe(gone, ours=[{"kdObatSK": "1"}]) == Absent(True)


async def test_an_outage_proves_nothing(world: World) -> None:
    number = await world.visit()
    await world.faults({"operation": "*", "kind": "empty_204"})
    call = world.call("obat", payload={"noKunjungan": number}, snapshot=[])
    assert isinstance(await world.probe(call), CannotTell)
    assert isinstance(await world.client.snapshot(call), Later)
    day = await world.client.day(DAY, [Held(world.call("pendaftaran", values={"noUrut": "A1"}))])
    assert day.rows is None
    assert day.reason is not None
    await world.faults({"operation": "*", "kind": "garbage"})
    findings = await world.client.probe([Doubt(world.call(kind, payload={"noKunjungan": number})) for kind in KINDS])
    assert {type(one) for one in findings} == {CannotTell}


async def test_non_dpho_lines_are_found_by_name(world: World) -> None:
    number = await world.visit()
    call = world.call("obat", payload={"noKunjungan": number, "kdObat": "-"}, snapshot=[])
    sk = await world.made("obat", noKunjungan=number, kdObat="-")
    assert (await world.probe(call)).values == sk


# --- questions and the day ------------------------------------------------------------------------------------------


async def test_the_participant(world: World) -> None:
    known = await world.client.ask(Question("peserta", ("noka", "0009999000005"), DAY))
    assert isinstance(known, Known)
    assert known.value == {
        "noKartu": "0009999000005", "kdProviderPst": "99990001", "aktif": True, "ketAktif": "AKTIF",
        "pstProl": "PROLANIS DM, HT", "pstPrb": None, "nik": "9999000000000005", "tglLahir": "06-06-1955", "sex": "L",
    }  # fmt: skip
    by_nik = await world.client.ask(Question("peserta", ("nik", "9999000000000005"), DAY))
    assert by_nik == known
    for form in ("null", "204", "412"):
        await world.options(unknown_peserta=form)
        assert isinstance(await world.client.ask(Question("peserta", ("noka", "0009999777777"), DAY)), NotKnown)
    for kind in ("http_5xx", "html", "garbage", "reset", "truncate"):
        await world.faults({"operation": "peserta.*", "kind": kind, "count": 1})
        assert isinstance(await world.client.ask(Question("peserta", ("noka", CARD), DAY)), Later), kind
        await world.faults()


@pytest.mark.parametrize("base", [0, 1])
async def test_reference_lists(world: World, base: int) -> None:
    await world.options(paging_base=base)
    for name in ("poli", "dokter", "kesadaran", "status_pulang", "prognosa", "alergi_makan", "alergi_obat"):
        known = await world.client.ask(Question("referensi", (f"pcare.{name}",), DAY))
        assert isinstance(known, Known)
        assert all(row["code"] and row["name"] for row in known.value["rows"])
    poli = await world.client.ask(Question("referensi", ("pcare.poli",), DAY))
    assert isinstance(poli, Known)
    assert poli.value["rows"][0] == {"code": "001", "name": "POLI UMUM", "poliSakit": "true"}
    assert isinstance(await world.client.ask(Question("cuaca", ("x",), DAY)), NotKnown)


async def test_the_day(world: World) -> None:
    number = await world.visit()
    sk = await world.made("obat", noKunjungan=number)
    await world.made("pendaftaran", noKartu=OTHER)
    held = [
        Held(world.call("pendaftaran", values={"noUrut": "A1"})),
        Held(world.call("kunjungan", values={"noKunjungan": number})),
        Held(world.call("obat", values=sk, payload={"noKunjungan": number})),
    ]

    async def seen() -> set[tuple[str, str]]:
        day = await world.client.day(DAY, held)
        assert day.rows is not None
        return {(row.kind, next(iter(row.values.values()))) for row in day.rows}

    both = {("pendaftaran", "A1"), ("pendaftaran", "A2")}
    assert await seen() == both | {("kunjungan", number), ("obat", sk["kdObatSK"])}
    day = await world.client.day(DAY, held)
    assert day.rows is not None
    assert day.rows[0].natural == (CARD, "02-03-2026", "001")
    assert world.requests("kunjungan.history") == 0, "D4 vouches for a served visit"
    await world.by_hand("obat.delete", kdObatSK=sk["kdObatSK"], noKunjungan=number)
    await world.by_hand("kunjungan.delete", noKunjungan=number)
    assert await seen() == both
    for card in (CARD, OTHER):
        await world.by_hand("pendaftaran.delete", noKartu=card, tglDaftar="02-03-2026", kdPoli="001")
    assert await seen() == set(), "an empty day is believed while a participant is shown"


async def test_the_adapter_is_what_the_host_asks_for(world: World) -> None:
    from jknbridge.plugins import build
    from jknbridge_adapters import pcare

    plugins = build([pcare], entry_points=False)
    adapter = plugins.adapters["pcare"]
    assert isinstance(adapter, PCareAdapter)
    assert isinstance(adapter.client(world.instance, world.http), PCareClient)
    assert set(plugins.sandboxes()) == {"pcare"}
    settings = world.instance.settings
    assert "Sandi" not in repr(settings)
    assert "Sandi#99990001" in settings.credential
    assert settings.limit_key.endswith("|90001|uji-99990001")
