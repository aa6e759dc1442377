"""Files in, without any configuration: every entry accounted for, every verdict with what it waits for."""

from __future__ import annotations

import json
from typing import Any

import pytest

import jknbridge_adapters.pcare as pcare
from jknbridge.spec import hookimpl
from jknbridge.testing.memory import MemoryAdapter, MemoryPlugin, Target
from jknbridge.testing.visits import MAPPINGS, visit


def bundle(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources]}


def test_a_bundle_with_everything_in_it_is_accounted_for(integrator: Any) -> None:
    wrong = {"resourceType": "Location", "id": "jauh", "nama": "?"}
    file = integrator.file("b.json", bundle(*visit("e1"), {"resourceType": "Slot", "id": "s"}, wrong, {"id": "x"}))
    found = integrator.plan(file, "--json")
    assert found.code == 1
    assert found.data["records"] == {"in": 1, "decoded": 1, "dead_lettered": 0}
    assert found.data["entries"] == {
        "newest": 17, "superseded": 0, "duplicate": 0, "ignored": 1, "dead_lettered": 1,
    }  # fmt: skip
    assert found.data["resources"] == {"in_journey": 16, "orphan": 1, "deleted": 0}
    assert found.data["adds_up"] is True
    assert found.data["orphans"] == ["Location/jauh"]
    (one,) = found.data["inputs"]
    assert (one["ignored"], one["ignored_types"]) == ({"type": 1}, {"Slot": 1})
    assert [dead["reason"]["code"] for dead in one["dead"]] == ["resource.not_fhir"]
    assert one["findings"] == {"Location/jauh": ["Location.nama: unknown in FHIR R4B"]}


def test_the_guess_is_said_and_the_fact_asked_for(integrator: Any) -> None:
    found = integrator.plan(integrator.file("b.json", bundle(*visit("e1"))), "--json")
    assert found.code == 0
    assert [note["code"] for note in found.data["notes"]] == ["rencana.faskes_tebakan"]
    (journey,) = found.data["journeys"]
    assert (journey["facility"], journey["zone"]) == ("99990001", "WIB")
    assert [(f["kind"], f["subject"], f["state"]) for f in journey["facts"]] == [
        ("peserta", ["noka", "0009999000001"], "asked"),
    ]  # fmt: skip
    registration = found.submissions()["pendaftaran e1"]
    assert registration["verdict"] == "waiting"
    assert [wait["reason"]["code"] for wait in registration["waits"]] == ["pcare.menanti_peserta"]


def test_with_the_fact_every_payload_is_shown_with_what_it_waits_for(integrator: Any, peserta: str) -> None:
    found = integrator.plan(integrator.file("b.json", bundle(*visit("e1"))), "--fakta", peserta, "--json")
    shown = found.submissions()
    assert {name: one["verdict"] for name, one in shown.items()} == {
        "pendaftaran e1": "wanted", "kunjungan e1": "wanted", "obat e1-m1": "wanted",
    }  # fmt: skip
    assert shown["pendaftaran e1"]["payload"]["noKartu"] == "0009999000001"
    assert shown["pendaftaran e1"]["payload"]["kdPoli"] == {
        "code": "pcare.poli", "local": "Location/umum", "display": "Poli Uji", "value": None,
    }  # fmt: skip
    assert shown["pendaftaran e1"]["claim"][0] == "0009999000001"
    assert [w["reason"]["code"] for w in shown["pendaftaran e1"]["waits"]] == ["kirim.pemetaan"]
    assert shown["obat e1-m1"]["payload"]["noKunjungan"]["ref"] == "pcare.kunjungan"
    assert "kirim.menunggu" in [w["reason"]["code"] for w in shown["obat e1-m1"]["waits"]]
    assert shown["kunjungan e1"]["contact"]["kind"] == "SAKIT_RAJAL"
    assert shown["kunjungan e1"]["settle"] == "kunjungan 60 s"
    assert {one["difference"] for one in shown.values()} == {"send"}


def test_with_mappings_the_exact_body_is_composed(integrator: Any, peserta: str) -> None:
    codes = integrator.file("peta.json", MAPPINGS)
    file = integrator.file("b.json", bundle(*visit("e1")))
    shown = integrator.plan(file, "--fakta", peserta, "--pemetaan", codes, "--json").submissions()
    assert shown["pendaftaran e1"]["waits"] == []
    assert shown["pendaftaran e1"]["body"]["kdPoli"] == "001"
    assert shown["kunjungan e1"]["body"]["kdStatusPulang"] == "3"
    assert shown["obat e1-m1"]["body"] is None  # its visit has no number yet


def test_an_unknown_participant_is_parked(integrator: Any) -> None:
    answers = integrator.file("f.json", [{"kind": "peserta"}])
    file = integrator.file("b.json", bundle(*visit("e1")))
    found = integrator.plan(file, "--fakta", answers, "--json")
    assert found.submissions()["pendaftaran e1"]["verdict"] == "parked"
    assert found.data["journeys"][0]["facts"][0]["state"] == "not_known"


@pytest.mark.parametrize("name", ["v.ndjson", "v.json"])
def test_lines_are_records_by_name_and_by_looks(integrator: Any, name: str) -> None:
    lines = [json.dumps(one).encode() for one in visit("e1")]
    found = integrator.plan(integrator.file(name, b"\n\n".join([*lines, b"{broken"])), "--json")
    assert found.code == 1
    assert found.data["records"] == {"in": 17, "decoded": 16, "dead_lettered": 1}
    assert found.data["adds_up"] is True
    assert [(i["line"], i["dead"][0]["reason"]["code"]) for i in found.data["inputs"] if i["dead"]] == [
        (33, "record.not_json"),
    ]  # fmt: skip


def test_standard_input_and_several_files(integrator: Any) -> None:
    person, encounter, *others = visit("e1")
    first = integrator.file("a.json", encounter)
    second = integrator.file("c.json", bundle(*others))
    found = integrator.plan(first, "-", second, "--json", stdin=json.dumps(person).encode())
    assert [one["file"].rsplit("/", 1)[-1] for one in found.data["inputs"]] == ["a.json", "-", "c.json"]
    assert found.data["resources"] == {"in_journey": 16, "orphan": 0, "deleted": 0}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "record.not_json"),
        (b"[1]", "record.not_object"),
        (b"\xff\xfe", "record.not_utf8"),
        (b"{}", "resource.not_fhir"),
    ],
)
def test_what_cannot_be_read_is_a_dead_letter_with_its_reason(integrator: Any, content: bytes, code: str) -> None:
    found = integrator.plan(integrator.file("x.json", content), "--json")
    assert found.code == 1
    assert found.data["records"] == {"in": 1, "decoded": 0, "dead_lettered": 1}
    (dead,) = found.data["inputs"][0]["dead"]
    assert dead["reason"]["code"] == code
    assert dead["reason"]["id"]
    assert dead["reason"]["en"]


def test_older_versions_duplicates_and_deletes_are_told_apart(integrator: Any) -> None:
    newer, older = visit("e1", version=2)[1], visit("e1", version=1, status="planned")[1]
    deleted = {"request": {"method": "DELETE", "url": "Observation/o9"}}
    gone = {"resourceType": "Bundle", "type": "history", "entry": [deleted]}
    files = [integrator.file(f"{n}.json", one) for n, one in enumerate([newer, older, newer, gone])]
    found = integrator.plan(*files, "--json")
    assert found.data["entries"] == {
        "newest": 2, "superseded": 1, "duplicate": 1, "ignored": 0, "dead_lettered": 0,
    }  # fmt: skip
    assert found.data["resources"] == {"in_journey": 1, "orphan": 0, "deleted": 1}
    each = [{name for name, n in one["entries"].items() if n} for one in found.data["inputs"]]
    assert each == [{"newest"}, {"superseded"}, {"duplicate"}, {"newest"}]


def test_two_visits_on_one_natural_key_are_told(integrator: Any, peserta: str) -> None:
    codes = integrator.file("peta.json", MAPPINGS)
    file = integrator.file("b.json", bundle(*visit("e1"), *visit("e2")))
    found = integrator.plan(file, "--fakta", peserta, "--pemetaan", codes, "--json")
    waits = [found.submissions(at)[f"pendaftaran e{at + 1}"]["waits"] for at in (0, 1)]
    assert waits[0] == []
    assert [w["reason"]["code"] for w in waits[1]] == ["kirim.klaim"]
    assert "emr/Encounter/e1" in waits[1][0]["reason"]["en"]


def test_an_encounter_without_a_facility_is_not_applicable_with_the_gate(integrator: Any) -> None:
    encounter = {k: v for k, v in visit("e1")[1].items() if k != "serviceProvider"}
    found = integrator.plan(integrator.file("e.json", encounter), "--json")
    (target,) = found.data["journeys"][0]["targets"]
    assert (target["state"], target["reason"]["code"]) == ("not_applicable", "gerbang.faskes")


def test_nothing_personal_is_shown_when_masked(integrator: Any, peserta: str) -> None:
    file = integrator.file("b.json", bundle(*visit("e1")))
    for form in ((), ("--json",)):
        text = integrator.plan(file, "--fakta", peserta, "--samarkan", *form).text
        assert "pendaftaran" in text
        for personal in ("0009999", "KENARI", "Demam", "dr. Uji", "Paracetamol", "J06"):
            assert personal not in text


def test_for_people_the_same_stands_in_both_languages(integrator: Any, peserta: str) -> None:
    file = integrator.file("b.json", bundle(*visit("e1")))
    text = integrator.plan(file, "--fakta", peserta).text
    assert "kirim / send" in text
    assert "? pcare.poli Location/umum “Poli Uji” (belum dipetakan / unmapped)" in text
    assert "← pcare.kunjungan.noKunjungan (belum ada / not there yet)" in text
    assert "Waits until pcare.pendaftaran has been accepted" in text


class Broken(MemoryAdapter):
    def translate(self, *anything: Any) -> Any:
        raise RuntimeError("0009999000011")


class BrokenPlugin:
    @hookimpl
    def jknbridge_adapters(self) -> list[Any]:
        return [Broken(Target())]


def test_an_adapter_that_fails_is_named_and_ends_with_1(integrator: Any) -> None:
    found = integrator.plan(integrator.file("e.json", visit("e1")[1]), "--json", plugins=[BrokenPlugin()])
    assert found.code == 1
    (target,) = found.data["journeys"][0]["targets"]
    assert (target["state"], target["reason"]["code"]) == ("galat", "galat.adaptor")
    assert "0009999" not in found.text


def test_each_adapter_is_a_target_of_the_guessed_facility(integrator: Any) -> None:
    file = integrator.file("e.json", visit("e1")[1])
    found = integrator.plan(file, "--json", plugins=[MemoryPlugin(), pcare])
    assert sorted(t["target"] for t in found.data["journeys"][0]["targets"]) == ["memori", "pcare"]
