"""Resolved payloads → exact bodies, and what resolving may show (pcare §5.1, §6.2, §8)."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from jknbridge.reasons import Reason
from jknbridge.targets import Call, Instance, Verb
from jknbridge.verdicts import Code, Ref
from jknbridge_adapters.pcare.compose import compose
from jknbridge_adapters.pcare.kinds import KINDS

MAPPED = {"pcare.poli": "001", "pcare.dokter": "900001", "pcare.status_pulang": "3", "pcare.obat": "990000001"}


def resolved(value: Any) -> Any:
    if isinstance(value, Code):
        return MAPPED.get(value.list, value.if_unmapped)
    return "999900010326Y000001" if isinstance(value, Ref) else value


def call(clinic: Any, kind: str, verb: Verb = Verb.ADD, **changes: Any) -> Call:
    verdict = next(v for v in clinic.verdicts() if v.kind == kind)
    instance = Instance("99990001", "pcare", "dev", clinic.settings(), None)  # type: ignore[arg-type]
    payload = {name: resolved(value) for name, value in verdict.payload.items()} | changes
    return Call("r1", instance, KINDS[kind], verb, payload, service_date=verdict.service_date)


def test_bodies_have_the_contracts_fields_in_its_order(clinic: Any) -> None:
    assert list(compose(call(clinic, "pendaftaran"))) == [
        "kdProviderPeserta",
        "tglDaftar",
        "noKartu",
        "kdPoli",
        "keluhan",
        "kunjSakit",
        "sistole",
        "diastole",
        "beratBadan",
        "tinggiBadan",
        "respRate",
        "heartRate",
        "lingkarPerut",
        "rujukBalik",
        "kdTkp",
    ]
    assert list(compose(call(clinic, "kunjungan"))) == [
        "noKunjungan",
        "noKartu",
        "tglDaftar",
        "kdPoli",
        "keluhan",
        "kdSadar",
        "sistole",
        "diastole",
        "beratBadan",
        "tinggiBadan",
        "respRate",
        "heartRate",
        "lingkarPerut",
        "kdStatusPulang",
        "tglPulang",
        "kdDokter",
        "kdDiag1",
        "kdDiag2",
        "kdDiag3",
        "kdPoliRujukInternal",
        "rujukLanjut",
        "kdTacc",
        "alasanTacc",
        "anamnesa",
        "alergiMakan",
        "alergiUdara",
        "alergiObat",
        "kdPrognosa",
        "terapiObat",
        "terapiNonObat",
        "bmhp",
        "suhu",
    ]
    assert list(compose(call(clinic, "obat"))) == [
        "kdObatSK",
        "noKunjungan",
        "racikan",
        "kdRacikan",
        "obatDPHO",
        "kdObat",
        "signa1",
        "signa2",
        "jmlObat",
        "jmlPermintaan",
        "nmObatNonDPHO",
    ]


@pytest.mark.parametrize("kind", ["pendaftaran", "kunjungan", "obat"])
def test_composing_a_body_again_changes_nothing(clinic: Any, kind: str) -> None:
    once = call(clinic, kind)
    body = compose(once)
    assert compose(dataclasses.replace(once, payload=body)) == body


def test_an_edit_names_its_visit(clinic: Any) -> None:
    edit = dataclasses.replace(call(clinic, "kunjungan", Verb.EDIT), values={"noKunjungan": "N1"})
    assert compose(edit)["noKunjungan"] == "N1"
    assert compose(call(clinic, "kunjungan"))["noKunjungan"] is None


@pytest.mark.parametrize("status", ["4", "6"])
def test_a_mapping_may_turn_a_visit_into_a_referral(clinic: Any, status: str) -> None:
    assert compose(call(clinic, "kunjungan", kdStatusPulang=status)).code == "pcare.rujukan_belum"


def test_dpho_and_not(clinic: Any) -> None:
    body = compose(call(clinic, "obat"))
    assert (body["obatDPHO"], body["kdObat"], body["nmObatNonDPHO"]) == (True, "990000001", "-")
    body = compose(call(clinic, "obat", kdObat="-"))
    assert (body["obatDPHO"], body["kdObat"], body["nmObatNonDPHO"]) == (False, None, "Paracetamol 500 mg")
    assert compose(call(clinic, "obat", kdObat="-")) == compose(call(clinic, "obat", **body))


def test_what_has_not_bpjs_form_is_for_it_and_names_fields_only(clinic: Any) -> None:
    reason = compose(call(clinic, "kunjungan", kdPoli="", sistole="120", kdDokter="dr. KENARI"))
    assert isinstance(reason, Reason)
    assert (reason.code, reason.who) == ("pcare.isi_tidak_sah", "IT")
    assert "kdDokter, kdPoli, sistole" in reason.en
    assert "KENARI" not in reason.id + reason.en


def test_deletes_name_their_keys_from_what_was_accepted(clinic: Any) -> None:
    sent = dict(call(clinic, "pendaftaran").payload)
    gone = dataclasses.replace(
        call(clinic, "pendaftaran", Verb.DELETE, kdPoli="002"), sent=sent, values={"noUrut": "A1"}
    )
    assert compose(gone) == {"noKartu": sent["noKartu"], "tglDaftar": "02-03-2026", "noUrut": "A1", "kdPoli": "001"}
