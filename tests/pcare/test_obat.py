"""Drug lines: which prescriptions make one, compounds, dosage, and what takes a line back (pcare §8)."""

from __future__ import annotations

from typing import Any

import pytest

from jknbridge.verdicts import Code, NotApplicable, Ref, Unwanted, Waiting, Wanted

M = ("obat", "MedicationRequest/m1")
KEY = "emr/MedicationRequest/m1"


def line(clinic: Any, name: str = "m1") -> Any:
    return clinic.said()["obat", f"MedicationRequest/{name}"]


def why(verdict: Any) -> list[str]:
    return [need.reason.code for need in verdict.needs]


def test_a_ready_drug(clinic: Any, make: Any) -> None:
    assert line(clinic).payload == {
        "noKartu": make.card, "noKunjungan": Ref("pcare.kunjungan", "emr/Encounter/e1", "noKunjungan"),
        "racikan": False, "kdRacikan": None, "kdObat": Code("pcare.obat", "kfa|93000001", "Paracetamol 500 mg"),
        "signa1": 3, "signa2": 1, "jmlObat": 10, "jmlPermintaan": 10, "nmObatNonDPHO": "Paracetamol 500 mg",
    }  # fmt: skip


def test_without_mapping_as_text_by_setting(clinic: Any) -> None:
    clinic.options["obat_tanpa_pemetaan"] = "teks"
    code = line(clinic).payload["kdObat"]
    assert (code.if_unmapped, code.note.code) == ("-", "pcare.obat_sebagai_teks")


@pytest.mark.parametrize("status", ["cancelled", "entered-in-error"])
def test_a_retracted_prescription(clinic: Any, status: str) -> None:
    clinic["MedicationRequest/m1"]["status"] = status
    assert line(clinic).evidence == status
    assert clinic.said()["kunjungan", "Encounter/e1"].payload["terapiObat"] == "Tidak Ada"


def test_a_deleted_prescription(clinic: Any) -> None:
    clinic.gone.append("MedicationRequest/m1")
    clinic.hold("obat", "MedicationRequest/m1#1", kdObatSK="1")
    found = {v.key: v.evidence for v in clinic.verdicts() if isinstance(v, Unwanted)}
    assert found == {KEY: "deleted", f"{KEY}#1": "deleted"}


@pytest.mark.parametrize("status", ["draft", "on-hold", "unknown"])
def test_a_prescription_not_in_force_waits(clinic: Any, status: str) -> None:
    clinic["MedicationRequest/m1"]["status"] = status
    assert why(line(clinic)) == ["pcare.resep_menunggu"]


def test_stopped_before_it_was_sent_is_unwanted_and_after_it_stays(clinic: Any) -> None:
    """A drug that was given and later stopped was given: PCare keeps it."""
    clinic["MedicationRequest/m1"]["status"] = "stopped"
    assert isinstance(line(clinic), Unwanted)
    clinic.hold("obat", "MedicationRequest/m1", kdObatSK="1")
    assert why(line(clinic)) == ["pcare.resep_dihentikan"]


def test_no_order_no_line(clinic: Any) -> None:
    clinic["MedicationRequest/m1"]["intent"] = "proposal"
    assert isinstance(line(clinic), NotApplicable)
    clinic["MedicationRequest/m1"].update(intent="order", doNotPerform=True)
    assert isinstance(line(clinic), NotApplicable)


def test_another_visits_prescription_is_not_mentioned(clinic: Any) -> None:
    clinic["MedicationRequest/m1"]["encounter"] = {"reference": "Encounter/e2"}
    assert M not in clinic.said()


# --- what it is ---------------------------------------------------------------------------------------------------


def test_a_referenced_medication(clinic: Any, make: Any) -> None:
    request = clinic["MedicationRequest/m1"]
    del request["medicationCodeableConcept"]
    request["medicationReference"] = {"reference": "Medication/x", "display": "Obat"}
    assert why(line(clinic)) == ["pcare.rujukan_hilang"]
    clinic.add({"resourceType": "Medication", "id": "x", "code": make.concept("urn:apotek", "PCT", "Parasetamol")})
    assert line(clinic).payload["kdObat"] == Code("pcare.obat", "urn:apotek|PCT", "Parasetamol")
    request["medicationReference"] = {"reference": "#in"}
    request["contained"] = [{"resourceType": "Medication", "id": "in", "code": {"text": "  Obat  Batuk Hitam "}}]
    assert line(clinic).payload["kdObat"] == Code("pcare.obat", "teks|obat batuk hitam", "Obat  Batuk Hitam")


def compound(clinic: Any, make: Any, *units: str) -> None:
    request = clinic["MedicationRequest/m1"]
    request.pop("medicationCodeableConcept", None)
    request["medicationReference"] = {"reference": "Medication/x"}
    clinic.resources = [one for one in clinic.resources if one["resourceType"] != "Medication"]
    clinic.add({
        "resourceType": "Medication", "id": "x",
        "extension": [{
            "url": "https://fhir.kemkes.go.id/r4/StructureDefinition/MedicationType",
            "valueCodeableConcept": make.concept("http://terminology.kemkes.go.id/CodeSystem/medication-type", "EP"),
        }],
        "ingredient": [
            {
                "itemCodeableConcept": make.concept("http://sys-ids.kemkes.go.id/kfa", f"9100000{i}", f"Bahan {i}"),
                "strength": {"numerator": {"value": 0.5, "code": unit}, "denominator": {"value": 1, "code": "BUN"}},
            }
            for i, unit in enumerate(units, start=1)
        ],
    })  # fmt: skip


def test_a_compound_is_one_line_per_ingredient(clinic: Any, make: Any) -> None:
    compound(clinic, make, "TAB", "TAB")
    said = clinic.said()
    first, second = (said["obat", f"MedicationRequest/m1#{i}"].payload for i in (1, 2))
    assert M not in said
    assert (first["racikan"], first["kdRacikan"]) == (True, None)
    assert second["kdRacikan"] == Ref("pcare.obat", f"{KEY}#1", "kdRacikan")
    assert (first["jmlObat"], second["kdObat"].local) == (5, "kfa|91000002")
    assert said["kunjungan", "Encounter/e1"].payload["terapiObat"].startswith("Bahan 1, Bahan 2 3 x 1")


def test_an_ingredient_in_milligrams_is_no_number_of_tablets(clinic: Any, make: Any) -> None:
    compound(clinic, make, "mg")
    assert why(line(clinic, "m1#1")) == ["pcare.bahan_racikan"]


def test_a_changed_compound_gives_back_what_it_no_longer_has(clinic: Any, make: Any) -> None:
    for name in ("m1", "m1#1", "m1#2", "m1#3"):
        clinic.hold("obat", f"MedicationRequest/{name}", kdObatSK=name)
    compound(clinic, make, "TAB", "TAB")
    said = clinic.said()
    assert {key[1][-4:]: type(v) for key, v in said.items() if key[0] == "obat"} == {
        "t/m1": Unwanted, "m1#1": Wanted, "m1#2": Wanted, "m1#3": Unwanted,
    }  # fmt: skip
    assert said[M].evidence == "changed"


def test_a_fixed_combination_tablet_is_no_compound(clinic: Any, make: Any) -> None:
    compound(clinic, make, "mg", "mg", "mg")
    medication = clinic["Medication/x"]
    medication["extension"][0]["valueCodeableConcept"]["coding"][0]["code"] = "NC"
    medication["code"] = make.concept("http://sys-ids.kemkes.go.id/kfa", "93001019", "FDC TB")
    assert isinstance(line(clinic), Wanted)


# --- dosage ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("timing", "dose", "text", "signa"),
    [
        ({"repeat": {"frequency": 1, "period": 8, "periodUnit": "h"}}, {"value": 1, "unit": "TAB"}, None, (3, 1)),
        ({"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}}, {"value": 0.5, "unit": "TAB"}, None, (2, 0.5)),
        ({"code": {"coding": [{"code": "TID"}]}}, {"value": 5, "unit": "mL"}, None, (3, 5)),
        (None, None, "3x1", (3, 1)),
        (None, None, "S 2 dd 1,5 tab", (2, 1.5)),
        (None, None, "3 x 500 mg", None),
        (None, None, "3x sehari", None),
        ({"repeat": {"frequency": 3, "period": 1, "periodUnit": "d"}}, {"value": 500, "unit": "mg"}, None, None),
        ({"repeat": {"frequency": 1, "period": 1, "periodUnit": "wk"}}, {"value": 1, "unit": "TAB"}, None, None),
    ],
)
def test_dosage(clinic: Any, timing: Any, dose: Any, text: Any, signa: Any) -> None:
    dosage: dict[str, Any] = {"timing": timing, "text": text}
    if dose:
        dosage["doseAndRate"] = [{"doseQuantity": dose}]
    clinic["MedicationRequest/m1"]["dosageInstruction"] = [dosage]
    verdict = line(clinic)
    if signa is None:
        assert isinstance(verdict, Waiting)
        assert why(verdict) == ["pcare.signa"]
    else:
        assert (verdict.payload["signa1"], verdict.payload["signa2"]) == signa


def test_everything_missing_is_named(clinic: Any) -> None:
    request = clinic["MedicationRequest/m1"]
    request |= {
        "medicationCodeableConcept": {},
        "dosageInstruction": None,
        "dispenseRequest": {"quantity": {"value": 0}},
    }
    assert why(line(clinic)) == ["pcare.signa", "pcare.kurang", "pcare.kurang"]
