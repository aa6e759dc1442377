"""Data keys as the writer thread sees them: one per patient, made when the first resource of that patient arrives.

A key made inside a transaction that is rolled back must not be remembered, so new ones wait until the commit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select

from jknbridge.ledger.schema import data_key
from jknbridge.ledger.sql import chunks
from jknbridge.ledger.vault import Vault

_find = select(data_key.c.id, data_key.c.wrapped).where(data_key.c.owner_hmac == bindparam("owner"))
_by_id = select(data_key.c.wrapped).where(data_key.c.id == bindparam("key"))
_insert = insert(data_key)
_find_many = select(data_key).where(data_key.c.owner_hmac.in_(bindparam("owners", expanding=True)))
_insert_many = insert(data_key).returning(data_key.c.id, sort_by_parameter_order=True)


@dataclass(frozen=True, slots=True)
class DataKey:
    """``id`` ``None`` with ``wrapped`` ``None``: the master key (what belongs to no patient).

    ``destroyed``: the patient was erased; nothing of theirs can be sealed or opened any more.
    """

    id: int | None
    wrapped: bytes | None

    @property
    def destroyed(self) -> bool:
        return self.id is not None and self.wrapped is None


MASTER = DataKey(None, None)


class KeyRing:
    """Data keys by owner, cached. ``owner`` is ``<source>/Patient/<id>`` or ``None``."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._known: dict[str, DataKey] = {}
        self._fresh: dict[str, DataKey] = {}
        self._ids: dict[int, DataKey] = {}

    def of(self, connection: Connection, owner: str | None) -> DataKey:
        if owner is None:
            return MASTER
        hmac = self._vault.hmac("owner", owner)
        key = self._known.get(hmac) or self._fresh.get(hmac)
        if key is None:
            found = connection.execute(_find, {"owner": hmac}).first()
            if found is None:
                wrapped = self._vault.new_key()
                made = connection.execute(_insert, {"owner_hmac": hmac, "wrapped": wrapped})
                assert made.inserted_primary_key is not None
                key = DataKey(made.inserted_primary_key[0], wrapped)
            else:
                key = DataKey(found.id, found.wrapped)
            self._fresh[hmac] = key
        return key

    def prepare(self, connection: Connection, owners: Iterable[str]) -> None:
        """Find or make the keys of many owners with two statements, so that :meth:`of` finds them at hand."""
        wanted = {self._vault.hmac("owner", owner) for owner in owners} - self._known.keys() - self._fresh.keys()
        for some in chunks(sorted(wanted)):
            for row in connection.execute(_find_many, {"owners": some}):
                self._fresh[row.owner_hmac] = DataKey(row.id, row.wrapped)
        rows: list[dict[str, Any]] = [
            {"owner_hmac": hmac, "wrapped": self._vault.new_key()} for hmac in sorted(wanted - self._fresh.keys())
        ]
        if rows:
            ids = connection.execute(_insert_many, rows).scalars()
            for made, key_id in zip(rows, ids, strict=True):
                self._fresh[str(made["owner_hmac"])] = DataKey(key_id, bytes(made["wrapped"]))

    def by_id(self, connection: Connection, key_id: int | None) -> DataKey:
        if key_id is None:
            return MASTER
        key = self._ids.get(key_id)
        if key is None:
            key = DataKey(key_id, connection.execute(_by_id, {"key": key_id}).scalar())
            if key.wrapped is not None:
                self._ids[key_id] = key
        return key

    def committed(self) -> None:
        if len(self._known) > 50_000:
            self._known.clear()
            self._ids.clear()
        self._known |= self._fresh
        self._fresh.clear()

    def rolled_back(self) -> None:
        self._fresh.clear()
        self._ids.clear()

    def forget(self) -> None:
        """After an erasure or a rotation: look everything up again."""
        self._known.clear()
        self._fresh.clear()
        self._ids.clear()
