"""Facts: questions adapters asked, their answers, and which journeys rely on them (DESIGN §1 "Fact").

An answer is pinned: a journey keeps the one it first relied on, as of its service date. A journey of the same person on
another date may reuse an answer that is younger than ``fact_max_age``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, bindparam, insert, select, update

from jknbridge.ledger import schema as s
from jknbridge.ledger.sql import chunks, update_by_id, upsert
from jknbridge.ledger.texts import reason_text, stored_reason
from jknbridge.ledger.vault import Vault
from jknbridge.targets import Answer, Known, NotKnown, Question

if TYPE_CHECKING:
    from jknbridge.ledger.work import Desk
    from jknbridge.planner import Turn


def name_of(vault: Vault, instance: str, question: Question) -> str:
    """How one question is looked up: keyed, so that a card number stands nowhere in the open."""
    return f"{question.kind}|{subject_hmac(vault, instance, question)}|{question.as_of.isoformat()}"


def subject_hmac(vault: Vault, instance: str, question: Question) -> str:
    return vault.hmac("fact", instance, question.kind, *question.subject)


_pinned = (
    select(s.fact_use.c.journey_id, s.fact)
    .join(s.fact, s.fact.c.id == s.fact_use.c.fact_id)
    .where(s.fact_use.c.journey_id.in_(bindparam("ids", expanding=True)), s.fact.c.state != "asked")
)
_same = select(s.fact).where(
    s.fact.c.instance == bindparam("instance"),
    s.fact.c.kind == bindparam("kind"),
    s.fact.c.subject_hmac == bindparam("subject"),
)
_insert = insert(s.fact)
_wake_users = (
    update(s.journey)
    .where(s.journey.c.id.in_(select(s.fact_use.c.journey_id).where(s.fact_use.c.fact_id == bindparam("fact"))))
    .values(due_at=bindparam("now"), changes=s.journey.c.changes + 1)
)


def pinned(connection: Connection, vault: Vault, journeys: Sequence[int]) -> dict[int, dict[str, Known | NotKnown]]:
    """The answered facts of each journey, by :func:`name_of`."""
    found: dict[int, dict[str, Known | NotKnown]] = defaultdict(dict)
    for some in chunks(journeys):
        for row in connection.execute(_pinned, {"ids": some}):
            name = f"{row.kind}|{row.subject_hmac}|{row.as_of}"
            found[row.journey_id][name] = _answer(vault, row)
    return found


def _answer(vault: Vault, row: Any) -> Known | NotKnown:
    if row.state == "known":
        return Known(vault.open(row.value_box, None))
    reason = stored_reason(row.reason)
    assert reason is not None
    return NotKnown(reason)


def ask_missing(connection: Connection, desk: Desk, turn: Turn, max_age: float) -> bool:
    """Note what the journey's adapters missed. True if an answer is there already, so that another turn is worth it."""
    again = False
    for said in turn.said:
        for question in said.missing:
            assert said.instance is not None
            fact_id, answered = _ensure(connection, desk, said.instance.name, question, max_age)
            upsert(
                connection, s.fact_use, [{"fact_id": fact_id, "journey_id": turn.loaded.id}], ("fact_id", "journey_id")
            )
            again = again or answered
    return again


def _ensure(connection: Connection, desk: Desk, instance: str, question: Question, max_age: float) -> tuple[int, bool]:
    subject = subject_hmac(desk.vault, instance, question)
    rows = connection.execute(_same, {"instance": instance, "kind": question.kind, "subject": subject}).all()
    for row in rows:
        if row.as_of == question.as_of.isoformat():
            return row.id, row.state != "asked"
    values: dict[str, Any] = {
        "instance": instance,
        "kind": question.kind,
        "subject_hmac": subject,
        "as_of": question.as_of.isoformat(),
        "question_box": desk.vault.seal(list(question.subject), None),
        "state": "asked",
        "due_at": desk.now,
    }
    young = [r for r in rows if r.state == "known" and r.answered_at and desk.now - r.answered_at < max_age]
    if young:
        newest = max(young, key=lambda r: r.answered_at)
        values |= {"state": "known", "value_box": newest.value_box, "answered_at": newest.answered_at, "due_at": None}
    made = connection.execute(_insert, values)
    assert made.inserted_primary_key is not None
    return made.inserted_primary_key[0], bool(young)


def due(
    connection: Connection, vault: Vault, now: float, instance: str, most: int, asking: Collection[int] = ()
) -> list[tuple[int, str, Question, int]]:
    """Questions of one instance to be asked now, but those under way: (fact id, instance, question, tries)."""
    query = (
        select(s.fact)
        .where(s.fact.c.due_at <= now, s.fact.c.state == "asked", s.fact.c.instance == instance)
        .order_by(s.fact.c.due_at)
        .limit(most + len(asking))
    )
    fresh = [row for row in connection.execute(query) if row.id not in asking]
    return [
        (
            row.id,
            row.instance,
            Question(row.kind, tuple(vault.open(row.question_box, None)), date.fromisoformat(row.as_of)),
            row.tries,
        )
        for row in fresh[:most]
    ]


def answered(connection: Connection, vault: Vault, fact_id: int, answer: Answer, now: float, retry_at: float) -> None:
    """Store an answer and wake the journeys that rely on it; anything else is asked again at ``retry_at``."""
    values: Mapping[str, Any]
    if isinstance(answer, Known):
        values = {
            "state": "known",
            "value_box": vault.seal(dict(answer.value), None),
            "answered_at": now,
            "due_at": None,
        }
    elif isinstance(answer, NotKnown):
        values = {"state": "not_known", "reason": reason_text(answer.reason), "answered_at": now, "due_at": None}
    else:
        tries = connection.execute(select(s.fact.c.tries).where(s.fact.c.id == fact_id)).scalar_one() + 1
        values = {"due_at": retry_at, "reason": reason_text(answer.reason), "tries": tries}
    update_by_id(connection, s.fact, fact_id, values)
    if isinstance(answer, Known | NotKnown):
        connection.execute(_wake_users, {"fact": fact_id, "now": now})
