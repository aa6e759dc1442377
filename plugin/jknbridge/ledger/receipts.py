"""Living receipts of journeys, as translation reads them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, bindparam, select

from jknbridge.ledger import schema as s
from jknbridge.ledger.sql import chunks
from jknbridge.ledger.vault import Vault

_query = (
    select(
        s.submission.c.journey_id, s.submission.c.key, s.receipt.c.kind, s.receipt.c.values_box, s.data_key.c.wrapped
    )
    .join(s.submission, s.submission.c.id == s.receipt.c.submission_id)
    .outerjoin(s.data_key, s.data_key.c.id == s.receipt.c.key_id)
    .where(s.submission.c.journey_id.in_(bindparam("ids", expanding=True)), s.receipt.c.ended_at.is_(None))
)


def of_journeys(
    connection: Connection, vault: Vault, ids: Sequence[int]
) -> dict[int, dict[tuple[str, str], Mapping[str, str]]]:
    """Journey → (receipt kind, key) → values."""
    found: dict[int, dict[tuple[str, str], Mapping[str, str]]] = defaultdict(dict)
    for some in chunks(ids):
        for row in connection.execute(_query, {"ids": some}):
            found[row.journey_id][row.kind, row.key] = vault.open(row.values_box, row.wrapped)
    return found
