"""docs/guarantees.md: every promise of the design has a heading, every test it names exists, every row says its bug."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| `")]
NAMED = sorted(set(re.findall(r"`(tests/[\w./-]+\.py)::(\w+)`", PAGE)))
FILES = sorted(set(re.findall(r"`(tests/[\w./-]+\.py)`", PAGE)))
PROMISES = 10


@cache
def _tests_in(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(one.name for one in functions if one.name.startswith("test_"))


@pytest.mark.parametrize(("file", "name"), NAMED, ids=[f"{file}::{name}" for file, name in NAMED])
def test_every_test_it_names_exists(file: str, name: str) -> None:
    assert name in _tests_in(file)


@pytest.mark.parametrize("file", FILES)
def test_every_file_it_names_exists(file: str) -> None:
    assert (ROOT / file).exists()


def test_every_promise_has_its_section_with_a_test() -> None:
    parts = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
    numbered = {part.partition(".")[0]: part for part in parts if part[0].isdigit()}
    assert sorted(numbered, key=int) == [str(number) for number in range(1, PROMISES + 1)]
    assert [number for number, part in numbered.items() if "::test_" not in part] == []


def test_every_row_names_a_test_and_the_bug_that_turns_it_red() -> None:
    assert len(ROWS) > 40
    for row in ROWS:
        test, bug = (cell.strip() for cell in row.strip("|").split("|"))
        assert "::test_" in test
        assert len(bug) > 10


def test_the_promises_in_memory_are_told_by_number() -> None:
    """Each row of the table of promises belongs to a section that names that table."""
    source = (ROOT / "tests" / "host" / "test_promises.py").read_text(encoding="utf-8")
    numbers = set(re.findall(r'^    Promise\("([^"]+)"', source, flags=re.MULTILINE))
    told = set(re.findall(r"test_promises\.py::test_with_the_bug_it_is_red` \(([^,)]+)", PAGE))
    assert numbers == told
