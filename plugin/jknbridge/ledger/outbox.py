"""The outbox as the publisher sees it: taken by state, oldest first, marked once the broker acknowledged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select, update

from jknbridge.compact import loads
from jknbridge.ledger import schema as s
from jknbridge.ledger.sql import chunks
from jknbridge.ledger.texts import reason_text
from jknbridge.ledger.vault import Vault
from jknbridge.reasons import Reason

_o = s.outbox.c
_take = (
    select(s.outbox).where(_o.state == "new", _o.due_at <= bindparam("now")).order_by(_o.id).limit(bindparam("most"))
)


@dataclass(frozen=True, slots=True)
class Row:
    """One record to publish, opened."""

    id: int
    topic: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


def take(connection: Connection, vault: Vault, now: float, most: int) -> list[Row]:
    return [
        Row(
            row.id,
            row.topic,
            None if row.key_box is None else vault.open_bytes(row.key_box, None),
            None if row.value_box is None else vault.open_bytes(row.value_box, None),
            [(name, bytes.fromhex(data)) for name, data in loads(row.headers)],
        )
        for row in connection.execute(_take, {"now": now, "most": most})
    ]


def published(connection: Connection, ids: Sequence[int], now: float) -> None:
    """The broker has these. What they said is not needed any more; their count is."""
    for some in chunks(ids):
        connection.execute(
            update(s.outbox).where(_o.id.in_(some)).values(state="published", published_at=now, value_box=None)
        )


def failed(connection: Connection, ids: Sequence[int], reason: Reason, final: bool, due_at: float) -> None:
    """The broker does not take these: parked if a person must change something first, else offered again later."""
    for some in chunks(ids):
        values = {"reason": reason_text(reason), "due_at": due_at, "tries": _o.tries + 1}
        connection.execute(update(s.outbox).where(_o.id.in_(some)).values(state="failed" if final else "new", **values))
