"""What the target holds in the end does not depend on the order of events, or a person is told (DESIGN §1, issue 3).

Events of one visit come in any order, repeated, and with time between them, so that the courier acts on what it has.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jknbridge.testing.stage import CARDS, Stage, encounter, observation, patient

BRAKE = {"paling_sedikit": 50}
VISIT = (
    patient(),
    encounter(status="arrived", version=1),
    encounter(version=2, hasil="a"),
    encounter(version=3, hasil="b"),
    observation("o1", "A", version=1),
    observation("o1", "B", version=2),
    observation("o2", "C"),
)
UNDOABLE = {
    "corrected": VISIT,
    "cancelled": (*VISIT, encounter(status="cancelled", version=4)),
    "entered in error": (*VISIT, encounter(status="entered-in-error", version=4)),
}
"""Whatever the target accepted on the way, the bridge undoes it by itself."""
FOR_A_PERSON = {
    "reopened": (*VISIT, encounter(status="in-progress", version=4)),
    "another card": (*VISIT, patient(CARDS[1], version=4)),
}
"""Some orders let the target accept what only a person may undo."""

Event = dict[str, Any]


def orders(history: Sequence[Event]) -> st.SearchStrategy[list[list[Event]]]:
    """Every event at least once, some twice, in any order, cut into up to four batches."""
    again = st.lists(st.sampled_from(history), max_size=3)
    shuffled = again.flatmap(lambda extra: st.permutations([*history, *extra]))
    cuts = st.lists(st.integers(0, len(history)), max_size=3).map(sorted)
    return st.tuples(shuffled, cuts).map(lambda pair: _cut(*pair))


def _cut(events: Sequence[Event], cuts: Sequence[int]) -> list[list[Event]]:
    edges = [0, *cuts, len(events)]
    return [list(events[a:b]) for a, b in itertools.pairwise(edges) if a < b]


async def _play(folder: Path, batches: Sequence[Sequence[Event]]) -> Stage:
    stage = Stage(folder, rem=BRAKE)
    for batch in batches:
        stage.publish(*batch)
        await stage.play(61)
    await stage.play(61, 61)
    return stage


def _unfinished(stage: Stage) -> list[str]:
    return [f"{r['kind']} {r['work']}" for r in stage.rows() if r["work"] in ("ready", "retry", "sending", "in_doubt")]


_common = settings(deadline=None, max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _recorded(stage: Stage) -> set[str]:
    """Contacts as a reader has them that keeps the highest revision of each."""
    newest = {c["id"]: c for c in sorted(stage.contacts(), key=lambda c: c["revision"])}
    return {id_ for id_, contact in newest.items() if contact["state"] == "recorded"}


@pytest.mark.parametrize("name", UNDOABLE)
@_common
@given(data=st.data())
def test_the_target_ends_the_same(name: str, folders: Callable[[], Path], data: st.DataObject) -> None:
    expected = asyncio.run(_play(folders(), [UNDOABLE[name]]))
    stage = asyncio.run(_play(folders(), data.draw(orders(UNDOABLE[name]))))
    try:
        assert stage.holds() == expected.holds()
        assert _recorded(stage) == _recorded(expected)
        assert not _unfinished(stage)
    finally:
        stage.close()
        expected.close()


@pytest.mark.parametrize("name", FOR_A_PERSON)
@_common
@given(data=st.data())
def test_what_only_a_person_may_undo_is_shown(name: str, folders: Callable[[], Path], data: st.DataObject) -> None:
    expected = asyncio.run(_play(folders(), [FOR_A_PERSON[name]]))
    stage = asyncio.run(_play(folders(), data.draw(orders(FOR_A_PERSON[name]))))
    try:
        assert not _unfinished(stage)
        if stage.holds() == expected.holds():
            return
        assert any(_stands(row) for row in stage.rows()), "a difference that nobody is told of"
        unexplained = {kind for kind, _ in _differing(stage, expected)} - _explained(stage)
        assert not unexplained
    finally:
        stage.close()
        expected.close()


def _differing(one: Stage, other: Stage) -> set[tuple[str, str]]:
    here, there = one.holds(), other.holds()
    return {key for key in here.keys() | there.keys() if here.get(key) != there.get(key)}


def _stands(row: dict[str, Any]) -> bool:
    """The difference is there for a person: a proposal, ``yatim``, or accepted while its verdict says "not yet"."""
    return row["proposal_id"] is not None or (row["held"] == "present" and row["desire"] in ("silent", "waiting"))


def _explained(stage: Stage) -> set[str]:
    """Kinds whose difference stands, with those that hang on them."""
    kinds = {row["kind"] for row in stage.rows() if _stands(row)}
    hanging = {kind.name for kind in stage.plugin.adapter.kinds.values() if kinds & set(kind.needs)}
    return kinds | hanging
