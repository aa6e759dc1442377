"""``plan``: what would become of FHIR files, without sending anything (DESIGN §9). The tool an integrator opens first.

The files take the very path of an event: decoded, taken in, translated, compared; in one transaction that is always
rolled back, on a ledger in memory or beside what an existing one holds. So nothing can differ from what `run` would do,
and nothing is kept. No client is made here: nothing is asked of a target either; facts that are missing are listed, or
come from ``answers``.

Seams: ``planning_input`` (files → records), ``planning_config`` (a config out of nothing), ``planning_journeys``
(verdicts and differences as they are shown), ``planning_view`` (values), ``planning_upgrade`` (``--upgrade``).
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeVar

from pydantic import SecretStr
from sqlalchemy import Connection, insert, select

from jknbridge import planner
from jknbridge.fhir.check import unknown_and_invalid
from jknbridge.fhir.links import JOURNEY_LINKS
from jknbridge.fhir.records import Entry, Limits, SourceRules
from jknbridge.instances import Instances
from jknbridge.ledger import facts as fact_rows
from jknbridge.ledger import intake, receipts
from jknbridge.ledger import journeys as journey_rows
from jknbridge.ledger import schema as s
from jknbridge.ledger.engine import Ledger, open_ledger
from jknbridge.ledger.keyring import KeyRing
from jknbridge.ledger.work import Desk
from jknbridge.planner import Context, Planner, Turn
from jknbridge.planning_input import Piece, Source, pieces
from jknbridge.planning_journeys import Shower
from jknbridge.planning_result import DeadLetter, InputPlan, Plan
from jknbridge.plugins import Plugins
from jknbridge.reasons import Reason, register_all
from jknbridge.settings import LedgerSettings, Settings
from jknbridge.targets import Answer, Known, NotKnown

register_all(
    {
        "rencana.tidak_dikenal": (
            "Menurut berkas fakta: tidak dikenal di sisi sana",
            "By the file of facts: not known at the target",
            "integrator",
        ),
    }
)

T = TypeVar("T")
_ROUNDS = 8
"""Turns of one journey: each may ask facts that the next one has. No adapter needs more than a few."""

_BATCH = 200
_ENTRIES = ("newest", "superseded", "duplicate", "ignored", "dead_lettered")


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer the integrator supplies. ``subject``: the question's, a part of it (the card alone), or ``None`` for
    any."""

    kind: str
    subject: tuple[str, ...] | str | None
    value: Mapping[str, Any] | None

    @classmethod
    def from_json(cls, item: Mapping[str, Any]) -> Answered:
        """``{"kind", "subject", "value"}``; without ``value`` the target does not know the subject."""
        subject = item.get("subject")
        return cls(
            str(item["kind"]), tuple(map(str, subject)) if isinstance(subject, list) else subject, item.get("value")
        )

    def answers(self, kind: str, subject: Sequence[str]) -> bool:
        if kind != self.kind:
            return False
        return self.subject is None or self.subject == tuple(subject) or self.subject in subject

    def answer(self) -> Answer:
        return Known(self.value) if self.value is not None else NotKnown(Reason.of("rencana.tidak_dikenal"))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a plan is made of. ``source``: the ``[sumber.<name>]`` the files stand for; ``codes``: list → local →
    code."""

    settings: Settings
    plugins: Plugins
    ledger: Ledger
    existing: bool
    source: str
    now: float
    answers: Sequence[Answered] = ()
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    notes: Sequence[Reason] = ()
    mask: bool = False


@contextmanager
def memory_ledger() -> Iterator[Ledger]:
    """A ledger in memory under a key that nobody keeps."""
    ledger = open_ledger(LedgerSettings(url="sqlite://", kunci=SecretStr(secrets.token_hex(32))))
    try:
        yield ledger
    finally:
        ledger.close()


def read(
    sources: Sequence[Source], settings: Settings, plugins: Plugins, ledger: Ledger, source: str
) -> tuple[list[Piece], SourceRules]:
    """The files as records of ``[sumber.<source>]``, decoded."""
    types = Planner(settings, Instances(settings, plugins.adapters), ledger.vault).types
    own = settings.sumber.get(source)
    rules = SourceRules(source, types) if own is None else SourceRules(source, types, own.urutan, own.epoch)
    limits = Limits() if own is None else Limits(max_bytes=own.max_bytes)
    return pieces(sources, rules, limits), rules


def plan(read_: Sequence[Piece], rules: SourceRules, wanted: Wanted) -> Plan:
    """What would become of the records."""
    findings = [_findings(piece.decoded.entries) for piece in read_]  # before the ledger is held
    found = undone(wanted.ledger, lambda connection: _Dry(connection, wanted, rules).plan(read_))
    for one, said in zip(found.inputs, findings, strict=True):
        one.findings = said
    return found


class _Undone(Exception):
    def __init__(self, result: Any) -> None:
        super().__init__("rolled back on purpose")
        self.result = result


def undone(ledger: Ledger, job: Callable[[Connection], T]) -> T:
    """Run ``job`` in a write transaction that never commits: raising is what rolls a ledger's job back."""

    def run(connection: Connection) -> NoReturn:
        raise _Undone(job(connection))

    try:
        ledger.write_now(run)
    except _Undone as done:
        result: T = done.result
        return result
    raise AssertionError("a dry run was committed")


class _Dry:
    """One dry run inside its transaction. The key ring is its own: a key made here is never remembered."""

    def __init__(self, connection: Connection, wanted: Wanted, rules: SourceRules) -> None:
        self._connection = connection
        self._wanted = wanted
        self._rules = rules
        self._keys = KeyRing(wanted.ledger.vault)
        self._instances = Instances(wanted.settings, wanted.plugins.adapters)
        self._planner = Planner(wanted.settings, self._instances, wanted.ledger.vault)
        self._desk = desk_of(wanted, self._instances, self._keys)

    def plan(self, read_: Sequence[Piece]) -> Plan:
        self._set_codes()
        own = [one for start in range(0, len(read_), _BATCH) for one in self._take_in(read_[start : start + _BATCH])]
        inputs = [_input(piece, sums) for piece, sums in zip(read_, own, strict=True)]
        sums = sum(own, Counter[str]())
        ids = self._journeys(read_)
        turns = self._translate(ids)
        shower = Shower(self._connection, self._desk, self._wanted, self._instances)
        journeys = [shower.journey(turn, context) for turn, context in turns]
        held = {ref for turn, _ in turns for ref in turn.loaded.resources}
        states, orphans = self._resources(read_, held)
        records = {name: sums[f"records.{name}"] for name in ("in", "decoded", "dead_lettered")}
        entries = {name: sums[f"entries.{name}"] for name in _ENTRIES}
        total = sum(len(p.decoded.entries) + len(p.decoded.ignored) + len(p.decoded.dead_entries) for p in read_)
        adds_up = len(read_) == records["in"] == records["decoded"] + records["dead_lettered"]
        adds_up = adds_up and total == sum(entries.values())
        existing, name, notes = self._wanted.existing, self._rules.name, list(self._wanted.notes)
        return Plan(existing, name, notes, records, entries, states, adds_up, inputs, orphans, journeys)

    def _set_codes(self) -> None:
        rows = [
            {"facility": "*", "list": name, "local": local, "code": code, "set_at": self._desk.now, "set_by": "plan"}
            for name, pairs in self._wanted.codes.items()
            for local, code in pairs.items()
        ]
        for row in rows:
            same = s.mapping.delete().where(*(s.mapping.c[name] == row[name] for name in ("facility", "list", "local")))
            self._connection.execute(same)
        if rows:
            self._connection.execute(insert(s.mapping), rows)

    def _take_in(self, some: Sequence[Piece]) -> list[Counter[str]]:
        """Take records in; the sums of each. Together where all of it is new, which is far cheaper; else one by one, so
        that each can be told what became of it."""
        with self._connection.begin_nested() as together:
            sums = self._taken(some)
            if not (sums["entries.superseded"] or sums["entries.duplicate"]):
                return [_all_new(piece) for piece in some]
            together.rollback()
        self._keys.rolled_back()
        return [self._taken([piece]) for piece in some]

    def _taken(self, some: Sequence[Piece]) -> Counter[str]:
        result = intake.take_in(
            self._connection,
            [intake.Taken(piece.record, piece.decoded, self._rules) for piece in some],
            vault=self._desk.vault,
            keys=self._keys,
            now=self._desk.now,
            day=self._desk.today.isoformat(),
            dead_headers=lambda record, reason: (),
        )
        return Counter({name: n for (_, name), n in result.sums.items()})

    def _journeys(self, read_: Sequence[Piece]) -> list[int]:
        """Those the files made due, and those whose anchor they name even where it says nothing new."""
        c = s.journey.c
        ids = set(self._connection.execute(select(c.id).where(c.due_at == self._desk.now)).scalars())
        anchors = {(e.type, e.id) for piece in read_ for e in piece.decoded.entries if e.type in JOURNEY_LINKS}
        for type_, rid in sorted(anchors):
            same = (c.source == self._rules.name, c.anchor_type == type_, c.anchor_id == rid)
            ids |= set(self._connection.execute(select(c.id).where(*same)).scalars())
        return sorted(ids)

    def _translate(self, ids: list[int]) -> list[tuple[Turn, Context]]:
        """Turn after turn, until no journey has anything new to say: the same reads and writes as a worker's."""
        done: dict[int, tuple[Turn, Context]] = {}
        due = ids
        for _ in range(_ROUNDS):
            if not due:
                break
            turns = []
            for loaded, context in self._load(due):
                turn = None if loaded.erased else self._planner.turn(loaded, context)
                if turn is not None:
                    turns.append(turn)
                    done[loaded.id] = (turn, context)
            planner.apply(self._connection, turns, self._desk, self._wanted.settings, self._keys)
            self._answer([turn.loaded.id for turn in turns])
            again = select(s.journey.c.id).where(s.journey.c.id.in_(list(done)), s.journey.c.due_at.is_not(None))
            due = list(self._connection.execute(again).scalars())
        return [done[i] for i in sorted(done)]

    def _load(self, ids: Sequence[int]) -> list[tuple[journey_rows.Loaded, Context]]:
        vault = self._desk.vault
        loaded = journey_rows.load(self._connection, vault, ids, self._planner.types)
        pinned = fact_rows.pinned(self._connection, vault, ids)
        held = receipts.of_journeys(self._connection, vault, ids)
        return [(one, Context(pinned.get(one.id, {}), held.get(one.id, {}))) for one in loaded]

    def _answer(self, ids: Sequence[int]) -> None:
        """Give the answers the integrator supplied to whatever these journeys have asked."""
        if not self._wanted.answers:
            return
        query = (
            select(s.fact.c.id, s.fact.c.kind, s.fact.c.question_box)
            .join(s.fact_use, s.fact_use.c.fact_id == s.fact.c.id)
            .where(s.fact_use.c.journey_id.in_(ids), s.fact.c.state == "asked")
            .distinct()
        )
        for row in self._connection.execute(query).all():
            subject = self._desk.vault.open(row.question_box, None)
            given = next((one for one in self._wanted.answers if one.answers(row.kind, subject)), None)
            if given is not None:
                now = self._desk.now
                fact_rows.answered(self._connection, self._desk.vault, row.id, given.answer(), now, now)

    def _resources(self, read_: Sequence[Piece], held: set[str]) -> tuple[dict[str, int], list[str]]:
        """Resources of the files: in a journey, orphan, or deleted (DESIGN §2.7)."""
        named = {(e.type, e.id) for piece in read_ for e in piece.decoded.entries}
        c = s.resource.c
        counts, orphans = Counter({"in_journey": 0, "orphan": 0, "deleted": 0}), []
        for type_, rid in sorted(named):
            same = (c.source == self._rules.name, c.type == type_, c.rid == rid)
            deleted = self._connection.execute(select(c.deleted).where(*same)).scalar()
            state = "deleted" if deleted else "in_journey" if f"{type_}/{rid}" in held else "orphan"
            counts[state] += 1
            if state == "orphan":
                orphans.append(f"{type_}/{rid}")
        return dict(counts), orphans


def desk_of(wanted: Wanted, instances: Instances, keys: KeyRing) -> Desk:
    vault, own = wanted.ledger.vault, wanted.settings.kontak.kunci_samaran
    return Desk(
        vault=vault,
        keys=keys,
        kind_of=instances.kind_of,
        now=wanted.now,
        ledger_id=wanted.ledger.id,
        pseudonym=lambda card: vault.hmac("peserta", own.get_secret_value() if own else "", card)[:32],
        today=planner.today(wanted.now),
    )


def _all_new(piece: Piece) -> Counter[str]:
    """The sums of a record whose every resource was new or newer."""
    decoded, dead = piece.decoded, piece.decoded.dead_record is not None
    sums = {"records.in": 1, "records.dead_lettered": int(dead), "records.decoded": int(not dead)}
    sums |= {"entries.newest": len(decoded.entries), "entries.ignored": len(decoded.ignored)}
    return Counter({**sums, "entries.dead_lettered": len(decoded.dead_entries)})


def _input(piece: Piece, sums: Counter[str]) -> InputPlan:
    decoded = piece.decoded
    dead = [DeadLetter(one.reason, at) for at, one in enumerate(decoded.dead_entries)]
    if decoded.dead_record is not None:
        dead.append(DeadLetter(decoded.dead_record))
    return InputPlan(
        piece.file,
        piece.line,
        {name: sums[f"entries.{name}"] for name in _ENTRIES},
        dict(Counter(one.reason for one in decoded.ignored)),
        dict(piece.ignored_types),
        dead,
    )


def _findings(entries: Sequence[Entry]) -> dict[str, list[str]]:
    """What R4B does not know or accept, by resource: worth a line to an integrator, no reason to refuse an event."""
    checked = ((f"{e.type}/{e.id}", unknown_and_invalid(e.content)) for e in entries if e.content is not None)
    return {ref: found for ref, found in checked if found}
