"""The sums that prove that nothing disappeared (DESIGN §2.7), and what waits for a person.

One read of the ledger, in one transaction, without opening a sealed body: counts only, so a report may be sent by
mail. Each :class:`Check` compares two figures that are kept apart (a tally and its rows, a state and its receipt);
one that disagrees is a defect of the program, never of the hospital's data, and ``jknbridge report`` ends with exit
code 1.

Not for finding one visit: that is ``jknbridge journeys`` and ``submissions``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Connection, Select, and_, case, func, select

from jknbridge import reach
from jknbridge.compact import loads
from jknbridge.ledger import schema as s

RECORDS = ("in", "decoded", "dead_lettered")
ENTRIES = ("newest", "superseded", "duplicate", "ignored", "dead_lettered")
STATES = ("submissions", "nothing_wanted", "not_applicable", "galat", "silent", "untranslated")
"""What one journey may have come to at one target. ``nothing_wanted``: unwanted before anything was ever asked for."""

_MOST = 200  # lines of what waits; the counts are always whole
_sub, _req = s.submission.c, s.request.c


@dataclass(frozen=True, slots=True)
class Check:
    """Two figures that must agree. ``where``: which source, day, facility or target they are about."""

    name: str
    where: str
    left: int
    right: int

    @property
    def ok(self) -> bool:
        return self.left == self.right


@dataclass(slots=True)
class Report:
    """The figures, plain enough to be printed as JSON by :meth:`to_json`. Ages are seconds."""

    ledger: str
    at: float
    checks: list[Check] = field(default_factory=list)
    records: dict[str, int] = field(default_factory=dict)
    entries: dict[str, int] = field(default_factory=dict)
    days: list[dict[str, Any]] = field(default_factory=list)
    resources: dict[str, Any] = field(default_factory=dict)
    journeys: dict[str, Any] = field(default_factory=dict)
    submissions: list[dict[str, Any]] = field(default_factory=list)
    facilities: list[dict[str, Any]] = field(default_factory=list)
    contacts: dict[str, Any] = field(default_factory=dict)
    outbox: list[dict[str, Any]] = field(default_factory=list)
    doubts: list[dict[str, Any]] = field(default_factory=list)
    waiting: dict[str, int] = field(default_factory=dict)
    dead_letters: dict[str, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return all(check.ok for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        whole = asdict(self)
        whole["checks"] = [{**asdict(check), "ok": check.ok} for check in self.checks]
        return {"ok": self.ok, **whole}


def report(
    connection: Connection, *, ledger: str, now: float, targets: Collection[str], facility: str | None = None
) -> Report:
    """Everything at one moment. ``targets``: those that plugins bring. ``facility`` narrows the lines by place."""
    made = waiting(connection, ledger=ledger, now=now)
    _intake(connection, made)
    _resources(connection, made)
    _journeys(connection, made, targets)
    _submissions(connection, made, facility)
    _contacts(connection, made)
    return made


def waiting(connection: Connection, *, ledger: str, now: float) -> Report:
    """Only what waits, for whom and how long: the cheap part, which `jknbridge doctor` looks at."""
    made = Report(ledger, now)
    _outbox(connection, made)
    _doubts(connection, made)
    _waiting(connection, made)
    return made


# --- records and entries ----------------------------------------------------------------------------------------------


def _intake(connection: Connection, made: Report) -> None:
    days: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for row in connection.execute(select(s.tally).order_by(s.tally.c.day, s.tally.c.source)):
        days[row.day, row.source][row.name] = row.n
    made.records, made.entries = dict.fromkeys(RECORDS, 0), dict.fromkeys(ENTRIES, 0)
    dead: Counter[str] = Counter()
    newest: Counter[str] = Counter()
    for (day, source), sums in days.items():
        records = {name: sums.get(f"records.{name}", 0) for name in RECORDS}
        entries = {name: sums.get(f"entries.{name}", 0) for name in ENTRIES}
        made.days.append({"day": day, "source": source, "records": records, "entries": entries} | _extra(sums))
        for total, part in ((made.records, records), (made.entries, entries)):
            for name, n in part.items():
                total[name] += n
        dead[source] += records["dead_lettered"] + entries["dead_lettered"]
        newest[source] += entries["newest"]
        came = sums.get("entries.in", 0)
        made.checks.append(Check("entries = " + " + ".join(ENTRIES), f"{source} {day}", came, sum(entries.values())))
        known = records["decoded"] + records["dead_lettered"]
        made.checks.append(Check("records = decoded + dead_lettered", f"{source} {day}", records["in"], known))
    for source in dead:
        rows = _count(connection, select(s.dead_letter.c.id).where(s.dead_letter.c.source == source))
        made.checks.append(Check("dead_lettered = dead letters kept", source, dead[source], rows))
        held = _count(connection, select(s.resource.c.id).where(s.resource.c.source == source))
        made.checks.append(Check("resources that no entry brought = 0", source, max(held - newest[source], 0), 0))


def _extra(sums: Mapping[str, int]) -> dict[str, Any]:
    """Conflicting versions, and what was ignored by type."""
    ignored = {name.removeprefix("ignored."): n for name, n in sums.items() if name.startswith("ignored.")}
    return {"conflicts": sums.get("entries.conflict", 0), "ignored_by": ignored}


def _resources(connection: Connection, made: Report) -> None:
    found = reach.resources(connection)
    age = None if found.oldest_orphan is None else max(made.at - found.oldest_orphan, 0.0)
    made.resources = {
        "total": found.total,
        "in_journey": found.in_journey,
        "orphan": found.orphan,
        "deleted": found.deleted,
        "oldest_orphan_seconds": age,
        "orphans_by_type": dict(found.orphans_by_type),
    }
    parts = found.in_journey + found.orphan + found.deleted
    rows = _count(connection, select(s.resource.c.id))
    made.checks.append(Check("resources = in a journey + orphan + deleted", "", rows, parts))


# --- journeys and submissions -----------------------------------------------------------------------------------------


def _journeys(connection: Connection, made: Report, targets: Collection[str]) -> None:
    total = _count(connection, select(s.journey.c.id))
    made.journeys = {
        "total": total,
        "due": _count(connection, select(s.journey.c.id).where(s.journey.c.due_at.is_not(None))),
        "targets": {target: dict.fromkeys(STATES, 0) for target in sorted(targets)},
    }
    jt = s.journey_target.c
    has = select(_sub.id).where(_sub.journey_id == jt.journey_id, _sub.target == jt.target).exists()
    state = case((and_(jt.state == "submissions", ~has), "nothing_wanted"), else_=jt.state).label("said")
    query = select(jt.target, state, func.count().label("n")).group_by(jt.target, state)
    for row in connection.execute(query):
        made.journeys["targets"].setdefault(row.target, dict.fromkeys(STATES, 0))[row.said] = row.n
    for target, states in made.journeys["targets"].items():
        spoken = select(jt.journey_id).where(jt.target == target)
        states["untranslated"] = _count(connection, select(s.journey.c.id).where(s.journey.c.id.not_in(spoken)))
        made.checks.append(Check("journeys = sum of their states", target, total, sum(states.values())))


def _submissions(connection: Connection, made: Report, facility: str | None) -> None:
    columns = (_sub.facility, _sub.service_date, _sub.target, _sub.kind, _sub.held, _sub.work)
    query = select(*columns, func.count().label("n")).group_by(*columns).order_by(*columns)
    totals: Counter[tuple[str, str, str, str]] = Counter()
    places: dict[tuple[str, str], dict[str, Any]] = {}
    for row in connection.execute(query):
        totals[row.target, row.kind, row.held, row.work] += row.n
        day = row.service_date or ""
        if facility is None or row.facility == facility:
            place = _place(places, row.facility, day)
            line = {"target": row.target, "kind": row.kind, "held": row.held, "work": row.work, "count": row.n}
            place["submissions"].append(line)
    made.submissions = [
        dict(zip(("target", "kind", "held", "work", "count"), (*key, n), strict=True)) for key, n in totals.items()
    ]
    _journeys_by_place(connection, places, facility)
    made.facilities = [places[key] for key in sorted(places)]
    living = select(s.receipt.c.submission_id).where(s.receipt.c.ended_at.is_(None)).distinct()
    present = select(_sub.id).where(_sub.held == "present")
    made.checks += [
        Check("present without a receipt = 0", "", _count(connection, present.where(_sub.id.not_in(living))), 0),
        Check("submissions = sum of their states", "", _count(connection, select(_sub.id)), sum(totals.values())),
        *(_work_and_request(connection, work) for work in ("in_doubt", "sending")),
    ]


def _place(places: dict[tuple[str, str], dict[str, Any]], facility: str, day: str) -> dict[str, Any]:
    empty: dict[str, Any] = {"facility": facility, "day": day, "journeys": 0, "submissions": []}
    return places.setdefault((facility, day), empty)


def _journeys_by_place(
    connection: Connection, places: dict[tuple[str, str], dict[str, Any]], facility: str | None
) -> None:
    columns = (s.journey.c.facility, s.journey.c.service_date)
    for row in connection.execute(select(*columns, func.count().label("n")).group_by(*columns)):
        if facility is None or row.facility == facility:
            _place(places, row.facility or "", row.service_date or "")["journeys"] = row.n


def _work_and_request(connection: Connection, work: str) -> Check:
    """Every submission under way or in doubt has its open request, and no request is open for another."""
    link = s.request_submission.c
    open_ = select(link.submission_id).join(s.request, _req.id == link.request_id).where(_req.state == work).distinct()
    rows = _count(connection, select(_sub.id).where(_sub.work == work))
    return Check(f"{work} = open requests", "", rows, _count(connection, open_))


# --- contacts, outbox, doubts and what waits --------------------------------------------------------------------------


def _contacts(connection: Connection, made: Report) -> None:
    c = s.contact.c
    by_kind: dict[str, dict[str, int]] = defaultdict(lambda: {"recorded": 0, "retracted": 0})
    for row in connection.execute(select(c.kind, c.state, func.count().label("n")).group_by(c.kind, c.state)):
        by_kind[row.kind][row.state] = row.n
    made.contacts = {
        state: sum(counts[state] for counts in by_kind.values()) for state in ("recorded", "retracted")
    } | {"by_kind": dict(by_kind)}
    stale = select(c.id).join(s.submission, _sub.id == c.submission_id).where(c.state == "recorded")
    gone = _count(connection, stale.where(_sub.held == "absent"))
    made.checks.append(Check("contacts recorded of what is absent = 0", "", gone, 0))


def _outbox(connection: Connection, made: Report) -> None:
    c = s.outbox.c
    topics: dict[str, dict[str, Any]] = {}
    oldest = func.min(c.created_at).label("oldest")
    query = select(c.topic, c.state, func.count().label("n"), oldest).group_by(c.topic, c.state).order_by(c.topic)
    for row in connection.execute(query):
        line = topics.setdefault(row.topic, {"topic": row.topic, "new": 0, "published": 0, "failed": 0})
        line[row.state] = row.n
        if row.state == "new":
            line["oldest_new_seconds"] = max(made.at - row.oldest, 0.0)
    made.outbox = list(topics.values())


def _doubts(connection: Connection, made: Report) -> None:
    """Open questions, oldest first: those the program still asks, and those a person was left with."""
    link = s.request_submission.c
    asked = (
        select(_sub.id, func.min(_req.created_at).label("since"), func.sum(_req.probes).label("probes"))
        .join(s.request_submission, link.submission_id == _sub.id)
        .join(s.request, _req.id == link.request_id)
        .where((_req.state == "in_doubt") | (_sub.hold == "doubt"))
        .group_by(_sub.id)
        .subquery()
    )
    query = (
        select(_sub.id, _sub.facility, _sub.target, _sub.kind, _sub.key, _sub.hold, asked.c.since, asked.c.probes)
        .join(asked, asked.c.id == _sub.id)
        .order_by(asked.c.since)
        .limit(_MOST)
    )
    made.doubts = [
        {
            "submission": row.id,
            "facility": row.facility,
            "target": row.target,
            "kind": row.kind,
            "key": row.key,
            "age_seconds": max(made.at - row.since, 0.0),
            "probes": int(row.probes),
            "with_a_person": row.hold == "doubt",
        }
        for row in connection.execute(query)
    ]


def _waiting(connection: Connection, made: Report) -> None:
    """How much waits for whom, and why records were dead-lettered."""
    for row in connection.execute(select(_sub.hold, func.count().label("n")).group_by(_sub.hold)):
        if row.hold is not None:
            made.waiting[f"hold.{row.hold}"] = row.n
    parked = select(_sub.id).where(_sub.work == "parked")
    made.waiting |= {
        "parked": _count(connection, parked),
        "yatim": _count(connection, select(_sub.id).where(_sub.desire == "silent", _sub.held != "absent")),
        "mapping": _count(connection, select(s.mapping_work.c.local)),
        "proposals": _count(connection, select(s.proposal.c.id).where(s.proposal.c.state == "open")),
        "facts": _count(connection, select(s.fact.c.id).where(s.fact.c.state == "asked")),
        "credentials_closed": _count(connection, select(s.credential.c.limit_key)),
        "sources_stopped": _count(
            connection, select(s.source_offset.c.topic).where(s.source_offset.c.stopped.is_not(None))
        ),
    }
    reasons = Counter(loads(text)["code"] for text in connection.execute(select(s.dead_letter.c.reason)).scalars())
    made.dead_letters = dict(sorted(reasons.items()))


def _count(connection: Connection, query: Select[Any]) -> int:
    return connection.execute(select(func.count()).select_from(query.subquery())).scalar_one()
