"""The JSON Schemas under docs/schemas accept what the program sends, and nothing with a card number in it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker, ValidationError

from jknbridge.contacts import Kontak, PCareReceipt
from jknbridge.events import Hasil

KONTAK = Kontak(
    id="0" * 31 + "a",
    revision=2,
    state="retracted",
    kind="SAKIT_RAJAL",
    sick=True,
    place="gedung",
    mode="langsung",
    service_date=date(2026, 2, 1),
    month="2026-02",
    facility="99990001",
    participant="f" * 32,
    registered_here=None,
    active=True,
    encounter_status="finished",
    pcare=PCareReceipt(noUrut="A1", noKunjungan="99990001Y000001", how="found"),
)
HASIL = Hasil(
    id="0" * 32,
    source="emr",
    resource="Encounter/enc-1",
    facility="99990001",
    target="pcare",
    kind="kunjungan",
    held="absent",
    work="parked",
    values={},
    how=None,
    reason={"code": "kirim.pemetaan", "id": "…", "en": "…", "who": "klinik"},
    at=datetime(2026, 2, 1, 3, tzinfo=UTC),
)
SAMPLES = {"jkn.kbk.kontak.v1": KONTAK, "jkn.hasil.v1": HASIL}


def validator(docs: Path, topic: str) -> Draft202012Validator:
    schema = json.loads((docs / "schemas" / f"{topic}.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=FormatChecker())


def sent(topic: str) -> dict[str, Any]:
    return dict(json.loads(SAMPLES[topic].model_dump_json()))


@pytest.mark.parametrize("topic", SAMPLES)
def test_what_is_sent_is_valid(topic: str, docs: Path) -> None:
    validator(docs, topic).validate(sent(topic))


@pytest.mark.parametrize("topic", SAMPLES)
@pytest.mark.parametrize("field", ["noKartu", "nik", "nama"])
def test_a_field_for_a_person_is_refused(topic: str, field: str, docs: Path) -> None:
    with pytest.raises(ValidationError, match=field):
        validator(docs, topic).validate({**sent(topic), field: "0009999000001"})


@pytest.mark.parametrize("topic", SAMPLES)
def test_every_field_is_required(topic: str, docs: Path) -> None:
    check = validator(docs, topic)
    for name in sent(topic):
        with pytest.raises(ValidationError, match=name):
            check.validate({key: value for key, value in sent(topic).items() if key != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [("participant", "0009999000001"), ("kind", "SAKIT"), ("place", "pasar"), ("state", "lokal"), ("revision", 0)],
)
def test_a_contact_out_of_its_lists_is_refused(name: str, value: Any, docs: Path) -> None:
    """A card number in place of the pseudonym is no contact."""
    with pytest.raises(ValidationError):
        validator(docs, "jkn.kbk.kontak.v1").validate({**sent("jkn.kbk.kontak.v1"), name: value})


def test_a_receipt_holds_numbers_only(docs: Path) -> None:
    body = sent("jkn.kbk.kontak.v1")
    body["pcare"]["noKartu"] = "0009999000001"
    with pytest.raises(ValidationError, match="noKartu"):
        validator(docs, "jkn.kbk.kontak.v1").validate(body)
