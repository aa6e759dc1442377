"""``jknbridge plan`` as an integrator runs it, with the PCare adapter or with one in memory."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import jknbridge_adapters.pcare as pcare
from jknbridge.cli.common import App
from jknbridge.cli.plan_cmd import plan

CARD = "0009999000001"
PESERTA = [{"kind": "peserta", "subject": CARD, "value": {"noKartu": CARD, "kdProviderPst": "99990001", "aktif": True}}]


class Planned:
    """One run of the command: exit code, text, and with ``--json`` the object."""

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        self.text = text

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text)
        return found

    def submissions(self, at: int = 0) -> dict[str, dict[str, Any]]:
        """``"<kind> <local id>"`` → submission, of one journey."""
        targets = self.data["journeys"][at]["targets"]
        return {f"{s['kind']} {s['key'].rsplit('/', 1)[1]}": s for t in targets for s in t["submissions"]}


class Integrator:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, name: str, content: Any) -> str:
        path = self.folder / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(json.dumps(content), encoding="utf-8")
        return str(path)

    def plan(
        self, *arguments: str, plugins: Sequence[object] = (pcare,), stdin: bytes | None = None,
        config: Mapping[str, Any] | None = None, clock: Any = None,
    ) -> Planned:  # fmt: skip
        app = App(extra=list(plugins), entry_points=False, overrides=dict(config or {}), clock=clock)
        result = CliRunner().invoke(plan, arguments, input=stdin, obj=app, standalone_mode=False)
        if result.exception is not None:
            raise result.exception
        return Planned(result.return_value, result.output)


@pytest.fixture
def integrator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Integrator:
    monkeypatch.chdir(tmp_path)  # a jknbridge.toml of whoever runs the tests is not theirs
    return Integrator(tmp_path)


@pytest.fixture
def peserta(integrator: Integrator) -> str:
    return integrator.file("fakta.json", PESERTA)
