"""docs/pcare.md says what the program does: its tables are printed from the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from jknbridge.settings import TargetSettings
from jknbridge_adapters.pcare import kinds, kode, layanan, outcomes, reasons, reference, translate, vitals, wire
from jknbridge_adapters.pcare.settings import PCareSettings

PAGE = (Path(__file__).parents[2] / "docs" / "pcare.md").read_text(encoding="utf-8")


def test_the_table_of_answers() -> None:
    assert outcomes.markdown() in PAGE


@pytest.mark.parametrize("name", sorted(PCareSettings.model_fields.keys() - TargetSettings.model_fields.keys()))
def test_every_choice_of_the_facility_is_explained(name: str) -> None:
    credentials = {"cons_id", "secret_key", "user_key", "username", "password", "kd_aplikasi"}
    assert name in credentials or f"`{name}" in PAGE or f"`{name}`" in PAGE
    assert PCareSettings.model_fields[name].description


def test_every_field_kind_status_and_list_is_named() -> None:
    words = [field for body in (wire.Pendaftaran, wire.Kunjungan, wire.Obat) for field in body.model_fields]
    words = [word for word in words if word not in ("noKunjungan", "kdObatSK", "obatDPHO", "nmObatNonDPHO")]
    words += [*kinds.KINDS, *translate.PHASES, *layanan.JENIS, *reference.LISTS]
    words += [code for vital in vitals.TABLE for code in vital.loinc]
    words += [local for table in kode.BUILT_IN.values() for local in table]
    assert [word for word in words if word not in PAGE] == []


def test_every_reason_is_listed_with_both_texts() -> None:
    for code, (id_, en, who) in reasons.REASONS.items():
        assert f"| `{code}` | {id_} | {en} | {who} |" in PAGE, code
