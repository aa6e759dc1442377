"""Small helpers over SQLAlchemy Core that both databases take: upserts, cached updates, chunks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Connection, Table, bindparam, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Update

T = TypeVar("T")


def upsert(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    keys: Sequence[str],
    change: Sequence[str] = (),
    add: Mapping[str, int] | Sequence[str] = (),
) -> None:
    """Insert ``rows``; where ``keys`` exist, overwrite ``change`` and add to the counters ``add``; else do nothing."""
    if rows:
        connection.execute(_upsert(connection.dialect.name, table, tuple(keys), tuple(change), tuple(add)), list(rows))


@cache
def _upsert(dialect: str, table: Table, keys: tuple[str, ...], change: tuple[str, ...], add: tuple[str, ...]) -> Any:
    make = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = make(table)
    if not change and not add:
        return statement.on_conflict_do_nothing(index_elements=list(keys))
    values: dict[str, Any] = {name: statement.excluded[name] for name in change}
    values |= {name: table.c[name] + statement.excluded[name] for name in add}
    return statement.on_conflict_do_update(index_elements=list(keys), set_=values)


def update_by_id(connection: Connection, table: Table, row_id: Any, values: Mapping[str, Any]) -> None:
    """One row by its ``id``. The statement for a set of columns is built once."""
    connection.execute(_update(table, tuple(sorted(values))), {"_id": row_id, **values})


@cache
def _update(table: Table, columns: tuple[str, ...]) -> Update:
    return update(table).where(table.c.id == bindparam("_id")).values({name: bindparam(name) for name in columns})


def chunks(items: Sequence[T], size: int = 400) -> Iterator[Sequence[T]]:
    """Pieces small enough for one IN list on either database."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
