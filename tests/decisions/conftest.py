"""The host tests' world (a real ledger file, a target in memory, a clock of our own) with a person in it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from jknbridge.decisions import Person
from jknbridge.ledger import schema as s

_NAME = "host_conftest"
if _NAME not in sys.modules:
    _spec = importlib.util.spec_from_file_location(_NAME, Path(__file__).parents[1] / "host" / "conftest.py")
    assert _spec is not None
    assert _spec.loader is not None
    sys.modules[_NAME] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules[_NAME])
kit = sys.modules[_NAME]

BUDI = Person("budi", "sudah dicek")


class Office:
    """A world, and what staff do in it."""

    def __init__(self, folder: Path, **overrides: Any) -> None:
        self.world = kit.World(folder, **overrides)
        self.encounter, self.patient, self.observation = kit.encounter, kit.patient, kit.observation

    def __getattr__(self, name: str) -> Any:
        return getattr(self.world, name)

    def decide(self, what: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
        host = self.world.host
        return host.ledger.write_now(lambda c: what(c, host.desk(), *arguments, person=BUDI, **more))

    def row(self, kind: str, name: str = "enc-1") -> dict[str, Any]:
        return next(r for r in self.world.rows() if r["kind"] == kind and r["key"].endswith(f"/{name}"))

    def state(self, kind: str, name: str = "enc-1") -> tuple[str, str, str | None]:
        row = self.row(kind, name)
        return row["held"], row["work"], row["hold"]

    def proposals(self) -> list[dict[str, Any]]:
        query = select(s.proposal).order_by(s.proposal.c.id)
        return self.world.host.ledger.read_now(lambda c: [dict(r._mapping) for r in c.execute(query)])

    def audit(self) -> list[dict[str, Any]]:
        query = select(s.audit).order_by(s.audit.c.id)
        return self.world.host.ledger.read_now(lambda c: [dict(r._mapping) for r in c.execute(query)])

    def values(self, kind: str, name: str = "enc-1") -> dict[str, str]:
        from jknbridge.ledger.work import Sheet

        row, host = self.row(kind, name), self.world.host

        def read(connection: Any) -> dict[str, str]:
            sheet = Sheet(connection, host.desk(), row["journey_id"])
            return sheet.values(sheet.row(row["id"]))

        return host.ledger.read_now(read)

    def effects(self) -> list[str]:
        return [effect[1] for effect in self.world.far.effects]


@pytest.fixture
def office(tmp_path: Path) -> Any:
    made = Office(tmp_path)
    yield made
    made.world.host.close()


@pytest.fixture
def make_office(tmp_path: Path) -> Any:
    made: list[Office] = []

    def make(**overrides: Any) -> Office:
        made.append(Office(tmp_path / str(len(made)), **overrides))
        return made[-1]

    yield make
    for one in made:
        one.world.host.close()
