"""Any order of events gives equal resources; equal resources, receipts and facts give equal verdicts (issue 3)."""

from __future__ import annotations

import json
import time
import tomllib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

import jknbridge_adapters.pcare as pcare
from jknbridge.fhir.records import Record
from jknbridge.host import Host
from jknbridge.ledger import schema as s
from jknbridge.planner import Context
from jknbridge.plugins import build
from jknbridge.sandbox.server import Sandbox
from jknbridge.settings import parse
from jknbridge.targets import Known, NotKnown
from jknbridge.testing.clock import ManualClock
from jknbridge.testing.visits import visit
from jknbridge.verdicts import Verdict
from jknbridge_adapters.pcare.sandbox import make_sandbox

START = datetime(2026, 1, 5, 1, tzinfo=UTC)
PARTICIPANT = Known({"noKartu": "0009999000001", "kdProviderPst": "99990001", "aktif": True, "nik": None})
RECEIPTS = {
    ("pcare.pendaftaran", "emr/Encounter/e1"): {"noUrut": "A1"},
    ("pcare.kunjungan", "emr/Encounter/e1"): {"noKunjungan": "999900010126Y000001"},
    ("pcare.obat", "emr/MedicationRequest/e1-m1"): {"kdObatSK": "1"},
}
TABLE = tomllib.loads(Sandbox([make_sandbox(time.time)]).print_config())["faskes"]

STATUSES = ("planned", "arrived", "in-progress", "finished")

Event = dict[str, Any]
Seen = tuple[list[tuple[Any, ...]], list[list[Verdict]]]


class AnyFact(dict[str, Known | NotKnown]):
    """Answers every question the same."""

    def get(self, key: str, default: Any = None) -> Any:
        return PARTICIPANT


def at(version: int, resource: Event, **changes: Any) -> Event:
    stamp = datetime(2026, 1, 5, 2, 0, version, tzinfo=UTC).isoformat()
    return {**resource, **changes, "meta": {"lastUpdated": stamp}}


def history() -> list[Event]:
    """Every version that the EMR wrote: a visit from planned to finished, with corrections and a stopped drug."""
    whole = {f"{r['resourceType']}/{r['id']}": r for r in visit("e1", drugs=2, start=START)}
    encounter, drug = whole["Encounter/e1"], whole["MedicationRequest/e1-m2"]
    weight, diagnosis = whole["Observation/e1-v2"], whole["Condition/e1-c1"]
    corrected = {**weight["valueQuantity"], "value": 61}
    return [
        *whole.values(),
        *(at(n, encounter, status=status) for n, status in enumerate(STATUSES, 2)),
        at(6, encounter, reasonCode=[{"text": "Demam 3 hari"}]),
        at(7, weight, valueQuantity=corrected),
        at(8, drug, status="cancelled"),
        at(9, diagnosis, code={"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "J00"}]}),
    ]  # fmt: skip


HISTORY = history()
ORDERS = st.lists(st.sampled_from(HISTORY), max_size=5).flatmap(lambda again: st.permutations([*HISTORY, *again]))


def taken_in(folder: Path, events: Sequence[Event], batch: int) -> Seen:
    """The resource table, and what PCare's adapter says without and with receipts."""
    config = {
        "ledger": {"url": f"sqlite:///{folder}/ledger.sqlite3"},
        "sumber": {"emr": {"topics": ["t"], "mulai_dari": "awal"}},
        "faskes": TABLE,
    }
    plugins = build([pcare], entry_points=False)
    host = Host(parse(config, plugins), plugins, clock=ManualClock())
    try:
        records = [Record("t", 0, n, None, json.dumps(event).encode(), (), 0) for n, event in enumerate(events)]
        for first in range(0, len(records), batch):
            host.take_in(records[first : first + batch], lambda record, reason: [])
        return host.ledger.read_now(_resources), [_verdicts(host, receipts) for receipts in ({}, RECEIPTS)]
    finally:
        host.close()


def _resources(connection: Any) -> list[tuple[Any, ...]]:
    c = s.resource.c
    columns = (c.source, c.type, c.rid, c.order_key, c.content_hash, c.deleted)
    return [tuple(row) for row in connection.execute(select(*columns).order_by(*columns))]


def _verdicts(host: Host, receipts: Any) -> list[Verdict]:
    loaded, _ = host.ledger.read_now(lambda c: host.load_due(c, host.clock.now()))
    assert [one.anchor for one in loaded] == ["Encounter/e1"]
    turn = host.planner.turn(loaded[0], Context(AnyFact(), receipts))
    assert turn is not None
    assert turn.said[0].failure is None
    return list(turn.said[0].verdicts)


@pytest.fixture(scope="module")
def expected(folders: Callable[[], Path]) -> Seen:
    """What the EMR's own order gives."""
    resources, verdicts = taken_in(folders(), HISTORY, 50)
    assert [type(verdict).__name__ for verdict in verdicts[0]].count("Wanted") == 3  # the second drug was cancelled
    return resources, verdicts


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=ORDERS, batch=st.sampled_from((1, 3, 50)))
def test_any_order_gives_equal_resources_and_verdicts(
    folders: Callable[[], Path], expected: Seen, events: list[Event], batch: int
) -> None:
    assert taken_in(folders(), events, batch) == expected
