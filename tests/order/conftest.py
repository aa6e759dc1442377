"""Fresh ledgers in a millisecond: a migrated file is copied, because hypothesis asks for many."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jknbridge.ledger.engine import open_ledger
from jknbridge.settings import LedgerSettings


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Path]]:
    """``folders()``: a new folder with an empty, migrated ledger and its key."""
    template = tmp_path_factory.mktemp("templat")
    open_ledger(LedgerSettings(url=f"sqlite:///{template}/ledger.sqlite3")).close()
    made: list[Path] = []

    def fresh() -> Path:
        made.append(template.with_name(f"{template.name}-{len(made)}"))
        shutil.copytree(template, made[-1])
        return made[-1]

    yield fresh
    for folder in made:
        shutil.rmtree(folder)
