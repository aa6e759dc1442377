"""What the list and show commands read. Rows as plain dictionaries, with no sealed body opened: a person who wants to
see one asks for it, and that is audited (``submissions show --isi``)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Select, Table, func, select

from jknbridge.cli.output import moment, reason_data
from jknbridge.decisions import refuse_to
from jknbridge.ledger import schema as s
from jknbridge.ledger.keyring import KeyRing
from jknbridge.ledger.sql import chunks
from jknbridge.ledger.vault import Vault

_sub, _jou, _pro = s.submission.c, s.journey.c, s.proposal.c
SUBMISSION = ("id", "facility", "target", "kind", "key", "service_date", "held", "work", "verb", "hold", "how")


def page(connection: Connection, query: Select[Any], most: int) -> tuple[list[dict[str, Any]], int]:
    """The first ``most`` rows, and how many there are."""
    total = connection.execute(select(func.count()).select_from(query.order_by(None).subquery())).scalar_one()
    return [dict(row._mapping) for row in connection.execute(query.limit(most))], total


def filtered(query: Select[Any], table: Table, wanted: Mapping[str, Any]) -> Select[Any]:
    for column, value in wanted.items():
        if value is not None:
            query = query.where(table.c[column] == value)
    return query


# --- submissions ------------------------------------------------------------------------------------------------------


def submissions(connection: Connection, wanted: Mapping[str, Any], most: int) -> tuple[list[dict[str, Any]], int]:
    columns = [_sub[name] for name in SUBMISSION]
    query = filtered(select(*columns, _sub.reason, _sub.due_at, _sub.changed_at), s.submission, wanted)
    rows, total = page(connection, query.order_by(_sub.changed_at.desc(), _sub.id), most)
    return [_submission(row) for row in rows], total


def _submission(row: Mapping[str, Any]) -> dict[str, Any]:
    shown = {name: row[name] for name in SUBMISSION}
    shown["reason"] = reason_data(row["reason"])
    shown["due_at"], shown["changed_at"] = moment(row["due_at"]), moment(row["changed_at"])
    return shown


def submission(connection: Connection, vault: Vault, ident: int) -> dict[str, Any]:
    """One submission with its receipts, requests and proposals. Raises ``NeedsPerson`` if there is none."""
    found = connection.execute(select(s.submission).where(_sub.id == ident)).first()
    if found is None:
        refuse_to("putus.tidak_ada", what="pengiriman", id=ident)
    row = dict(found._mapping)
    shown = _submission(row)
    shown["journey"] = row["journey_id"]
    for name in ("desire", "evidence", "wait_on", "tries", "permit", "rebuild", "translator"):
        shown[name] = row[name]
    for name in ("not_before", "settle_at", "deadline", "doubt_at", "check_at"):
        shown[name] = moment(row[name])
    shown["notes"] = [] if row["notes"] is None else reason_list(row["notes"])
    shown["receipts"] = _receipts(connection, vault, ident)
    shown["requests"] = _requests(connection, ident)
    shown["proposals"] = proposals(connection, {"submission_id": ident}, 50)[0]
    return shown


def reason_list(stored: str) -> list[dict[str, str]]:
    import json

    found: list[dict[str, str]] = json.loads(stored)
    return found


def _receipts(connection: Connection, vault: Vault, ident: int) -> list[dict[str, Any]]:
    query = select(s.receipt).where(s.receipt.c.submission_id == ident).order_by(s.receipt.c.id)
    rows = []
    for row in connection.execute(query).all():
        wrapped = KeyRing(vault).by_id(connection, row.key_id).wrapped
        erased = row.key_id is not None and wrapped is None
        rows.append(
            {
                "kind": row.kind,
                "values": {} if erased else vault.open(row.values_box, wrapped),
                "how": row.how,
                "at": moment(row.created_at),
                "ended_at": moment(row.ended_at),
                "ended_by": row.ended_by,
            }
        )
    return rows


def _requests(connection: Connection, ident: int) -> list[dict[str, Any]]:
    query = (
        select(s.request)
        .join(s.request_submission, s.request_submission.c.request_id == s.request.c.id)
        .where(s.request_submission.c.submission_id == ident)
        .order_by(s.request.c.created_at)
    )
    return [
        {
            "id": row.id,
            "verb": row.verb,
            "state": row.state,
            "outcome": row.outcome,
            "reason": reason_data(row.reason),
            "at": moment(row.created_at),
            "ended_at": moment(row.ended_at),
            "probes": row.probes,
            "last_finding": row.last_finding,
            "repeat_of": row.repeat_of,
        }
        for row in connection.execute(query)
    ]


def contents(connection: Connection, vault: Vault, ident: int) -> dict[str, Any]:
    """What is desired, what was accepted, and the rows a person must decide between, opened. Personal data."""
    row = connection.execute(select(s.submission).where(_sub.id == ident)).one()
    wrapped = KeyRing(vault).by_id(connection, row.key_id).wrapped
    opened: dict[str, Any] = {}
    for name in ("desired", "accepted"):
        box = row._mapping[f"{name}_box"]
        opened[name] = None if box is None or (row.key_id and wrapped is None) else vault.open(box, wrapped)
    query = (
        select(s.request.c.id, s.request.c.finding_box)
        .join(s.request_submission, s.request_submission.c.request_id == s.request.c.id)
        .where(s.request_submission.c.submission_id == ident, s.request.c.finding_box.is_not(None))
    )
    opened["found_rows"] = {one.id: vault.open(one.finding_box, wrapped) for one in connection.execute(query)}
    return opened


# --- journeys ---------------------------------------------------------------------------------------------------------


def journeys(connection: Connection, wanted: Mapping[str, Any], most: int) -> tuple[list[dict[str, Any]], int]:
    query = filtered(select(s.journey), s.journey, {k: wanted.get(k) for k in ("facility", "service_date", "source")})
    if (state := wanted.get("state")) is not None:
        said = select(s.journey_target.c.journey_id).where(s.journey_target.c.state == state)
        query = query.where(_jou.id.in_(said))
    rows, total = page(connection, query.order_by(_jou.changed_at.desc(), _jou.id), most)
    ids = [row["id"] for row in rows]
    states, counts = _targets(connection, ids), _work(connection, ids)
    return [
        {
            "id": row["id"],
            "source": row["source"],
            "anchor": f"{row['anchor_type']}/{row['anchor_id']}",
            "facility": row["facility"],
            "service_date": row["service_date"],
            "due": row["due_at"] is not None,
            "changed_at": moment(row["changed_at"]),
            "translated_at": moment(row["translated_at"]),
            "targets": states[row["id"]],
            "submissions": dict(counts[row["id"]]),
        }
        for row in rows
    ], total


def _targets(connection: Connection, ids: list[int]) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for some in chunks(ids):
        query = select(s.journey_target).where(s.journey_target.c.journey_id.in_(some))
        for row in connection.execute(query.order_by(s.journey_target.c.target)):
            line = {"target": row.target, "state": row.state, "reason": reason_data(row.reason)}
            found[row.journey_id].append(line)
    return found


def _work(connection: Connection, ids: list[int]) -> dict[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for some in chunks(ids):
        query = select(_sub.journey_id, _sub.held, _sub.work, func.count().label("n")).where(_sub.journey_id.in_(some))
        for row in connection.execute(query.group_by(_sub.journey_id, _sub.held, _sub.work)):
            found[row.journey_id][f"{row.held}/{row.work}"] = row.n
    return found


def journey_id(connection: Connection, name: str) -> int:
    """A journey by its number, ``Encounter/enc-1`` or ``source/Encounter/enc-1``. Raises for none and for several."""
    if name.isdigit():
        found = connection.execute(select(_jou.id).where(_jou.id == int(name))).scalars().all()
    else:
        *source, type_, ident = name.split("/") if "/" in name else ("Encounter", name)
        query = select(_jou.id).where(_jou.anchor_type == type_, _jou.anchor_id == ident)
        query = query.where(_jou.source == source[0]) if source and source[0] else query
        found = connection.execute(query).scalars().all()
    if len(found) != 1:
        refuse_to("putus.tidak_ada" if not found else "putus.beberapa", what="kunjungan", id=name)
    return int(found[0])


def journey(connection: Connection, ident: int) -> dict[str, Any]:
    """One journey with its submissions, and the facts it relies on (state only: the answers are personal)."""
    row = connection.execute(select(s.journey).where(_jou.id == ident)).one()
    facts = (
        select(s.fact)
        .join(s.fact_use, s.fact_use.c.fact_id == s.fact.c.id)
        .where(s.fact_use.c.journey_id == ident)
        .order_by(s.fact.c.id)
    )
    return {
        "id": row.id,
        "source": row.source,
        "anchor": f"{row.anchor_type}/{row.anchor_id}",
        "facility": row.facility,
        "service_date": row.service_date,
        "due_at": moment(row.due_at),
        "changes": row.changes,
        "changed_at": moment(row.changed_at),
        "translated_at": moment(row.translated_at),
        "targets": _targets(connection, [ident])[ident],
        "submissions": submissions(connection, {"journey_id": ident}, 500)[0],
        "facts": [
            {
                "kind": fact.kind,
                "as_of": fact.as_of,
                "state": fact.state,
                "reason": reason_data(fact.reason),
                "answered_at": moment(fact.answered_at),
                "due_at": moment(fact.due_at),
                "tries": fact.tries,
            }
            for fact in connection.execute(facts)
        ],
    }


# --- proposals and audit ----------------------------------------------------------------------------------------------


def proposals(connection: Connection, wanted: Mapping[str, Any], most: int) -> tuple[list[dict[str, Any]], int]:
    query = (
        select(s.proposal, _sub.facility, _sub.target, _sub.kind, _sub.key, _sub.service_date, _sub.how)
        .join(s.submission, _sub.id == _pro.submission_id)
        .order_by(_pro.id)
    )
    own = {name: value for name, value in wanted.items() if name in s.proposal.c}
    rest = {name: value for name, value in wanted.items() if name not in s.proposal.c}
    rows, total = page(connection, filtered(filtered(query, s.proposal, own), s.submission, rest), most)
    shown = ("id", "action", "state", "facility", "target", "kind", "key", "service_date", "how", "decided_by", "why")
    return [
        {
            **{name: row[name] for name in shown},
            "submission": row["submission_id"],
            "reason": reason_data(row["reason"]),
            "created_at": moment(row["created_at"]),
            "decided_at": moment(row["decided_at"]),
        }
        for row in rows
    ], total


def audit(connection: Connection, most: int) -> tuple[list[dict[str, Any]], int]:
    rows, total = page(connection, select(s.audit).order_by(s.audit.c.id.desc()), most)
    return [{**row, "at": moment(row["at"])} for row in rows], total
