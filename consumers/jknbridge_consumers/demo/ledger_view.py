"""The ledger as the demo reads it: whether the day is over, the sums, what waits and why, what probes found.

Reads only. One read is one transaction, so that its numbers belong together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, func, select

from jknbridge.ledger import schema as s
from jknbridge.ledger.texts import stored_reason

UNDER_WAY = ("ready", "sending", "retry", "in_doubt")
WAITING = ("waiting", "parked", "expired", "not_applicable")


@dataclass(frozen=True, slots=True)
class Pulse:
    """What is still under way. ``later``: looks that are due after a while, rows on their way to Kafka."""

    records: int
    due: int
    facts: int
    work: int
    doubts: int
    later: int

    def quiet(self, published: int, *, whole: bool) -> bool:
        """Whether nothing moves any more; ``whole``: looks for a surplus and the outbox included."""
        moving = self.due + self.facts + self.work + self.doubts + (self.later if whole else 0)
        return self.records == published and moving == 0

    def still_open(self) -> str:
        parts = (
            f"{self.records} pesan masuk", f"{self.due} perjalanan", f"{self.facts} pertanyaan", f"{self.work} kiriman",
            f"{self.doubts} ragu", f"{self.later} menyusul",
        )  # fmt: skip
        return ", ".join(parts)


def pulse(connection: Connection) -> Pulse:
    def count(table: Any, *where: Any) -> int:
        return int(connection.execute(select(func.count()).select_from(table).where(*where)).scalar_one())

    taken = select(func.coalesce(func.sum(s.tally.c.n), 0)).where(s.tally.c.name == "records.in")
    return Pulse(
        records=int(connection.execute(taken).scalar_one()),
        due=count(s.journey, s.journey.c.due_at.is_not(None)),
        facts=count(s.fact, s.fact.c.state == "asked"),
        work=count(s.submission, s.submission.c.work.in_(UNDER_WAY)),
        doubts=count(s.request, s.request.c.state.in_(("sending", "in_doubt"))),
        later=count(s.submission, s.submission.c.check_at.is_not(None)) + count(s.outbox, s.outbox.c.state == "new"),
    )


@dataclass(slots=True)
class Book:
    """The day as the ledger has it. ``waits``: (facility, kind, local id, code) → reason in Bahasa."""

    sums: Mapping[str, int]
    submissions: list[dict[str, Any]]
    journeys: int
    waits: dict[tuple[str, str, str, str], str] = field(default_factory=dict)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(work, reason in Bahasa) → how many submissions or journeys."""
    findings: Counter[str] = field(default_factory=Counter)
    failed_rows: int = 0


def read(connection: Connection) -> Book:
    sums = {
        row.name: int(row.n)
        for row in connection.execute(select(s.tally.c.name, func.sum(s.tally.c.n).label("n")).group_by(s.tally.c.name))
    }
    journeys = connection.execute(
        select(func.count()).select_from(s.journey).where(s.journey.c.translated_at.is_not(None))
    ).scalar_one()
    book = Book(sums, _submissions(connection), int(journeys))
    _waiting(connection, book)
    book.findings = _findings(connection)
    failed = select(func.count()).select_from(s.outbox).where(s.outbox.c.state == "failed")
    book.failed_rows = int(connection.execute(failed).scalar_one())
    return book


def _submissions(connection: Connection) -> list[dict[str, Any]]:
    c = s.submission.c
    query = select(c.target, c.kind, c.held, c.work, func.count().label("count"))
    columns = (c.target, c.kind, c.held, c.work)
    return [dict(row._mapping) for row in connection.execute(query.group_by(*columns).order_by(*columns))]


def _waiting(connection: Connection, book: Book) -> None:
    c = s.submission.c
    for row in connection.execute(select(c.facility, c.kind, c.key, c.work, c.reason).where(c.work.in_(WAITING))):
        reason = stored_reason(row.reason)
        if reason is not None:
            book.waits[row.facility, row.kind, row.key.partition("/")[2], reason.code] = reason.id
            book.reasons[row.work, reason.id] += 1
    t = s.journey_target.c
    refused = select(t.state, t.reason).where(t.state.in_(("not_applicable", "galat")))
    known = {row.reason for row in connection.execute(select(c.reason).where(c.work == "not_applicable"))}
    for state, text in connection.execute(refused):
        reason = stored_reason(text)
        if reason is not None and text not in known:  # a gate before any submission: the facility
            book.reasons[state, reason.id] += 1


def _findings(connection: Connection) -> Counter[str]:
    """What each doubt came to in the end."""
    query = select(s.request.c.outcome, func.count().label("n")).where(s.request.c.probes > 0)
    return Counter({str(row.outcome): int(row.n) for row in connection.execute(query.group_by(s.request.c.outcome))})
