"""Reasons: two languages with the same parameters, checked when they are registered."""

from __future__ import annotations

import pytest

from jknbridge import fhir, reasons
from jknbridge.reasons import Reason, parameters, register, register_all, registered


def test_every_registered_reason_can_be_said_in_both_languages():
    assert set(fhir.REASONS) <= set(registered())
    for code in registered():
        said = Reason.of(code, **dict.fromkeys(parameters(code), "7"))
        assert said.id != said.en, code
        assert "{" not in said.id + said.en, code
        assert Reason.from_json(said.to_json()) == said


def test_a_reason_is_filled_in_and_says_who_can_mend_it():
    said = Reason.of("record.too_large", size=9, limit=8)
    assert said.en == "The record has 9 bytes, more than the limit of 8. Raise the limit or send smaller Bundles."
    assert said.who == "IT"


def test_a_parameter_is_cut_to_one_short_printable_line():
    said = Reason.of("resource.no_id", type="a\nb\x1b[31m" + "x" * 500)
    assert "\n" not in said.en
    assert "\x1b" not in said.en
    assert len(said.en) < 250


@pytest.mark.parametrize(
    ("code", "id_", "en", "who"),
    [
        ("noroom", "a", "b", "IT"),
        ("Room.what", "a", "b", "IT"),
        ("room.what", "a {x}", "b", "IT"),
        ("room.what", "a {x.y}", "b {x.y}", "IT"),
        ("room.what", "a {x!r}", "b {x!r}", "IT"),
        ("room.what", "a {}", "b {}", "IT"),
        ("room.what", "a", "b", "nobody"),
    ],
)
def test_a_slip_in_a_table_fails_when_it_is_registered(code, id_, en, who):
    with pytest.raises(ValueError, match=r".+"):
        register(code, id_, en, who)


def test_an_adapters_own_table_is_taken_once_and_never_overwritten(monkeypatch):
    monkeypatch.setattr(reasons, "_registered", dict(reasons._registered))
    table = {"stranger.no_card": ("Tidak ada kartu pada {where}.", "No card at {where}.", "klinik")}
    register_all(table)
    register_all(table)
    assert Reason.of("stranger.no_card", where="Patient.identifier").id == "Tidak ada kartu pada Patient.identifier."
    with pytest.raises(ValueError, match="other words"):
        register("stranger.no_card", "Lain {where}", "Other {where}", "klinik")


def test_an_unknown_code_or_a_missing_parameter_is_the_callers_defect():
    with pytest.raises(LookupError, match="no reason"):
        Reason.of("record.no_such_thing")
    with pytest.raises(LookupError, match="limit"):
        Reason.of("record.too_large", size=1)
    with pytest.raises(ValueError, match="nobody"):
        Reason.from_json({"code": "a.b", "id": "a", "en": "b", "who": "nobody"})
