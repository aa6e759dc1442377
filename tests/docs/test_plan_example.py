"""The files for ``jknbridge plan`` on docs/operations.md, as they stand there, let a whole visit through."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import jknbridge_adapters.pcare as pcare
import jknbridge_consumers as kafka
from jknbridge.cli.common import App
from jknbridge.cli.group import run_cli
from jknbridge.testing.visits import visit

CONFIG = """
[faskes.99990001]
zona = "WIB"

[faskes.99990001.pcare]
mulai = 2026-01-01
base_url = "http://127.0.0.1:9/pcare-rest"
cons_id = "90001"
secret_key = "x"
user_key = "x"
username = "x"
password = "x"
"""


def plan(folder: Path, *arguments: str) -> int:
    app = App(extra=[pcare, kafka], entry_points=False)
    return run_cli(app, ["--config", str(folder / "jknbridge.toml"), "--json", "plan", *arguments])


def states(text: str) -> set[tuple[str, str]]:
    """(kind, verdict) of every submission in the plan."""
    found: set[tuple[str, str]] = set()

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if "kind" in node and "verdict" in node:
                found.add((node["kind"], node["verdict"]))
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(json.loads(text))
    return found


def test_the_examples_complete_a_visit(tmp_path: Path, docs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = (docs / "operations.md").read_text(encoding="utf-8")
    for name in ("fakta.json", "peta.json"):
        example = re.search(rf"`{name}`:\n\n```json\n(.*?)```", page, re.DOTALL)
        assert example is not None
        (tmp_path / name).write_text(example[1], encoding="utf-8")
    (tmp_path / "jknbridge.toml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "visit.ndjson").write_text("\n".join(map(json.dumps, visit("enc-1"))), encoding="utf-8")
    file = str(tmp_path / "visit.ndjson")

    assert plan(tmp_path, file) == 0
    assert ("pendaftaran", "waiting") in states(capsys.readouterr().out)
    assert plan(tmp_path, file, "--fakta", str(tmp_path / "fakta.json"), "--pemetaan", str(tmp_path / "peta.json")) == 0
    assert states(capsys.readouterr().out) == {("pendaftaran", "wanted"), ("kunjungan", "wanted"), ("obat", "wanted")}
