"""``plan --upgrade``: what a newer translation would say differently of what was accepted, though the inputs are equal.

Equal inputs mean no revision, whatever newer code would say (DESIGN §1 "Upgrades"): nothing here is sent, it is only
listed. Inputs are equal where the journey has nothing new to translate: it was translated after its last change, and
what it says now differs from what it said then. Reads only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import Connection, select

from jknbridge.difference import changed_fields
from jknbridge.instances import Instances
from jknbridge.ledger import facts as fact_rows
from jknbridge.ledger import journeys as journey_rows
from jknbridge.ledger import receipts
from jknbridge.ledger import schema as s
from jknbridge.ledger.keyring import KeyRing
from jknbridge.ledger.work import Desk, Sheet
from jknbridge.planner import Context, Planner, Turn
from jknbridge.planning import Wanted, desk_of
from jknbridge.verdicts import Wanted as WantedVerdict
from jknbridge.verdicts import to_json

_BATCH = 50


@dataclass(slots=True)
class Upgraded:
    """One accepted submission that newer code would word differently: ``fields`` of its payload, translator
    versions."""

    submission: int
    instance: str
    kind: str
    key: str
    fields: list[str]
    translator_then: int | None
    translator_now: int


@dataclass(slots=True)
class Upgrade:
    """``journeys``: translated; ``skipped``: those with new inputs (a revision of theirs is no upgrade) or none;
    ``failed``: where an adapter raised."""

    journeys: int = 0
    skipped: int = 0
    differ: list[Upgraded] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def upgrade(wanted: Wanted) -> Upgrade:
    """Translate every journey of the ledger with the code at hand and compare with what was accepted."""
    instances = Instances(wanted.settings, wanted.plugins.adapters)
    translator = Planner(wanted.settings, instances, wanted.ledger.vault)
    desk = desk_of(wanted, instances, KeyRing(wanted.ledger.vault))
    at_rest = select(s.journey.c.id).where(s.journey.c.due_at.is_(None), s.journey.c.pruned_at.is_(None))
    ids = wanted.ledger.read_now(lambda c: list(c.execute(at_rest.order_by(s.journey.c.id)).scalars()))
    total = wanted.ledger.read_now(lambda c: len(c.execute(select(s.journey.c.id)).all()))
    found = Upgrade()
    for start in range(0, len(ids), _BATCH):
        some = ids[start : start + _BATCH]
        turns = wanted.ledger.read_now(partial(_turns, desk=desk, translator=translator, ids=some))
        wanted.ledger.read_now(partial(_compare, desk=desk, turns=turns, found=found))
    found.skipped = total - found.journeys
    return found


def _turns(connection: Connection, *, desk: Desk, translator: Planner, ids: Sequence[int]) -> list[Turn]:
    pinned = fact_rows.pinned(connection, desk.vault, ids)
    held = receipts.of_journeys(connection, desk.vault, ids)
    loaded = journey_rows.load(connection, desk.vault, ids, translator.types)
    contexts = {i: Context(pinned.get(i, {}), held.get(i, {})) for i in ids}
    turns = [None if one.erased else translator.turn(one, contexts[one.id]) for one in loaded]
    return [turn for turn in turns if turn is not None]


def _compare(connection: Connection, *, desk: Desk, turns: Sequence[Turn], found: Upgrade) -> None:
    for turn in turns:
        found.journeys += 1
        if any(said.failure is not None for said in turn.said):
            found.failed.append(turn.journey.anchor.key)
        found.differ += _differing(turn, Sheet(connection, desk, turn.loaded.id))


def _differing(turn: Turn, sheet: Sheet) -> Iterator[Upgraded]:
    for said in turn.said:
        for verdict in said.verdicts:
            if said.instance is None or not isinstance(verdict, WantedVerdict):
                continue
            row = sheet.find(said.instance.name, verdict.kind, verdict.key)
            if row is None or row["held"] != "present":
                continue
            payload = to_json(verdict.payload)
            print_ = sheet.desk.vault.fingerprint(payload)
            if print_ in (row["accepted_fp"], row["desired_fp"]):
                continue
            accepted = sheet.open(row, "accepted_box") or {}
            fields = changed_fields(payload, accepted.get("payload", {}))
            yield Upgraded(row["id"], row["instance"], row["kind"], row["key"], fields, row["translator"], said.version)
