"""The visit's fields: where each is found, what is converted, what is refused, what waits (pcare §6.2, §22 #8-#10)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jknbridge.verdicts import Code, Parked, Waiting, Wanted

V = ("kunjungan", "Encounter/e1")


def payload(clinic: Any) -> dict[str, Any]:
    verdict = clinic.said()[V]
    assert isinstance(verdict, Wanted), verdict
    return dict(verdict.payload)


def waits_for(clinic: Any) -> dict[str, str]:
    """Reason code and the field it names (the text's beginning)."""
    verdict = clinic.said()[V]
    assert isinstance(verdict, Waiting), verdict
    return {need.reason.en.partition(":")[0]: need.reason.code for need in verdict.needs}


def notes(clinic: Any) -> set[str]:
    return {note.code for note in clinic.said()[V].notes}


def test_the_whole_visit(clinic: Any, make: Any) -> None:
    assert payload(clinic) == {
        "noKartu": make.card, "tglDaftar": "02-03-2026", "kdPoli": Code("pcare.poli", "Location/umum", "Poli Umum"),
        "keluhan": "Demam 2 hari",
        "kdSadar": Code("pcare.kesadaran", "snomed|248234008", "Mentally alert", if_unmapped="01"),
        "sistole": 120, "diastole": 80, "beratBadan": 60.5, "tinggiBadan": 165, "respRate": 20, "heartRate": 80,
        "lingkarPerut": 80, "suhu": "37.8",
        "kdStatusPulang": Code("pcare.status_pulang", "home"), "tglPulang": "02-03-2026",
        "kdDokter": Code("pcare.dokter", "Practitioner/d1", "dr. Uji"),
        "kdDiag1": "J06.9", "kdDiag2": "R51", "kdDiag3": None,
        "kdPoliRujukInternal": None, "rujukLanjut": None, "kdTacc": -1, "alasanTacc": None,
        "anamnesa": "Demam sejak dua hari, batuk pilek",
        "alergiMakan": "00", "alergiUdara": "00", "alergiObat": "00",
        "kdPrognosa": Code("pcare.prognosa", "snomed|170968001", "Prognosis good", if_unmapped="02"),
        "terapiObat": "Paracetamol 500 mg 3 x 1 tablet sesudah makan",
        "terapiNonObat": "Tidak Ada", "bmhp": "Tidak Ada",
    }  # fmt: skip


def test_an_empty_visit_names_everything_that_is_missing(clinic: Any) -> None:
    for one in list(clinic.resources):
        if one["resourceType"] not in ("Encounter", "Patient"):
            clinic.resources.remove(one)
    for name in ("participant", "location", "reasonCode", "diagnosis", "hospitalization"):
        del clinic.encounter[name]
    assert set(waits_for(clinic)) == {
        "kdPoli", "keluhan", "kdSadar", "sistole", "diastole", "beratBadan", "tinggiBadan", "respRate", "heartRate",
        "lingkarPerut", "suhu", "kdStatusPulang", "kdDokter", "kdDiag1", "anamnesa",
        "alergiMakan", "alergiUdara", "alergiObat",
    }  # fmt: skip
    assert all(need.where for need in clinic.said()[V].needs)


# --- vitals -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loinc", "value", "unit", "field", "sent"),
    [
        ("29463-7", 8200, "g", "beratBadan", 8.2),
        ("8302-2", 0.72, "m", "tinggiBadan", 72),
        ("56086-2", 90, "cm", "lingkarPerut", 90),
        ("8310-5", 98.6, "[degF]", "suhu", "37"),
        ("8310-5", 36.5, "°C", "suhu", "36.5"),
        ("8867-4", 88, "bpm", "heartRate", 88),
        ("8480-6", 118, "mmHg", "sistole", 118),
    ],
)
def test_units(clinic: Any, make: Any, loinc: str, value: float, unit: str, field: str, sent: object) -> None:
    clinic.add(make.observation("later", loinc, value, unit, at="2026-03-02T09:10:00+07:00"))
    assert payload(clinic)[field] == sent


def test_what_is_no_usable_measurement_waits(clinic: Any) -> None:
    clinic["Observation/o1"]["valueQuantity"] = {"value": 16, "unit": "kPa", "code": "kPa"}
    clinic["Observation/o3"]["valueQuantity"] = {"value": 60}
    clinic["Observation/o4"]["valueQuantity"]["comparator"] = ">"
    clinic["Observation/o5"]["valueQuantity"]["value"] = 0
    clinic["Observation/o6"]["valueQuantity"]["value"] = "80"
    clinic["Observation/o7"]["status"] = "entered-in-error"
    assert waits_for(clinic) == {
        "sistole": "pcare.satuan", "beratBadan": "pcare.satuan", "tinggiBadan": "pcare.nilai",
        "respRate": "pcare.nilai", "heartRate": "pcare.nilai", "lingkarPerut": "pcare.kurang",
    }  # fmt: skip


def test_the_latest_counts_and_an_unreadable_one_is_not_passed_over(clinic: Any, make: Any) -> None:
    clinic.add(make.observation("o0", "8480-6", 150, "mm[Hg]", at="2026-03-02T01:30:00Z"))
    assert payload(clinic)["sistole"] == 120
    clinic.add(make.observation("new", "8480-6", 150, "kPa", at="2026-03-02T09:20:00+07:00"))
    assert waits_for(clinic) == {"sistole": "pcare.satuan"}


def test_a_panel_counts_by_its_components(clinic: Any, make: Any) -> None:
    for each in ("o1", "o2"):
        clinic.drop(f"Observation/{each}")
    parts = [make.observation("x", loinc, value, "mm[Hg]") for loinc, value in (("8480-6", 130), ("8462-4", 85))]
    panel = {k: v for k, v in make.observation("panel", "85354-9", 0, "x").items() if k != "valueQuantity"}
    clinic.add(panel | {"component": [{k: part[k] for k in ("code", "valueQuantity")} for part in parts]})
    assert (payload(clinic)["sistole"], payload(clinic)["diastole"]) == (130, 85)


def test_zero_means_not_measured_only_by_setting(clinic: Any) -> None:
    for each in ("o1", "o2", "o8"):
        clinic.drop(f"Observation/{each}")
    clinic.options["nol_berarti_tidak_diukur"] = ["sistole", "diastole"]
    assert waits_for(clinic) == {"suhu": "pcare.kurang"}
    clinic.options["nol_berarti_tidak_diukur"] = ["sistole", "diastole", "suhu"]
    sent = payload(clinic)
    assert (sent["sistole"], sent["diastole"], sent["suhu"]) == (0, 0, "0")
    assert notes(clinic) == {"pcare.nol_tidak_diukur"}


def test_another_visits_measurement_is_not_this_ones(clinic: Any) -> None:
    clinic["Observation/o1"]["encounter"] = {"reference": "Encounter/e2"}
    assert waits_for(clinic) == {"sistole": "pcare.kurang"}


def test_the_registration_of_a_sick_visit_is_the_same_whenever_it_is_made(clinic: Any) -> None:
    """It cannot be corrected, so it says "not measured", and the visit carries vitals and complaint."""
    full = clinic.said()["pendaftaran", "Encounter/e1"].payload
    clinic.resources[:] = [one for one in clinic.resources if one["resourceType"] in ("Encounter", "Patient")]
    assert clinic.said()["pendaftaran", "Encounter/e1"].payload == full
    assert (full["sistole"], full["keluhan"]) == (0, None)


# --- diagnoses --------------------------------------------------------------------------------------------------------


def test_more_than_three_diagnoses(clinic: Any, make: Any) -> None:
    for number in (3, 4, 5):
        clinic.add(make.condition(f"c{number}", f"K0{number}.1"))
        clinic.encounter["diagnosis"].append({"condition": {"reference": f"Condition/c{number}"}, "rank": number})
    assert [payload(clinic)[f"kdDiag{i}"] for i in (1, 2, 3)] == ["J06.9", "R51", "K03.1"]
    assert notes(clinic) == {"pcare.diagnosis_lebih_dari_tiga"}


def test_refuted_equal_and_chief_complaint_are_left_out(clinic: Any, make: Any) -> None:
    clinic["Condition/c1"]["verificationStatus"] = {"coding": [{"code": "refuted"}]}
    clinic.add(make.condition("c3", "r51"), make.condition("cc", None, code={"text": "Pusing"}))
    clinic.encounter["diagnosis"] += [
        {"condition": {"reference": "Condition/c3"}, "rank": 3},
        {"condition": {"reference": "Condition/cc"}, "use": make.concept("role", "CC")},
    ]
    assert [payload(clinic)[f"kdDiag{i}"] for i in (1, 2, 3)] == ["R51", None, None]


def test_a_diagnosis_that_has_not_arrived_or_has_no_icd10(clinic: Any) -> None:
    clinic.drop("Condition/c2")
    assert waits_for(clinic) == {"kdDiag2": "pcare.rujukan_hilang"}
    clinic["Condition/c1"]["code"] = {"text": "ISPA"}
    assert [need.reason.code for need in clinic.said()[V].needs] == [
        "pcare.tanpa_icd10", "pcare.rujukan_hilang", "pcare.kurang",
    ]  # fmt: skip


def test_without_encounter_diagnosis_only_a_single_condition_is_sure(clinic: Any) -> None:
    clinic.encounter["diagnosis"] = []
    for each in ("c1", "c2"):
        clinic[f"Condition/{each}"]["category"] = [{"coding": [{"code": "encounter-diagnosis"}]}]
    assert set(waits_for(clinic).values()) == {"pcare.urutan_diagnosis"}
    clinic.drop("Condition/c2")
    assert payload(clinic)["kdDiag1"] == "J06.9"


# --- discharge, referral, prognosis, allergies --------------------------------------------------------------------


def test_no_disposition_waits_or_takes_the_setting(clinic: Any) -> None:
    del clinic.encounter["hospitalization"]
    assert waits_for(clinic) == {"kdStatusPulang": "pcare.kurang"}
    clinic.options["status_pulang_rawat_jalan"] = "3"
    assert payload(clinic)["kdStatusPulang"] == "3"
    assert notes(clinic) == {"pcare.status_pulang_pengaturan"}


def test_a_referral_is_parked_and_the_registration_goes(clinic: Any, make: Any) -> None:
    request = {
        "resourceType": "ServiceRequest", "id": "r", "status": "active", "encounter": {"reference": "Encounter/e1"},
        "category": [make.concept(make.snomed, "3457005")], "code": make.concept(make.snomed, "185389009"),
    }  # fmt: skip
    clinic.add(request)
    assert isinstance(clinic.said()[V], Wanted), "coming back for a check is no referral"
    request["code"] = make.concept(make.snomed, "737481003")
    for setting in (None, "3"):
        clinic.options["status_pulang_rawat_jalan"] = setting
        assert isinstance(clinic.said()[V], Parked)
        assert clinic.said()[V].reason.code == "pcare.rujukan_belum"
    assert isinstance(clinic.said()["pendaftaran", "Encounter/e1"], Wanted)
    clinic.drop("ServiceRequest/r")
    clinic.encounter["hospitalization"]["dischargeDisposition"]["coding"][0]["code"] = "other-hcf"
    assert clinic.said()[V].reason.code == "pcare.rujukan_belum"


def test_prognosis_by_diagnosis_where_none_was_recorded(clinic: Any) -> None:
    clinic.drop("ClinicalImpression/i1")
    assert payload(clinic)["kdPrognosa"] == Code("pcare.prognosa", "icd10|J06.9")


def test_allergies(clinic: Any, make: Any) -> None:
    clinic.drop("AllergyIntolerance/a1")
    clinic.options["alergi_tanpa_catatan"] = "nol-nol"
    assert payload(clinic)["alergiObat"] == "00"
    assert notes(clinic) == {"pcare.alergi_pengaturan"}
    record = {
        "resourceType": "AllergyIntolerance", "id": "a2", "patient": {"reference": "Patient/p1"},
        "category": ["medication"], "code": make.concept("http://sys-ids.kemkes.go.id/kfa", "93000359", "Azithromycin"),
    }  # fmt: skip
    clinic.add(record)
    assert payload(clinic)["alergiObat"] == Code("pcare.alergi_obat", "kfa|93000359", "Azithromycin")
    record["clinicalStatus"] = {"coding": [{"code": "resolved"}]}
    assert payload(clinic)["alergiObat"] == "00"
    del record["clinicalStatus"], record["category"]
    clinic.options.clear()
    assert "pcare.alergi_tanpa_kategori" in waits_for(clinic).values()


def test_no_known_drug_allergy_says_nothing_of_food(clinic: Any, make: Any) -> None:
    clinic["AllergyIntolerance/a1"]["code"] = make.concept(make.snomed, "409137002")
    assert set(waits_for(clinic)) == {"alergiMakan", "alergiUdara"}


# --- texts ------------------------------------------------------------------------------------------------------------


def test_the_complaint_is_looked_for_in_this_order(clinic: Any, make: Any) -> None:
    problem = make.condition("p", None, code={"text": "Batuk"}, note=[{"text": "Batuk sejak 3 hari"}])
    problem["category"] = [{"coding": [{"code": "problem-list-item"}]}]
    stable = make.condition("s", None, code=make.concept(make.snomed, "359746009", "Condition stable"))
    stable["category"] = problem["category"]
    clinic.add(problem, stable)
    clinic.drop("Observation/o10")
    assert (payload(clinic)["keluhan"], payload(clinic)["anamnesa"]) == ("Demam 2 hari", "Batuk sejak 3 hari")
    del clinic.encounter["reasonCode"]
    assert payload(clinic)["keluhan"] == "Batuk"
    clinic.add({
        "resourceType": "Composition", "id": "k", "status": "final", "encounter": {"reference": "Encounter/e1"},
        "section": [{"section": [
            {"code": make.concept(make.loinc, "10154-3"), "text": {"div": "<div>Nyeri &amp; <b>mual</b></div>"}},
            {"code": make.concept(make.loinc, "10164-2"), "entry": [{"reference": "Condition/p"}]},
        ]}],
    })  # fmt: skip
    assert (payload(clinic)["keluhan"], payload(clinic)["anamnesa"]) == ("Nyeri & mual", "Batuk sejak 3 hari")


def test_complaint_and_history_never_stand_in_for_each_other(clinic: Any) -> None:
    clinic.drop("Observation/o10")
    assert waits_for(clinic) == {"anamnesa": "pcare.kurang"}


def test_therapies_and_materials(clinic: Any, make: Any) -> None:
    def procedure(id_: str, category: str, name: str, **more: Any) -> dict[str, Any]:
        return {
            "resourceType": "Procedure", "id": id_, "status": "completed", "encounter": {"reference": "Encounter/e1"},
            "category": make.concept(make.snomed, category), "code": {"text": name}, **more,
        }  # fmt: skip

    clinic.add(
        procedure("x1", "409073007", "Edukasi gizi", performedDateTime="2026-03-02T09:10:00+07:00"),
        procedure(
            "x2", "277132007", "Nebulisasi", note=[{"text": "10 menit"}], usedCode=[{"text": "Masker nebulizer"}]
        ),
        procedure("x3", "103693007", "EKG"),
        procedure("x4", "277132007", "Tidak jadi", status="not-done"),
    )
    sent = payload(clinic)
    assert sent["terapiNonObat"] == "Nebulisasi: 10 menit; Edukasi gizi"
    assert sent["bmhp"] == "Masker nebulizer"


def test_long_texts_are_cut_and_say_so(clinic: Any) -> None:
    clinic.encounter["reasonCode"] = [{"text": "sakit " * 200}]
    assert len(payload(clinic)["keluhan"]) == 400
    assert notes(clinic) == {"pcare.teks_dipotong"}


# --- always -----------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_order_of_arrival_gives_the_same_verdicts(clinic: Any, data: Any) -> None:
    order = data.draw(st.permutations(range(len(clinic.resources))))
    assert clinic.verdicts(order) == clinic.verdicts()


def test_no_reason_names_the_patient(clinic: Any, make: Any) -> None:
    """Canaries: the card, the NIK and the name must not be in any reason, need or note, whatever is wrong."""
    broken = ["Observation/o1", "Observation/o10", "ClinicalImpression/i1", "AllergyIntolerance/a1"]
    texts: list[str] = []
    for status in ("planned", "arrived", "finished", "cancelled", "unknown"):
        clinic.encounter["status"] = status
        for each in [None, *broken]:
            if each:
                clinic.drop(each)
            for verdict in clinic.verdicts():
                shown = [
                    *(n.reason for n in getattr(verdict, "needs", ())), *getattr(verdict, "notes", ()),
                    *([verdict.reason] if hasattr(verdict, "reason") else ()),
                ]  # fmt: skip
                texts += [one.id + one.en for one in shown]
                texts += [n.where for n in getattr(verdict, "needs", ())]
        broken = []
    joined = " ".join(texts)
    assert texts
    assert not any(canary in joined for canary in (make.card, make.nik, "KENARI"))
