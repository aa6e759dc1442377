"""The whole day, once, through its command (about 20 s): the acceptance test of ``jknbridge demo``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jknbridge.cli.group import run_cli

KEYS = {
    "records", "entries", "submissions", "effects", "contacts", "journeys", "probes", "lost", "double", "order_breaks",
    "blind_repeats", "seconds",
}  # fmt: skip


def test_the_day_agrees_with_the_ground_truth(
    make_app: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere, temporary = tmp_path / "di-mana-saja", tmp_path / "sementara"
    elsewhere.mkdir()
    temporary.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    code = run_cli(make_app(), ["demo", "--json"])
    said = capsys.readouterr()
    answer = json.loads(said.out)
    assert (code, answer["lost"], answer["double"], answer["order_breaks"], answer["blind_repeats"]) == (
        (0, 0, 0, 0, 0)
    ), said.err
    _shape(answer)
    _sums(answer)
    assert "[4/4]" in said.err
    assert list(elsewhere.iterdir()) == []
    assert list(temporary.iterdir()) == []


def _shape(answer: dict[str, Any]) -> None:
    assert set(answer) == KEYS
    assert set(answer["records"]) == {"in", "decoded", "dead_lettered"}
    assert set(answer["entries"]) == {"newest", "superseded", "duplicate", "ignored", "dead_lettered"}
    assert set(answer["contacts"]) == {"recorded", "retracted", "by_kind"}
    for row in answer["submissions"]:
        assert set(row) == {"target", "kind", "held", "work", "count"}
        assert row["work"] not in ("ready", "sending", "retry", "in_doubt")
    assert all(name.startswith("pcare.") and name.count(".") == 2 for name in answer["effects"])


def _sums(answer: dict[str, Any]) -> None:
    records, contacts, effects = answer["records"], answer["contacts"], answer["effects"]
    assert records["in"] == records["decoded"] + records["dead_lettered"]
    assert all(answer["entries"].values()), "every fate of an entry occurs"
    assert contacts["recorded"] == sum(contacts["by_kind"].values())
    assert contacts["retracted"] >= 3
    assert answer["journeys"] >= 50
    assert answer["probes"] >= 10
    held = {
        kind: sum(row["count"] for row in answer["submissions"] if row["kind"] == kind and row["held"] == "present")
        for kind in ("pendaftaran", "kunjungan", "obat")
    }
    for kind, count in held.items():
        assert effects[f"pcare.{kind}.add"] - effects[f"pcare.{kind}.delete"] == count
    assert effects["pcare.kunjungan.edit"] >= 2
