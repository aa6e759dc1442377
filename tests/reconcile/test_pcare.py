"""Staff at PCare's own web page, against the sandbox over HTTP and its own ground truth."""

from __future__ import annotations

import asyncio
import json
import time
import tomllib
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

import jknbridge_adapters.pcare as pcare
from jknbridge import reconciling
from jknbridge.cli.common import App
from jknbridge.cli.reconcile_cmd import reconcile as reconcile_command
from jknbridge.ledger import schema as s
from jknbridge.plugins import build
from jknbridge.reconciling import DayReport
from jknbridge.sandbox.server import SandboxThread
from jknbridge.testing.bench import Bench
from jknbridge.testing.visits import MAPPINGS, visit
from jknbridge_adapters.pcare.sandbox import make_sandbox

CARD, OTHER, FACILITY = "0009999000001", "0009999000002", "99990001"
START = datetime.now(ZoneInfo("Asia/Jakarta")).replace(hour=0, minute=1, second=0, microsecond=0)
TODAY = START.strftime("%d-%m-%Y")
VISIBILITY = 0.3


class Clinic:
    """A bridge, PCare's sandbox, and the staff who type there."""

    def __init__(self, folder: Path, thread: SandboxThread) -> None:
        self.url = thread.base_url
        faskes = tomllib.loads(thread.sandbox.print_config())["faskes"]
        self.bench = Bench(folder, build([pcare], entry_points=False), {FACILITY: faskes[FACILITY]})
        self.bench.map(MAPPINGS)

    def admin(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}/_sandbox/{path}", data)) as answer:
            return json.loads(answer.read())

    def hand(self, operation: str, **body: Any) -> Any:
        call = {"target": "pcare", "facility": FACILITY, "operation": operation, "body": body}
        return self.admin("tangan", call)

    def effects(self) -> Counter[tuple[str, str]]:
        return Counter((row["operation"], row["origin"]) for row in self.admin("effects"))

    async def visit(self, id: str = "e1", card: str = CARD, **more: Any) -> None:
        self.bench.publish(*visit(id, card=card, start=START.astimezone(UTC), **more))
        await self.work()

    async def work(self) -> None:
        await self.bench.start()
        await self.bench.until_closed()
        await self.bench.stop()
        self.bench.host._stop.clear()
        self.bench.host.courier.stopping = False
        self.bench.host.courier._clients.clear()  # theirs belong to the run that has ended

    async def reconcile(self) -> DayReport:
        time.sleep(VISIBILITY)  # noqa: ASYNC251 (nothing else runs)
        host = self.bench.host
        instance = next(iter(host.instances))
        async with reconciling.own_clients(host) as client_of:
            (report,) = await reconciling.reconcile(host, [(instance, [START.date()])], client_of)
        return report

    def number(self, name: str, kind: str) -> str:
        """The receipt's number, as staff read it in PCare."""
        host, query = self.bench.host, s.receipt.select().where(s.receipt.c.kind == f"pcare.{kind}")

        def read(connection: Any) -> str:
            row = connection.execute(query).first()
            key = host.keys.by_id(connection, row.key_id)
            return str(host.ledger.vault.open(row.values_box, key.wrapped)[name])

        return host.ledger.read_now(read)

    def contacts(self) -> list[tuple[str, int]]:
        return [(c["state"], c["revision"]) for c in self.bench.outbox("jkn.kbk.kontak.v1")]


@pytest.fixture
async def clinic(tmp_path: Path) -> AsyncIterator[Clinic]:
    with SandboxThread([make_sandbox(time.time)]) as thread:
        made = Clinic(tmp_path, thread)
        yield made
        made.bench.close()


async def test_nothing_was_touched(clinic: Clinic) -> None:
    await clinic.visit()
    report = await clinic.reconcile()
    assert report.counts() == {"same": 3, "gone": 0, "changed": 0, "foreign": 0, "undecided": 0}


async def test_staff_delete_our_visit_and_registration(clinic: Clinic) -> None:
    """Issue, "Hands": reconcile sets it absent, retracts the contact, parks it, never adds it again."""
    await clinic.visit()
    assert clinic.contacts() == [("recorded", 1)]
    visit_number, line = clinic.number("noKunjungan", "kunjungan"), clinic.number("kdObatSK", "obat")
    clinic.hand("obat.delete", kdObatSK=line, noKunjungan=visit_number)
    clinic.hand("kunjungan.delete", noKunjungan=visit_number)
    clinic.hand("pendaftaran.delete", noKartu=CARD, tglDaftar=TODAY, kdPoli="001")
    report = await clinic.reconcile()
    assert report.counts() == {"same": 0, "gone": 3, "changed": 0, "foreign": 0, "undecided": 0}
    assert set(clinic.bench.states().values()) == {("absent", "parked")}
    assert {row["hold"] for row in clinic.bench.rows()} == {"gone"}
    assert clinic.contacts() == [("recorded", 1), ("retracted", 2)]
    before = clinic.effects()
    clinic.bench.publish(*visit("e1", start=START.astimezone(UTC), version=2, diagnosis="J00"))
    await clinic.work()
    assert clinic.effects() == before
    assert set(clinic.bench.states().values()) == {("absent", "parked")}
    assert (await clinic.reconcile()).counts()["gone"] == 0


async def test_staff_delete_the_visit_only(clinic: Clinic) -> None:
    """The registration stands; the drug goes with its visit."""
    await clinic.visit()
    clinic.admin("options", {"pcare": {"filled_visit_delete": "cascade"}})
    clinic.hand("kunjungan.delete", noKunjungan=clinic.number("noKunjungan", "kunjungan"))
    report = await clinic.reconcile()
    assert {n.kind: n.reason.code for n in report.noted} == {
        "kunjungan": "rekonsiliasi.hilang", "obat": "rekonsiliasi.hilang_induk",
    }  # fmt: skip
    assert clinic.bench.states()["pendaftaran e1"] == ("present", "none")
    assert clinic.contacts()[-1] == ("retracted", 2)


async def test_staff_type_a_registration_and_a_drug_of_their_own(clinic: Clinic) -> None:
    await clinic.visit()
    typed = {
        "kdProviderPeserta": FACILITY, "tglDaftar": TODAY, "noKartu": OTHER, "kdPoli": "001", "keluhan": "Batuk",
        "kunjSakit": True, "sistole": 0, "diastole": 0, "beratBadan": 0, "tinggiBadan": 0, "respRate": 0,
        "heartRate": 0, "lingkarPerut": 0, "rujukBalik": 0, "kdTkp": "10",
    }  # fmt: skip
    line = {
        "kdObatSK": 0, "noKunjungan": clinic.number("noKunjungan", "kunjungan"), "racikan": False, "kdRacikan": None,
        "obatDPHO": True, "kdObat": "990000002", "signa1": 3, "signa2": 1, "jmlObat": 10, "jmlPermintaan": 10,
        "nmObatNonDPHO": "-",
    }  # fmt: skip
    clinic.hand("pendaftaran.add", **typed)
    clinic.hand("obat.add", **line)
    report = await clinic.reconcile()
    assert Counter((n.outcome, n.kind) for n in report.noted) == {("foreign", "pendaftaran"): 1, ("foreign", "obat"): 1}
    assert report.same == 3
    await clinic.work()
    assert clinic.effects() == {
        ("pendaftaran.add", "bridge"): 1, ("kunjungan.add", "bridge"): 1, ("obat.add", "bridge"): 1,
        ("pendaftaran.add", "hand"): 1, ("obat.add", "hand"): 1,
    }  # fmt: skip
    assert OTHER not in json.dumps(report.to_json())
    assert OTHER in json.dumps(report.to_json(rows=True))


@pytest.mark.parametrize("kind", ["empty_204", "empty_null", "http_5xx", "html", "garbage"])
async def test_an_outage_concludes_nothing(clinic: Clinic, kind: str) -> None:
    await clinic.visit()
    clinic.admin("faults", [{"target": "pcare", "kind": kind, "probability": 1.0, "seed": 1}])
    report = await clinic.reconcile()
    assert report.outcome == "unread"
    assert {row["held"] for row in clinic.bench.rows()} == {"present"}
    assert clinic.contacts() == [("recorded", 1)]
    clinic.admin("faults", [])
    assert (await clinic.reconcile()).same == 3


async def test_a_day_list_that_is_empty_while_a_visit_of_that_day_stands_concludes_nothing(clinic: Clinic) -> None:
    """Only that one list is down: participants are shown, and so is the visit, with no registration to stand on."""
    await clinic.visit()
    fault = {"target": "pcare", "operation": "pendaftaran.list", "kind": "empty_204", "probability": 1.0, "seed": 1}
    clinic.admin("faults", [fault])
    report = await clinic.reconcile()
    assert report.outcome == "unread"
    assert {row["held"] for row in clinic.bench.rows()} == {"present"}
    assert clinic.contacts() == [("recorded", 1)]


async def test_many_drugs_and_visits_read_in_one_round(clinic: Clinic) -> None:
    for i in range(1, 4):
        clinic.bench.publish(
            *visit(f"e{i}", card=f"000999900000{i}", start=(START + timedelta(minutes=i)).astimezone(UTC), drugs=2)
        )
    await clinic.work()
    reads = len(clinic.admin("requests"))
    report = await clinic.reconcile()
    assert report.counts() == {"same": 12, "gone": 0, "changed": 0, "foreign": 0, "undecided": 0}
    assert len(clinic.admin("requests")) - reads == 4  # one day list, one drug list for each visit


def command(clinic: Clinic, *arguments: str) -> tuple[int, str]:
    """`jknbridge reconcile …` in a process of its own would open the same file: here another host does."""
    app = App(extra=[pcare], entry_points=False, overrides=clinic.bench.config)
    result = CliRunner().invoke(reconcile_command, arguments, obj=app, standalone_mode=False)
    assert result.exception is None, result.exception
    return result.return_value, result.output


async def test_the_command_works_while_run_is_up(clinic: Clinic) -> None:
    await clinic.visit(status="arrived")
    await clinic.bench.start()
    try:
        clinic.hand("pendaftaran.delete", noKartu=CARD, tglDaftar=TODAY, kdPoli="001")
        await asyncio.sleep(VISIBILITY)
        code, text = await asyncio.to_thread(command, clinic, "--json", "--faskes", FACILITY)
        assert code == 1
        days = json.loads(text)["days"]
        assert [(day["outcome"], day["gone"]) for day in days] == [("read", 1), ("read", 0)]
        code, text = await asyncio.to_thread(command, clinic, "--tanggal", START.date().isoformat())
        assert code == 0
        assert "dibaca" in text
    finally:
        await clinic.bench.stop()
    assert clinic.bench.states()["pendaftaran e1"] == ("absent", "parked")
    assert clinic.effects() == {("pendaftaran.add", "bridge"): 1, ("pendaftaran.delete", "hand"): 1}


async def test_a_person_who_releases_the_brake_is_in_the_audit(clinic: Clinic) -> None:
    await clinic.visit(status="arrived")
    await asyncio.to_thread(command, clinic, "--lepas", "--oleh", "Uji", "--alasan", "libur", "--hari", "1", "--json")
    rows = clinic.bench.host.ledger.read_now(lambda c: c.execute(s.audit.select()).all())
    assert [(row.who, row.action, row.why) for row in rows] == [("Uji", "release", "libur")]
