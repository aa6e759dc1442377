"""What Encounter.status, class, payer and participant make of a visit: every branch, on journeys built by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from jknbridge.journey import Journey, Resource
from jknbridge.reasons import Reason
from jknbridge.targets import Known, NotKnown
from jknbridge.verdicts import Code, NotApplicable, Parked, Ref, Unwanted, Waiting, Wanted
from jknbridge_adapters.pcare.adapter import PCareAdapter

V, D = ("kunjungan", "Encounter/e1"), ("pendaftaran", "Encounter/e1")
O = ("obat", "MedicationRequest/m1")  # noqa: E741


def codes(verdict: Any) -> list[str]:
    if isinstance(verdict, Waiting):
        return [need.reason.code for need in verdict.needs]
    return [(verdict.reason if isinstance(verdict, Parked | Unwanted) else verdict.rule).code]


# --- the status table -------------------------------------------------------------------------------------------------


def test_finished_wants_registration_visit_and_drugs(clinic: Any) -> None:
    said = clinic.said()
    assert set(said) == {D, V, O}
    assert all(isinstance(verdict, Wanted) for verdict in said.values())
    assert [said[each].settle for each in (D, V, O)] == ["none", "kunjungan", "obat"]
    assert said[V].after == (Ref("pcare.pendaftaran", "emr/Encounter/e1", "noUrut"),)
    assert said[O].parent == Ref("pcare.kunjungan", "emr/Encounter/e1", "noKunjungan")
    assert said[O].payload["noKunjungan"] == said[O].parent
    assert said[D].claim == (
        clinic.participant.value["noKartu"],
        "02-03-2026",
        Code("pcare.poli", "Location/umum", "Poli Umum"),
    )
    assert said[V].claim == said[O].claim == ()


@pytest.mark.parametrize("status", ["arrived", "triaged", "in-progress"])
def test_an_open_visit_is_registered_and_the_rest_waits(clinic: Any, status: str) -> None:
    clinic.encounter["status"] = status
    said = clinic.said()
    assert isinstance(said[D], Wanted)
    assert codes(said[V]) == codes(said[O]) == ["pcare.belum_selesai"]


@pytest.mark.parametrize(
    ("status", "why"),
    [
        ("planned", "belum_datang"),
        ("onleave", "status_menunggu"),
        ("unknown", "status_menunggu"),
        ("baru", "status_menunggu"),
    ],
)
def test_what_is_not_there_yet_or_unclear_waits(clinic: Any, status: str, why: str) -> None:
    clinic.encounter["status"] = status
    said = clinic.said()
    assert set(said) == {D}
    assert codes(said[D]) == [f"pcare.{why}"]


def test_onleave_leaves_what_was_accepted_alone(clinic: Any) -> None:
    clinic.encounter["status"] = "onleave"
    clinic.hold("kunjungan", "Encounter/e1", noKunjungan="1")
    clinic.hold("obat", "MedicationRequest/m1", kdObatSK="1")
    assert {type(verdict) for verdict in clinic.said().values()} == {Waiting}
    assert set(clinic.said()) == {D, V, O}


@pytest.mark.parametrize("status", ["cancelled", "entered-in-error"])
def test_a_void_visit_is_unwanted_with_its_evidence(clinic: Any, status: str) -> None:
    clinic.encounter["status"] = status
    said = clinic.said()
    assert set(said) == {D, V, O}
    assert {verdict.evidence for verdict in said.values()} == {status}


def test_a_deleted_anchor_is_unwanted_with_all_known_drugs(clinic: Any) -> None:
    clinic.gone.append("Encounter/e1")
    clinic.hold("obat", "MedicationRequest/m1#2", kdObatSK="9")
    said = clinic.said()
    assert set(said) == {D, V, O, ("obat", "MedicationRequest/m1#2")}
    assert {verdict.evidence for verdict in said.values()} == {"deleted"}


def test_a_reopened_visit_touches_nothing(clinic: Any) -> None:
    clinic.encounter["status"] = "in-progress"
    clinic.hold("pendaftaran", "Encounter/e1", noUrut="A1")
    clinic.hold("kunjungan", "Encounter/e1", noKunjungan="1")
    said = clinic.said()
    assert isinstance(said[D], Wanted)
    assert codes(said[V]) == codes(said[O]) == ["pcare.dibuka_lagi"]


def test_no_visit_no_verdict(clinic: Any) -> None:
    anchor = Resource("emr", "Appointment", "x", {"resourceType": "Appointment"})
    journey = Journey("emr", anchor, "99990001", ZoneInfo("Asia/Jakarta"))
    clinic.verdicts()
    assert PCareAdapter().translate(journey, clinic.receipts, clinic.facts, clinic.settings()) == ()


# --- dates ------------------------------------------------------------------------------------------------------------


def test_the_service_date_is_the_facilitys(clinic: Any) -> None:
    clinic.encounter["period"] = {"start": "2026-03-01T16:30:00Z", "end": "2026-03-01T17:00:00Z"}
    clinic.zone = "Asia/Jayapura"
    verdict = clinic.said()[D]
    assert verdict.payload["tglDaftar"] == "02-03-2026"
    assert verdict.not_before == datetime(2026, 3, 2, tzinfo=ZoneInfo("Asia/Jayapura"))
    clinic.zone = "Asia/Jakarta"
    assert clinic.said()[D].payload["tglDaftar"] == "01-03-2026"


def test_before_the_first_day_is_not_applicable(clinic: Any) -> None:
    clinic.options["mulai"] = "2026-03-03"
    assert codes(clinic.said()[D]) == ["pcare.sebelum_mulai"]
    assert isinstance(clinic.said()[D], NotApplicable)


def test_a_visit_without_start_waits(clinic: Any) -> None:
    del clinic.encounter["period"]
    assert codes(clinic.said()[D]) == ["pcare.kurang"]
    assert clinic.said()[D].needs[0].where == "Encounter.period.start"


def test_leaving_before_arriving_is_for_a_person(clinic: Any) -> None:
    clinic.encounter["period"]["end"] = "2026-03-01T09:00:00+07:00"
    assert codes(clinic.said()[V]) == ["pcare.pulang_sebelum_datang"]


def test_the_end_may_stand_in_the_history(clinic: Any) -> None:
    del clinic.encounter["period"]["end"]
    assert clinic.said()[V].needs[0].where.startswith("Encounter.period.end")
    clinic.encounter["statusHistory"] = [{"status": "finished", "period": {"start": "2026-03-03T00:30:00+07:00"}}]
    assert clinic.said()[V].payload["tglPulang"] == "03-03-2026"


# --- class and service kind -----------------------------------------------------------------------------------------


def test_inpatient_is_parked_and_never_sent(clinic: Any) -> None:
    for kelas in ("IMP", "ACUTE", "NONAC"):
        clinic.encounter["class"]["code"] = kelas
        assert {verdict: codes(said) for verdict, said in clinic.said().items()} == {D: ["pcare.rawat_inap_belum"]}


@pytest.mark.parametrize("kelas", ["OBSENC", "PRENC", None])
def test_an_unclassified_visit_is_for_review(clinic: Any, kelas: str | None) -> None:
    clinic.encounter["class"] = {"code": kelas} if kelas else {}
    assert codes(clinic.said()[D]) == ["pcare.kelas_tidak_didukung"]


def healthy(clinic: Any, code: str) -> None:
    clinic.encounter["serviceType"] = {"coding": [{"system": "urn:jknbridge:kbk-jenis-layanan", "code": code}]}


@pytest.mark.parametrize(
    ("kelas", "jenis", "kind", "place", "mode"),
    [
        ("AMB", None, "SAKIT_RAJAL", "gedung", "langsung"),
        ("SS", None, "SAKIT_RAJAL", "gedung", "langsung"),
        ("FLD", None, "SAKIT_RAJAL", "lain", "langsung"),
        ("EMER", None, "SAKIT_DARURAT", "gedung", "langsung"),
        ("EMER", "imunisasi", "SAKIT_DARURAT", "gedung", "langsung"),
        ("VR", None, "SAKIT_JARAK", "lain", "tidak_langsung"),
        ("VR", "edukasi", "SEHAT_JARAK", "lain", "tidak_langsung"),
        ("VR", "kelompok", "SEHAT_KELOMPOK", "lain", "tidak_langsung"),
        ("HH", None, "SAKIT_RUMAH", "rumah", "langsung"),
        ("AMB", "imunisasi", "SEHAT_IMUNISASI", "gedung", "langsung"),
        ("AMB", "kia", "SEHAT_KIA", "gedung", "langsung"),
        ("AMB", "kb", "SEHAT_KB", "gedung", "langsung"),
        ("AMB", "skrining", "SEHAT_SKRINING", "gedung", "langsung"),
        ("AMB", "senam", "SEHAT_SENAM", "gedung", "langsung"),
        ("FLD", "lain", "SEHAT_LAIN", "lain", "langsung"),
    ],
)  # fmt: skip
def test_the_contact(clinic: Any, kelas: str, jenis: str | None, kind: str, place: str, mode: str) -> None:
    clinic.encounter["class"]["code"] = kelas
    if jenis:
        healthy(clinic, jenis)
    said = clinic.said()
    sick = kind.startswith("SAKIT")
    contact = said[V if sick else D].contact
    assert (contact.kind, contact.place, contact.mode, contact.sick) == (kind, place, mode, sick)
    assert (contact.registered_here, contact.active, contact.encounter_status) == (True, True, "finished")
    assert not sick or said[D].contact is None


def test_a_location_may_be_elsewhere(clinic: Any) -> None:
    clinic.options["tempat_lokasi"] = {"Location/umum": "jaringan"}
    assert clinic.said()[V].contact.place == "jaringan"
    clinic.add({"resourceType": "Location", "id": "umum", "physicalType": {"coding": [{"code": "ho"}]}})
    assert (clinic.said()[V].contact.kind, clinic.said()[V].contact.place) == ("SAKIT_RUMAH", "rumah")


def test_a_healthy_visit_is_its_registration(clinic: Any) -> None:
    healthy(clinic, "skrining")
    said = clinic.said()
    payload = said[D].payload
    assert (payload["kunjSakit"], payload["kdTkp"]) == (False, "50")
    assert payload["kdPoli"] == Code("pcare.poli", "kbk-jenis-layanan|skrining", "SEHAT_SKRINING")
    assert (payload["sistole"], payload["keluhan"]) == (120, "Demam 2 hari")
    assert codes(said[V]) == codes(said[O]) == ["pcare.sehat_tanpa_kunjungan"]
    clinic.options["kd_tkp_sehat"] = "10"
    assert clinic.said()[D].payload["kdTkp"] == "10"


def test_a_visit_that_became_healthy_gives_back_what_it_had(clinic: Any) -> None:
    healthy(clinic, "skrining")
    clinic.hold("kunjungan", "Encounter/e1", noKunjungan="1")
    clinic.hold("obat", "MedicationRequest/m1", kdObatSK="1")
    said = clinic.said()
    assert said[V].evidence == said[O].evidence == "changed"


def test_an_unknown_service_kind_is_for_the_integrator(clinic: Any) -> None:
    healthy(clinic, "sulap")
    assert codes(clinic.said()[D]) == ["pcare.jenis_layanan_tidak_dikenal"]


def test_a_home_visit_without_treatment(clinic: Any, make: Any) -> None:
    """Open, it may still become a sick visit; finished without any, it is a healthy one (kontak §4 rules 7, 8)."""
    clinic.encounter["class"]["code"] = "HH"
    clinic.encounter["diagnosis"] = []
    clinic.encounter["status"] = "in-progress"
    assert codes(clinic.said()[D]) == ["pcare.jenis_kunjungan_rumah"]
    clinic.encounter["status"] = "finished"
    said = clinic.said()
    assert said[D].contact.kind == "SEHAT_RUMAH"
    assert said[D].payload["kdPoli"].local == "kbk-jenis-layanan|rumah"
    clinic.add({
        "resourceType": "Procedure", "id": "x", "status": "completed", "encounter": {"reference": "Encounter/e1"},
        "category": make.concept(make.snomed, "277132007"),
    })  # fmt: skip
    assert clinic.said()[D].payload["kunjSakit"] is True


# --- payer and participant ------------------------------------------------------------------------------------------


def coverage(payor: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Coverage", "id": "v1", "status": "active", "beneficiary": {"reference": "Patient/p1"},
        "payor": [{"display": payor}], **more,
    }  # fmt: skip


def test_the_card_is_asked_for_and_waits_for_the_answer(clinic: Any, make: Any) -> None:
    clinic.participant = None
    assert codes(clinic.said()[D]) == ["pcare.menanti_peserta"]
    assert {(q.kind, q.subject, q.as_of.isoformat()) for q in clinic.facts.asked} == {
        ("peserta", ("noka", make.card), "2026-03-02")
    }


def test_without_card_the_nik_gives_it(clinic: Any, make: Any) -> None:
    del clinic["Patient/p1"]["identifier"][0]
    assert clinic.said()[D].payload["noKartu"] == make.card
    assert clinic.facts.asked[0].subject == ("nik", make.nik)
    clinic.participant = NotKnown(Reason.of("pcare.peserta_tidak_ditemukan"))
    assert isinstance(clinic.said()[D], NotApplicable)
    assert codes(clinic.said()[D]) == ["pcare.bukan_peserta"]


def test_an_unknown_card_is_parked(clinic: Any) -> None:
    clinic.participant = NotKnown(Reason.of("pcare.peserta_tidak_ditemukan"))
    assert isinstance(clinic.said()[D], Parked)


def test_a_coverage_may_hold_the_card(clinic: Any, make: Any) -> None:
    clinic["Patient/p1"]["identifier"] = []
    clinic.add(coverage("BPJS Kesehatan", subscriberId=make.card))
    assert clinic.said()[D].payload["noKartu"] == make.card


def test_neither_card_nor_nik(clinic: Any) -> None:
    clinic["Patient/p1"]["identifier"] = [{"system": "https://fhir.kemkes.go.id/id/bpjs", "value": "12"}]
    assert codes(clinic.said()[D]) == ["pcare.tanpa_kartu_dan_nik"] * 2
    clinic.add(coverage("JKN"))
    assert codes(clinic.said()[D]) == ["pcare.klaim_tanpa_kartu"]


def test_two_cards(clinic: Any) -> None:
    other = {"system": "https://fhir.kemkes.go.id/id/bpjs-kartu", "value": "0009999000002"}
    clinic["Patient/p1"]["identifier"].append(other)
    assert codes(clinic.said()[D]) == ["pcare.kartu_ganda"]
    other["use"] = "old"
    assert isinstance(clinic.said()[D], Wanted)


def test_the_payer(clinic: Any) -> None:
    clinic.add(coverage("Umum"))
    assert isinstance(clinic.said()[D], NotApplicable)
    assert codes(clinic.said()[D]) == ["pcare.penjamin_lain"]
    clinic["Coverage/v1"]["payor"] = [{"display": "BPJS Ketenagakerjaan"}]  # another body, and in no list
    assert codes(clinic.said()[D]) == ["pcare.penjamin_tidak_dikenal"]
    clinic["Coverage/v1"]["period"] = {"end": "2026-03-01"}
    assert isinstance(clinic.said()[D], Wanted)
    clinic.options["penjamin_lain"] = ["bpjs ketenagakerjaan"]
    del clinic["Coverage/v1"]["period"]
    assert isinstance(clinic.said()[D], NotApplicable)


def test_both_payers_mean_ours(clinic: Any) -> None:
    clinic.add(coverage("Umum"), coverage("BPJS Kesehatan", id="v2"))
    assert isinstance(clinic.said()[D], Wanted)


def test_guests_and_inactive_members_are_shown_and_sent(clinic: Any, make: Any) -> None:
    other = {"kdProviderPst": "99990003", "aktif": False, "nik": "9999000000000002"}
    clinic.participant = Known(make.participant | other)
    said = clinic.said()
    assert said[D].payload["kdProviderPeserta"] == "99990003"
    notes = {note.code for note in said[D].notes}
    assert notes == {"pcare.peserta_tidak_aktif", "pcare.peserta_tamu", "pcare.nik_berbeda"}
    assert (said[V].contact.registered_here, said[V].contact.active) == (False, False)


def test_an_incomplete_answer_is_parked(clinic: Any, make: Any) -> None:
    clinic.participant = Known(make.participant | {"kdProviderPst": None})
    assert codes(clinic.said()[D]) == ["pcare.peserta_tidak_lengkap"]


def test_the_patient_has_not_arrived(clinic: Any) -> None:
    clinic.drop("Patient/p1")
    assert codes(clinic.said()[D]) == ["pcare.rujukan_hilang"]


# --- numbers the EMR already carries ----------------------------------------------------------------------------------


def test_numbers_in_the_emr_are_to_be_adopted(clinic: Any) -> None:
    clinic.encounter["identifier"] = [
        {"system": "urn:jknbridge:pcare:noUrut", "value": "A7"},
        {"system": "urn:jknbridge:pcare:noKunjungan", "value": "999900010326Y000009"},
    ]
    said = clinic.said()
    assert said[D].adopt == {"noUrut": "A7"}
    assert said[V].adopt == {"noKunjungan": "999900010326Y000009"}
