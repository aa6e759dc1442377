"""Due journeys in, work out: load, translate, compare, write (DESIGN §4 step 3).

Many events make one turn of a journey. Reading and translating happen outside the writer; what was found is applied
in one write, and only the rows as they stand *then* decide what follows, so that an outcome which arrived meanwhile
is not undone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from jknbridge import customs
from jknbridge.clock import utc
from jknbridge.compact import dumps
from jknbridge.instances import Instances, gate
from jknbridge.journey import Journey, Resource
from jknbridge.ledger import facts as fact_rows
from jknbridge.ledger import schema as s
from jknbridge.ledger.journeys import Loaded
from jknbridge.ledger.keyring import KeyRing
from jknbridge.ledger.sql import upsert
from jknbridge.ledger.texts import reason_text
from jknbridge.ledger.vault import Vault
from jknbridge.ledger.work import Desk, Row, Sheet, sheets_of
from jknbridge.reasons import Reason
from jknbridge.settings import Settings
from jknbridge.targets import Adapter, Instance, Known, NotKnown, Question
from jknbridge.verdicts import NotApplicable, Parked, Unwanted, Verdict, Waiting, Wanted, to_json

_ANYTHING = (Exception, asyncio.CancelledError, SystemExit)
"""What ``translate`` may raise: it is synchronous, so a cancellation out of it is its own and not the worker's."""


@dataclass(slots=True)
class Said:
    """What one adapter said about one journey, and which facts it missed. ``failure`` stands for an adapter that
    raised.
    """

    target: str
    instance: Instance | None
    version: int
    verdicts: Sequence[Verdict] = ()
    missing: list[Question] = field(default_factory=list)
    rule: Reason | None = None
    failure: Reason | None = None
    inputs: str = ""


@dataclass(slots=True)
class Turn:
    loaded: Loaded
    journey: Journey
    said: list[Said]


class FactsView:
    """Facts as ``translate`` reads them: what is pinned answers, a miss is noted."""

    def __init__(self, vault: Vault, instance: Instance, pinned: Mapping[str, Known | NotKnown]) -> None:
        self._vault = vault
        self._instance = instance
        self._pinned = pinned
        self.missing: list[Question] = []

    def get(self, question: Question) -> Known | NotKnown | None:
        question = customs.question(question)
        answer = self._pinned.get(fact_rows.name_of(self._vault, self._instance.name, question))
        if answer is None:
            self.missing.append(question)
        return answer


class ReceiptsView:
    def __init__(self, values: Mapping[tuple[str, str], Mapping[str, str]]) -> None:
        self._values = values

    def get(self, receipt: str, key: str) -> Mapping[str, str] | None:
        found = self._values.get((receipt, key))
        return None if found is None else MappingProxyType(found)


@dataclass(slots=True)
class Context:
    """What translation reads from the ledger beside resources, for one journey."""

    pinned: Mapping[str, Known | NotKnown] = field(default_factory=dict)
    receipts: Mapping[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)


class Planner:
    """Translates journeys. Pure apart from what it is handed; :func:`apply` writes."""

    def __init__(self, settings: Settings, instances: Instances, vault: Vault) -> None:
        self._settings = settings
        self._instances = instances
        self._vault = vault

    @property
    def types(self) -> frozenset[str]:
        """Every resource type that any adapter reads, and those the host needs itself."""
        return frozenset({"Encounter", "Patient", "Organization"}).union(
            *(adapter.reads for adapter in self._instances.adapters.values())
        )

    def turn(self, loaded: Loaded, context: Context) -> Turn | None:
        """What every adapter says about one journey; ``None`` where the anchor itself has never arrived."""
        anchor = loaded.resources.get(loaded.anchor)
        if anchor is None:
            return None
        journey = self._journey(loaded, anchor)
        said = self._ask_all(journey, context)
        for one in said:
            one.inputs = self._inputs(loaded, self._instances.adapters[one.target])
        return Turn(loaded, journey, said)

    def _inputs(self, loaded: Loaded, adapter: Adapter) -> str:
        """What an adapter's verdicts were made from: equal inputs never revise, whatever newer code would say."""
        own = {loaded.anchor.partition("/")[0], *adapter.reads}
        return self._vault.fingerprint(
            [pair for pair in sorted(loaded.hashes.items()) if pair[0].partition("/")[0] in own]
        )

    def _ask_all(self, journey: Journey, context: Context) -> list[Said]:
        """Every adapter about the journey. Where several serve it each gets contents of its own, so that what one
        changes in them by mistake cannot become another's verdict.
        """
        at = journey.facility or ""
        adapters = self._instances.adapters.values()
        several = sum(self._instances.at(at, adapter.target) is not None for adapter in adapters) > 1
        shared = customs.share(journey) if several else None
        return [self._ask(adapter, journey, shared, context) for adapter in adapters]

    def _journey(self, loaded: Loaded, anchor: Resource) -> Journey:
        facility = self._facility(anchor, loaded)
        known = self._settings.faskes.get(facility) if facility else None
        zone = known.zone if known else UTC
        by_type: dict[str, list[Resource]] = {}
        for resource in sorted(loaded.resources.values(), key=lambda r: r.reference):
            by_type.setdefault(resource.type, []).append(resource)
        links = dict(loaded.resources)
        for target, ref in loaded.names.items():
            if ref in loaded.resources:
                links[target] = loaded.resources[ref]
        return Journey(loaded.source, anchor, facility, zone, by_type, links)

    def _facility(self, anchor: Resource, loaded: Loaded) -> str | None:
        """The facility an anchor names: by reference, by logical identifier, or by its Organization's identifiers.

        A delete names none, and a cancellation may be sent with half the content: then it is the one it was.
        """
        provider = (anchor.content or {}).get("serviceProvider")
        if not isinstance(provider, Mapping):
            return loaded.facility
        names: list[str] = []
        if isinstance(reference := provider.get("reference"), str):
            names.append("/".join(reference.rstrip("/").split("/")[-2:]))
        for held in [provider.get("identifier"), *self._organisation_identifiers(names, loaded)]:
            if isinstance(held, Mapping):
                names += [f"{held.get('system')}|{held.get('value')}", f"Organization/{held.get('value')}"]
        return next((kode for name in names if (kode := self._settings.facility_of(name))), None)

    @staticmethod
    def _organisation_identifiers(names: Sequence[str], loaded: Loaded) -> Sequence[Any]:
        organisation = loaded.resources.get(names[0]) if names else None
        identifiers = (organisation.content or {}).get("identifier") if organisation else None
        return identifiers if isinstance(identifiers, list) else []

    def _ask(self, adapter: Adapter, journey: Journey, shared: bytes | None, context: Context) -> Said:
        said = Said(adapter.target, None, adapter.version)
        if journey.facility is None:
            said.rule = Reason.of("gerbang.faskes")
            return said
        said.instance = self._instances.at(journey.facility, adapter.target)
        if said.instance is None:
            said.rule = Reason.of("gerbang.tujuan", target=adapter.target)
            return said
        facts = FactsView(self._vault, said.instance, context.pinned)
        mine = journey if shared is None else customs.own(journey, shared)
        try:
            found = adapter.translate(mine, ReceiptsView(context.receipts), facts, said.instance.settings)
            verdicts = customs.verdicts(found, adapter.kinds, journey.source)
            said.verdicts = [gate(verdict, said.instance) for verdict in verdicts]
        except customs.Defect as defect:
            said.failure = Reason.of("galat.adaptor", target=adapter.target, error=defect)
        except _ANYTHING as error:  # an adapter that raises parks this journey at this target and touches no other
            said.failure = Reason.of("galat.adaptor", target=adapter.target, error=type(error).__name__)
        said.missing = facts.missing
        return said


# --- writing --------------------------------------------------------------------------------------------------------


_done = (
    update(s.journey)
    .where(s.journey.c.id == bindparam("_id"), s.journey.c.changes == bindparam("_seen"))
    .values(due_at=bindparam("again"))
)
_noted = (
    update(s.journey)
    .where(s.journey.c.id == bindparam("_id"))
    .values(facility=bindparam("facility"), service_date=bindparam("service_date"), translated_at=bindparam("now"))
)


def apply(connection: Connection, turns: Sequence[Turn], desk: Desk, settings: Settings, keys: KeyRing) -> bool:
    """Write what was said. Returns whether there may be work for the courier."""
    work = False
    sheets = sheets_of(connection, desk, {turn.loaded.id for turn in turns})
    for turn in turns:
        again = fact_rows.ask_missing(connection, desk, turn, settings.waktu.fact_max_age)
        sheet = sheets[turn.loaded.id]
        for said in turn.said:
            _record(connection, turn, said)
            if said.failure is None:
                _lay_down(sheet, turn, said, settings)
        work = sheet.settle() or work
        for other in sheets.values() if sheet.adopted else ():
            if other is not sheet:
                other.forget(sheet.adopted)
        days = [r["service_date"] for r in sheet.rows if r["service_date"]]
        connection.execute(
            _noted,
            {
                "_id": turn.loaded.id,
                # One that names a facility nobody knows is still the one it was, should it be deleted later.
                "facility": turn.journey.facility or turn.loaded.facility,
                "now": desk.now,
                "service_date": max(days, default=None),
            },
        )
        connection.execute(
            _done, {"_id": turn.loaded.id, "_seen": turn.loaded.changes, "again": desk.now if again else None}
        )
    return work


def forget_due(connection: Connection, loaded: Sequence[Loaded]) -> None:
    """Journeys whose anchor never arrived are not due any more; their resources are orphans until it does."""
    for one in loaded:
        connection.execute(_done, {"_id": one.id, "_seen": one.changes, "again": None})


def look_again(connection: Connection, instances: Instances, now: float) -> None:
    """At start: if other instances are configured than the last time, whatever that may change is due.

    So what was accepted at a facility that was dropped is listed as ``yatim`` without waiting for an event, and taken
    up again when its section returns, together with what arrived meanwhile."""
    names = sorted(instance.name for instance in instances)
    known = connection.execute(select(s.meta.c.value).where(s.meta.c.name == "instances")).scalar()
    if known == (value := " ".join(names)):
        return
    upsert(connection, s.meta, [{"name": "instances", "value": value}], ("name",), ("value",))
    c, jt = s.submission.c, s.journey_target.c
    spoken = select(c.journey_id).where((c.desire == "silent") | c.instance.not_in(names))
    gated = select(jt.journey_id).where(jt.state == "not_applicable", jt.reason.like('{"code":"gerbang.%'))
    again = s.journey.c.id.in_(spoken) | s.journey.c.id.in_(gated)
    connection.execute(update(s.journey).where(again).values(due_at=now))


def _record(connection: Connection, turn: Turn, said: Said) -> None:
    state: str
    reason: Reason | None
    if said.failure is not None:
        state, reason = "galat", said.failure
    elif said.rule is not None:
        state, reason = "not_applicable", said.rule
    else:
        rules = [v.rule for v in said.verdicts if isinstance(v, NotApplicable)]
        only = bool(rules) and len(rules) == len(said.verdicts)
        state, reason = ("not_applicable", rules[0]) if only else ("submissions" if said.verdicts else "silent", None)
    row = {
        "journey_id": turn.loaded.id,
        "target": said.target,
        "state": state,
        "reason": reason_text(reason),
        "translator": said.version,
    }
    upsert(connection, s.journey_target, [row], ("journey_id", "target"), ("state", "reason", "translator"))


def _lay_down(sheet: Sheet, turn: Turn, said: Said, settings: Settings) -> None:
    """Put each verdict on its row. Rows that nobody mentions are silent: left alone, never withdrawn."""
    mentioned: set[int] = set()
    for verdict in said.verdicts if said.instance else ():
        assert said.instance is not None
        row = sheet.find(said.instance.name, verdict.kind, verdict.key) or sheet.adopt_row(
            said.instance.name, verdict.kind, verdict.key
        )
        if row is None and isinstance(verdict, Unwanted):
            continue  # never asked for, so there is nothing to take back
        row = row or sheet.add(_fresh(turn, said.instance, verdict, sheet.desk.now))
        mentioned.add(row["id"])
        _desire(sheet, row, verdict, turn, said, settings)
    for row in sheet.rows:
        if row["target"] == said.target and row["id"] not in mentioned:
            _unmentioned(row, turn, said)


def _fresh(turn: Turn, instance: Instance, verdict: Verdict, now: float) -> Row:
    return {
        "instance": instance.name,
        "facility": instance.facility,
        "target": instance.target,
        "kind": verdict.kind,
        "key": verdict.key,
        "journey_id": turn.loaded.id,
        "key_id": turn.loaded.key_id,
        "work": "waiting",
        "desire": "waiting",
        "changed_at": now,
    }


def _unmentioned(row: Row, turn: Turn, said: Said) -> None:
    moved = turn.journey.facility is not None and row["facility"] != turn.journey.facility
    if moved and not turn.journey.anchor.deleted:
        row["desire"], row["evidence"], row["desired_inputs"] = "unwanted", "moved", said.inputs
    elif row["desire"] != "silent" and row["work"] not in ("obsolete", "withdrawn"):
        row["desire"] = "silent"
        row["reason"] = reason_text(Reason.of("beda.yatim"))


def _desire(sheet: Sheet, row: Row, verdict: Verdict, turn: Turn, said: Said, settings: Settings) -> None:
    row["translator"] = said.version
    row["desired_inputs"] = said.inputs
    before = row["desire"], row["desired_fp"]
    _put(sheet, row, verdict, turn, settings)
    if (row["desire"], row["desired_fp"]) != before and row["rebuild"] is None:
        row["permit"] = None  # a person consented to what was desired then, not to this


def _put(sheet: Sheet, row: Row, verdict: Verdict, turn: Turn, settings: Settings) -> None:
    under_way = row["work"] in ("sending", "in_doubt")
    if isinstance(verdict, Wanted):
        _wanted(sheet, row, verdict, turn, settings)
        return
    row["notes"] = None
    reason: Reason | None
    if isinstance(verdict, Waiting):
        row["desire"], reason = "waiting", verdict.needs[0].reason if verdict.needs else None
        row["notes"] = _notes([need.reason for need in verdict.needs])
    elif isinstance(verdict, Parked):
        row["desire"], reason = "parked", verdict.reason
    elif isinstance(verdict, Unwanted):
        row["desire"], row["evidence"], reason = "unwanted", verdict.evidence, verdict.reason
    else:
        row["desire"], reason = "not_applicable", verdict.rule
    if not under_way and row["hold"] is None:
        row["reason"] = reason_text(reason)


def _wanted(sheet: Sheet, row: Row, verdict: Wanted, turn: Turn, settings: Settings) -> None:
    payload = to_json(verdict.payload)
    print_ = sheet.desk.vault.fingerprint(payload)
    contact = verdict.contact.to_json() if verdict.contact else None
    box = {
        "payload": payload,
        "claim": to_json(list(verdict.claim)),
        "after": to_json(list(verdict.after)),
        "adopt": dict(verdict.adopt),
        "contact": contact,
        "service_date": verdict.service_date.isoformat(),
    }
    first = row["desire"] != "wanted"
    row["desire"], row["evidence"] = "wanted", None
    known = sheet.open(row, "desired_box")
    if row["hold"] == "adopt" and known is not None and known["adopt"] != box["adopt"]:
        row["hold"] = row["hold_fp"] = None  # the EMR corrected the number it carries
    if first or print_ != row["desired_fp"] or known != box:
        row["desired_box"], row["desired_fp"] = sheet.seal(row, box), print_
    row["contact"] = contact is not None or row["contact"]
    if row["held"] == "absent" and row["work"] not in ("sending", "in_doubt"):
        row["service_date"] = box["service_date"]  # what is held stays under the day it is held for
    row["lane"] = f"{verdict.parent.receipt}|{verdict.parent.key}" if verdict.parent else None
    row["notes"] = _notes(verdict.notes)
    row["settle_at"] = turn.loaded.changed_at + settings.waktu.settle.get(verdict.settle, 0.0)
    row["not_before"] = verdict.not_before.timestamp() if verdict.not_before else None
    row["deadline"] = verdict.deadline.timestamp() if verdict.deadline else None


def _notes(reasons: Sequence[Reason]) -> str | None:
    return dumps([reason.to_json() for reason in reasons]).decode() if reasons else None


def today(now: float) -> date:
    """The calendar day amendment windows are judged by (UTC; a window is weeks long)."""
    return utc(now).date()
