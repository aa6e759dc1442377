"""No card number, NIK or name leaves its place (issue: "canaries"; DESIGN §2.9): one clinic's bad day that provokes
every error path, then everything that came out of the bridge is looked through."""

from __future__ import annotations

import asyncio
import json
import time
import traceback
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from jknbridge import reconciling
from jknbridge.fhir.records import Record
from jknbridge.http import AnswerLost, Http, NotSent
from jknbridge.journey import Journey
from jknbridge.ledger import schema as s
from jknbridge.ledger.outbox import Row
from jknbridge.plugins import build
from jknbridge.sandbox.server import SandboxThread
from jknbridge.settings import TargetSettings, parse
from jknbridge.spec import hookimpl
from jknbridge.targets import Adapter, Call, Facts, Instance, Outcome, Receipts
from jknbridge.testing.canaries import SYNTHETIC, Canaries, Heard, listening
from jknbridge.testing.rig import Rig
from jknbridge.testing.visits import MAPPINGS, visit
from jknbridge.verdicts import Payload, Verdict
from jknbridge_adapters.pcare.adapter import PCareAdapter
from jknbridge_adapters.pcare.client import PCareClient
from jknbridge_adapters.pcare.sandbox import make_sandbox
from jknbridge_consumers.dead_letters import dead_letter_headers

FACILITY = "99990001"
NAME, ADDRESS, PHONE = "MURAI KENARI SEMESTA", "GANG CENDRAWASIH 77", "081299997777"
CARDS = {f"c{n}": f"0009999777{n:03}" for n in range(1, 12)}
NIKS = {card: f"9999777700{n:06}" for n, card in enumerate(CARDS.values())}
WORDS = Canaries(("MURAI", "KENARI", "SEMESTA", "CENDRAWASIH", PHONE, *CARDS.values(), *NIKS.values(), "0009999888888"))


def person(id: str, card: str, **more: Any) -> list[dict[str, Any]]:
    """A visit whose resources name the patient wherever an EMR might."""
    resources = visit(id, card=card, **more)
    patient, encounter = resources[0], resources[1]
    patient["name"] = [{"text": NAME, "family": "SEMESTA", "given": ["MURAI", "KENARI"]}]
    patient["address"], patient["telecom"] = [{"text": ADDRESS}], [{"value": PHONE}]
    if card in NIKS:
        patient["identifier"].append({"system": "https://fhir.kemkes.go.id/id/nik", "value": NIKS[card]})
    encounter["subject"] = {**encounter["subject"], "display": NAME}
    encounter["reasonCode"] = [{"text": f"{NAME} demam"}]
    encounter["text"] = {"status": "generated", "div": f"<div>{NAME} {card}</div>"}
    for one in resources:
        if "subject" in one:
            one["subject"] = {**one["subject"], "display": NAME}
        if "valueString" in one:
            one["valueString"] = f"{NAME}, kartu {card}, mengeluh demam"
    return resources


# --- an adapter whose every part crashes with the patient in its mouth ----------------------------------------------


class Crashing(PCareAdapter):
    def translate(
        self, journey: Journey, receipts: Receipts, facts: Facts, settings: TargetSettings
    ) -> Sequence[Verdict]:
        if journey.anchor.id == "crash-translate":
            raise ValueError(f"{NAME} {CARDS['c6']}")
        return super().translate(journey, receipts, facts, settings)

    def compose(self, call: Call) -> Payload | Any:
        if call.payload.get("noKartu") == CARDS["c7"]:
            raise KeyError(dict(call.payload))
        return super().compose(call)

    def client(self, instance: Instance, http: Http) -> PCareClient:
        return CrashingClient(instance, http)


class CrashingClient(PCareClient):
    async def send(self, call: Call) -> Outcome:
        if call.payload.get("noKartu") == CARDS["c8"]:
            raise RuntimeError(repr(call))
        outcome = await super().send(call)
        if call.payload.get("noKartu") == CARDS["c9"]:
            return replace(outcome, reason=f"{NAME}")  # type: ignore[call-arg]
        return outcome


class Release:
    @hookimpl
    def jknbridge_adapters(self) -> Sequence[Adapter]:
        return [Crashing()]


# --- the bad day ------------------------------------------------------------------------------------------------------


class Day:
    """What came out of it."""

    heard: Heard
    out: list[Row]
    report: str
    states: dict[str, tuple[str, str]]
    ledger: bytes
    reasons: list[str]
    requests: list[dict[str, Any]]
    noted: str
    shown: list[str]


FAULTS = [
    {"operation": "pendaftaran.add", "kind": kind, "count": 1, "seed": n}
    for n, kind in enumerate(("http_5xx", "html", "garbage", "truncate", "reset", "lost_after", "http_429"))
]
FAULTS += [
    {"operation": "kunjungan.add", "kind": "html", "count": 1},
    {"operation": "obat.add", "kind": "reset", "count": 1},
]
FAULTS += [
    {"operation": "peserta.read", "kind": "garbage", "count": 2},
    {"operation": "pendaftaran.list", "kind": "html", "count": 1},
]


def bad_records(rig: Rig) -> None:
    """Bytes that cannot be taken, with the patient in value, headers and CloudEvents attributes."""
    card = CARDS["c1"]
    bad = {"resourceType": "Encounter", "id": f"{NAME} {card}", "subject": {"display": NAME}}
    values = [f'{{"resourceType": "Patient", "name": "{NAME}", "card": "{card}"'.encode(), json.dumps(bad).encode()]
    values += [json.dumps({**bad, "id": "x1", "status": [NAME]}).encode(), json.dumps({"pasien": NAME}).encode()]
    headers = (
        ("ce_subject", f"Patient/{card}".encode()),
        ("x-pasien", NAME.encode()),
        ("content-type", b"application/json"),
    )
    records = [
        Record("fhir.encounter", 0, next(rig.bench._offsets), None, value, headers, 1_767_578_400_000)
        for value in values
    ]
    rig.bench.host.take_in(records, lambda record, reason: dead_letter_headers(record, reason, group="jknbridge"))


async def bad_day(rig: Rig, day: Day) -> None:
    rig.admin("load", {"target": "pcare", "participants": [
        {"noKartu": card, "nik": NIKS[card], "nama": NAME, "kdProviderPst": FACILITY} for card in CARDS.values()
    ]})  # fmt: skip
    rig.faults(*FAULTS)
    bad_records(rig)
    rig.bench.publish(*person("good", CARDS["c1"]), *person("second", CARDS["c2"]), *person("third", CARDS["c3"]))
    rig.bench.publish(*person("unknown", "0009999888888"), *person("inactive", "0009999000031"))
    rig.bench.publish(*person("crash-translate", CARDS["c6"]), *person("crash-compose", CARDS["c7"]))
    rig.bench.publish(*person("crash-send", CARDS["c8"]), *person("crash-outcome", CARDS["c9"]))
    rig.bench.publish(*person("poli", CARDS["c10"], poli="Location/baru"), *person("twice", CARDS["c1"]))
    await rig.bench.start()
    # What the crashing client left in doubt stays so: everything else comes to rest.
    await rig.until(lambda: _rest(rig) and len(rig.bench.states()) > 15, seconds=60)
    await rig.bench.stop()
    rig.reopen()
    day.reasons = _reasons(rig)
    rig.faults()
    staff_type(rig)
    await asyncio.sleep(0.4)
    await reconcile(rig, day)
    rig.bench.publish(*person("good", CARDS["c1"], version=2, status="cancelled"))
    rig.bench.publish(*person("second", CARDS["c2"], version=2, poli="Location/gigi"))
    await rig.bench.start()
    await rig.until(lambda: rig.bench.states()["kunjungan good"] == ("absent", "withdrawn"), seconds=30)
    await rig.bench.stop()
    rig.reopen()
    wrong_password(rig, day)
    rig.bench.publish(*person("late", CARDS["c11"]))
    await rig.bench.start()
    await rig.until(lambda: rig.bench.host.limits.closed, seconds=30)
    await rig.bench.stop()


def _reasons(rig: Rig) -> list[str]:
    return [text for row in rig.bench.rows() for text in (row["reason"], row["notes"]) if text]


def _rest(rig: Rig) -> bool:
    busy = [r for r in rig.bench.rows() if r["work"] in ("ready", "sending", "retry")]
    doubts = [r for r in rig.bench.rows() if r["work"] == "in_doubt" and "crash" not in r["key"]]
    asked = rig.read(lambda c: c.execute(s.fact.select().where(s.fact.c.state == "asked")).all())
    return not busy and not doubts and not asked


def staff_type(rig: Rig) -> None:
    """A registration that is not ours, and a drug line of ours taken away: one is foreign then, the other gone."""
    state = rig.admin("state")["pcare"]
    theirs = {**state["pendaftaran"][0], "noKartu": CARDS["c11"], "keluhan": f"{NAME} batuk"}
    for own in ("facility", "noUrut", "served"):
        del theirs[own]
    rig.hand(FACILITY, "pendaftaran.add", **theirs)
    line = state["obat"][-1]
    rig.hand(FACILITY, "obat.delete", kdObatSK=str(line["kdObatSK"]), noKunjungan=line["noKunjungan"])


async def reconcile(rig: Rig, day: Day) -> None:
    host = rig.bench.host
    instance = host.instances.at(FACILITY, "pcare")
    assert instance is not None
    dates = reconciling.days_back(instance, time.time(), 1)
    async with reconciling.own_clients(host) as client_of:
        reports = await reconciling.reconcile(host, [(instance, dates)], client_of)
    day.noted = json.dumps([report.to_json() for report in reports])


def wrong_password(rig: Rig, day: Day) -> None:
    faskes = json.loads(json.dumps(rig.bench.config["faskes"]))
    faskes[FACILITY]["pcare"]["password"] = "salah"
    rig.reopen(faskes=faskes)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    folder = tmp_path_factory.mktemp("hari")
    day = Day()
    with listening() as day.heard, SandboxThread([make_sandbox(time.time)]) as thread:
        rig = Rig(folder, thread, build([Release()], entry_points=False), waktu={"probe_for": 1.0, "retry_cap": 0.3})
        rig.bench.map(MAPPINGS)
        asyncio.run(bad_day(rig, day), debug=False)
        day.out, day.states = rig.out(), rig.bench.states()
        day.report = json.dumps(rig.report().to_json())
        day.reasons += _reasons(rig)
        day.requests = rig.admin("requests")
        day.shown = [json.dumps(rig.bench.host.status()), json.dumps(dict(rig.bench.host.counters))]
        rig.bench.close()
        day.ledger = b"".join(path.read_bytes() for path in sorted(folder.glob("ledger.sqlite3*")))
    return day


# --- was it a bad day at all? ------------------------------------------------------------------------------------


def test_every_error_path_was_walked(day: Day) -> None:
    """Without this the silence below would prove nothing."""
    codes = {one["code"] for text in day.reasons for one in _listed(json.loads(text))}
    assert {"pcare.peserta_tidak_ditemukan", "pcare.ditolak_tidak_aktif", "kirim.pemetaan", "kirim.klaim"} <= codes
    assert {"galat.adaptor", "galat.klien"} & codes
    faults = {row["fault"] for row in day.requests if row["fault"]}
    assert {"http_5xx", "html", "garbage", "truncate", "reset", "lost_after", "http_429"} <= faults
    assert "credential refused, closed" in day.heard.printed
    assert "client failed" in day.heard.printed
    topics = {row.topic for row in day.out}
    assert topics == {"jkn.kbk.kontak.v1", "jkn.hasil.v1", "fhir.encounter-dlt"}
    assert {json.loads(r.value or b"")["state"] for r in day.out if r.topic == "jkn.kbk.kontak.v1"} == {
        "recorded",
        "retracted",
    }
    assert len([r for r in day.out if r.topic == "fhir.encounter-dlt"]) == 4


def _listed(found: Any) -> list[Any]:
    return found if isinstance(found, list) else [found]


def test_the_canaries_can_be_heard(day: Day) -> None:
    """The control: they are where they may be, and the trap sees them there."""
    assert WORDS.seen_in(b"".join(r.value or b"" for r in day.out if r.topic.endswith("-dlt")))
    assert WORDS.seen_in(json.dumps(day.requests))  # the sandbox's own log of paths
    assert WORDS.seen_in(f"a log line about {NAME.lower()}")


# --- where they must not be --------------------------------------------------------------------------------------


def test_not_in_a_log_line_as_it_was_said(day: Day) -> None:
    assert [line for line in day.heard.said if WORDS.seen_in(line) or SYNTHETIC.search(line)] == []


def test_not_in_a_log_line_as_it_was_printed(day: Day) -> None:
    assert WORDS.seen_in(day.heard.printed) == []


def test_not_in_a_header_or_key(day: Day) -> None:
    for row in day.out:
        assert [name for name, value in row.headers if WORDS.seen_in(value) or WORDS.seen_in(name)] == []
        assert WORDS.seen_in(row.key) == []


def test_not_in_a_contact(day: Day) -> None:
    contacts = [row for row in day.out if row.topic == "jkn.kbk.kontak.v1"]
    assert len(contacts) >= 3
    for row in contacts:
        assert WORDS.seen_in(row.value) == []
        assert len(json.loads(row.value or b"")["participant"]) == 32


def test_not_in_a_reason_that_staff_read(day: Day) -> None:
    assert [reason for reason in day.reasons if WORDS.seen_in(reason)] == []


def test_not_in_report_status_counters_or_reconciliation(day: Day) -> None:
    for text in (day.report, day.noted, *day.shown):
        assert WORDS.seen_in(text) == []


def test_not_in_the_open_in_the_ledgers_file(day: Day) -> None:
    assert len(day.ledger) > 100_000
    assert WORDS.seen_in(day.ledger) == []


# --- exceptions ---------------------------------------------------------------------------------------------------


async def test_not_in_the_exceptions_of_http() -> None:
    http = Http(connect=0.5, total=0.5)
    try:
        with pytest.raises((NotSent, AnswerLost)) as caught:
            await http.request("GET", f"http://127.0.0.1:9/peserta/noka/{CARDS['c1']}", headers={"x": CARDS["c1"]})
    finally:
        await http.close()
    assert WORDS.seen_in(str(caught.value)) == []
    assert WORDS.seen_in(_traceback(caught)) == []


async def test_not_in_an_exception_of_the_ledger(tmp_path: Path) -> None:
    with SandboxThread([make_sandbox(time.time)]) as thread:
        rig = Rig(tmp_path, thread, build([Release()], entry_points=False))
        rows = [{"name": CARDS["c1"], "value": NAME}] * 2
        with pytest.raises(IntegrityError) as caught:
            rig.bench.host.ledger.write_now(lambda c: c.execute(s.meta.insert(), rows))
        assert WORDS.seen_in(str(caught.value)) == []
        rig.bench.close()


def test_a_refused_config_names_the_key_and_not_the_secret() -> None:
    plugins = build([Release()], entry_points=False)
    faskes = {FACILITY: {"zona": "WIB", "pcare": {"password": ["rahasia-sekali"], "mulai": CARDS["c1"]}}}
    with pytest.raises(Exception) as caught:  # noqa: PT011 (whatever it is, it must not quote)
        parse({"faskes": faskes}, plugins)
    assert "rahasia-sekali" not in str(caught.value)
    assert WORDS.seen_in(str(caught.value)) == []


def _traceback(caught: pytest.ExceptionInfo[BaseException]) -> str:
    return "".join(traceback.format_exception_only(caught.value))
