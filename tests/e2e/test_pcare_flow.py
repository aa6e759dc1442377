"""Visits from FHIR to PCare over real HTTP: signed, encrypted, against the sandbox's own ground truth."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from jknbridge.ledger import schema as s
from jknbridge.reasons import Reason
from jknbridge.testing.rig import Rig
from jknbridge.testing.visits import visit
from jknbridge.verdicts import Unwanted, Verdict, Wanted
from jknbridge_adapters.pcare.adapter import PCareAdapter

WHOLE = {
    "pendaftaran e1": ("present", "none"), "kunjungan e1": ("present", "none"), "obat e1-m1": ("present", "none"),
}  # fmt: skip


def carrying(**numbers: str) -> list[dict[str, Any]]:
    """A visit whose Encounter carries PCare's numbers already, as an EMR writes back what we told it."""
    resources = visit("e1")
    resources[1]["identifier"] = [{"system": f"urn:jknbridge:pcare:{k}", "value": v} for k, v in numbers.items()]
    return resources


def today() -> str:
    return datetime.now(UTC).astimezone(ZoneInfo("Asia/Jakarta")).strftime("%d-%m-%Y")


def register_by_hand(rig: Rig, no_kartu: str = "0009999000001") -> str:
    body = {
        "kdProviderPeserta": "99990001", "tglDaftar": today(), "noKartu": no_kartu, "kdPoli": "001", "keluhan": None,
        "kunjSakit": True, "sistole": 0, "diastole": 0, "beratBadan": 0, "tinggiBadan": 0, "respRate": 0,
        "lingkarPerut": 0, "heartRate": 0, "rujukBalik": 0, "kdTkp": "10",
    }  # fmt: skip
    rig.hand("99990001", "pendaftaran.add", **body)
    return str(rig.admin("effects")[-1]["receipt"]["noUrut"])


async def test_a_visit_reaches_pcare(rig: Rig) -> None:
    rig.bench.publish(*visit("e1"))
    await rig.work()
    assert rig.bench.states() == WHOLE
    assert rig.effects() == ["pendaftaran.add", "kunjungan.add", "obat.add"]
    contacts = rig.bench.outbox("jkn.kbk.kontak.v1")
    assert [(c["state"], c["kind"]) for c in contacts] == [("recorded", "SAKIT_RAJAL")]


async def test_a_registration_the_emr_knows_is_adopted_and_the_visit_goes_on_upon_it(rig: Rig) -> None:
    rig.bench.publish(*carrying(noUrut=register_by_hand(rig)))
    await rig.work()
    assert rig.bench.states() == WHOLE
    assert rig.row("pendaftaran", "e1")["how"] == "adopted"
    assert rig.effects() == ["kunjungan.add", "obat.add"]


async def test_a_number_that_pcare_does_not_show_is_parked_and_nothing_is_sent(rig: Rig) -> None:
    rig.bench.publish(*carrying(noUrut="A77"))
    await rig.work()
    assert rig.bench.states()["pendaftaran e1"] == ("absent", "parked")
    assert "A77" in (rig.reason("pendaftaran", "e1") or {})["id"]
    assert rig.writes() == 0


async def test_what_the_emr_writes_back_of_our_results_sends_nothing(rig: Rig) -> None:
    rig.bench.publish(*visit("e1"))
    await rig.work()
    told = rig.bench.outbox("jkn.hasil.v1")
    number = next(h["values"]["noUrut"] for h in told if h["kind"] == "pendaftaran")
    visit_number = next(h["values"]["noKunjungan"] for h in told if h["kind"] == "kunjungan")
    before = rig.writes()
    echo = carrying(noUrut=number, noKunjungan=visit_number)
    for resource in echo:
        resource["meta"] = {"lastUpdated": "2026-06-01T00:00:00Z"}
    rig.bench.publish(*echo)
    await rig.work()
    assert rig.writes() == before
    assert rig.bench.states() == WHOLE


async def test_an_upgraded_adapter_on_an_old_ledger_sends_nothing(rig: Rig, monkeypatch: Any) -> None:
    """Equal inputs mean no revision and no withdrawal, whatever newer code says (DESIGN §1 "Upgrades")."""
    start = datetime.now(UTC) - timedelta(minutes=1)
    rig.bench.publish(*visit("e1", start=start))
    await rig.work()
    before = rig.writes()
    old = PCareAdapter.translate

    def newer(self: PCareAdapter, *given: Any) -> list[Verdict]:
        said = []
        for verdict in old(self, *given):
            if isinstance(verdict, Wanted) and verdict.kind == "kunjungan":
                said.append(replace(verdict, payload={**verdict.payload, "anamnesa": "kata lain"}))
            elif isinstance(verdict, Wanted) and verdict.kind == "obat":
                said.append(Unwanted("obat", verdict.key, "cancelled", Reason.of("pcare.kurang", field="obat")))
            else:
                said.append(verdict)
        return said

    monkeypatch.setattr(PCareAdapter, "translate", newer)
    rig.reopen()
    host = rig.bench.host
    host.ledger.write_now(lambda c: c.execute(s.journey.update().values(due_at=0.0)))
    await rig.work()
    assert rig.writes() == before
    assert rig.bench.states() == WHOLE
    assert (rig.reason("kunjungan", "e1") or {})["code"] == "beda.versi"

    resources = visit("e1", version=2, start=start)
    resources[1]["reasonCode"] = [{"text": "Demam 3 hari"}]
    rig.bench.publish(*resources)
    await rig.work()
    assert "kunjungan.edit" in rig.effects()


async def test_a_log_in_refused_while_probing_closes_the_credential(rig: Rig) -> None:
    """Asking again and again with refused credentials locks the account: one refusal is enough."""
    rig.reopen(waktu=rig.bench.config["waktu"] | {"visibility": 3.0})  # the first probe comes a second after the loss
    rig.faults({"operation": "pendaftaran.add", "kind": "lost_after", "count": 1})
    rig.bench.publish(*visit("e1"))
    await rig.bench.start()
    await rig.until(rig.effects)
    rig.admin("options", {"pcare": {"consumer_expired": True}})
    await rig.until(lambda: rig.bench.host.limits.closed)
    asked = len(rig.admin("requests"))
    await asyncio.sleep(1.5)
    assert len(rig.admin("requests")) == asked
    assert rig.row("pendaftaran", "e1")["work"] == "in_doubt"
    await rig.bench.stop()
