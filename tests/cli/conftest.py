"""The command line in this process, over a real ledger file, with the target in memory as the only plugin."""

from __future__ import annotations

import importlib.util
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from jknbridge.cli.common import App
from jknbridge.cli.group import run_cli

_NAME = "host_conftest"
if _NAME not in sys.modules:
    _spec = importlib.util.spec_from_file_location(_NAME, Path(__file__).parents[1] / "host" / "conftest.py")
    assert _spec is not None
    assert _spec.loader is not None
    sys.modules[_NAME] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules[_NAME])
kit = sys.modules[_NAME]

CONFIG = """
[ledger]
url = "sqlite:///{folder}/ledger.sqlite3"

[sumber.emr]
topics = ["fhir.encounter"]
mulai_dari = "awal"

[faskes.99990001]
nama = "Klinik Uji"
zona = "WIB"
organisasi = ["Organization/99990001"]

[faskes.99990001.memori]
mulai = "2026-01-01"
base_url = "memory://99990001"
"""


@dataclass
class Ended:
    """What one command came to."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


class Shell:
    """Runs commands as ``main`` does, each with an application of its own."""

    def __init__(self, config: Path, plugin: Any, clock: Any = None) -> None:
        self.config, self.plugin, self.clock = config, plugin, clock

    def __call__(self, *arguments: Any) -> Ended:
        app = App(config=self.config, extra=[self.plugin], entry_points=False, clock=self.clock)
        runner = CliRunner()
        with runner.isolation() as (out, err, _):
            code = run_cli(app, [str(item) for item in arguments])
        return Ended(code, out.getvalue().decode(), err.getvalue().decode())


class Place:
    """A world, its config file, and a shell beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.world = kit.World(folder)
        self.encounter, self.patient, self.observation = kit.encounter, kit.patient, kit.observation
        self.config = folder / "jknbridge.toml"
        self.config.write_text(CONFIG.format(folder=folder))
        self.run = Shell(self.config, self.world.plugin, self.world.clock)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.world, name)


@pytest.fixture
def place(tmp_path: Path) -> Any:
    made = Place(tmp_path)
    yield made
    made.world.host.close()


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Without a ledger yet."""
    config = tmp_path / "jknbridge.toml"
    config.write_text(CONFIG.format(folder=tmp_path))
    return Shell(config, kit.MemoryPlugin())
