"""When each loop has something to do next: one query for each, so that a loop sleeps until then and never polls."""

from __future__ import annotations

from sqlalchemy import Connection, case, func, select

from jknbridge.ledger import schema as s


def next_work(connection: Connection) -> float | None:
    """The first moment at which something ready may be sent: its pause, settle and first day are over."""
    c = s.submission.c
    due = case((c.verb == "delete", c.due_at), (c.settle_at > c.due_at, c.settle_at), else_=c.due_at)
    late = case((c.verb == "delete", due), (c.not_before > due, c.not_before), else_=due)
    return connection.execute(select(func.min(late)).where(c.work.in_(("ready", "retry")))).scalar()


def next_doubt(connection: Connection) -> float | None:
    """The first probe, or the first look for a surplus row."""
    probe = connection.execute(select(func.min(s.request.c.probe_at)).where(s.request.c.state == "in_doubt")).scalar()
    check = connection.execute(select(func.min(s.submission.c.check_at))).scalar()
    return min((moment for moment in (probe, check) if moment is not None), default=None)


def next_fact(connection: Connection) -> float | None:
    return connection.execute(select(func.min(s.fact.c.due_at)).where(s.fact.c.state == "asked")).scalar()


def put_off(connection: Connection, submission: int, at: float) -> None:
    """Not now: its parent's rows could not be read."""
    connection.execute(s.submission.update().where(s.submission.c.id == submission).values(due_at=at))
