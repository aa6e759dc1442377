"""Which version is newer: one total order per source, as a text that sorts like it (DESIGN §5 "Newer").

A key is fixed in width and made of digits, full stops and the hexadecimal hash, so that comparing texts compares
versions, in Python, in SQLite and in PostgreSQL (declare the column ``COLLATE "C"`` there and no locale has a say)::

    000000 . 1 000063871588800123000000000000000000 . 0 . 9f86d081884c7d65…
    epoch    |  the source's own key                   |   content hash
             0 missing, 1 given, 2 closing delete      1 for a delete

* **epoch** first: raised in the config after an EMR was restored from a backup (or when ``order`` is changed), it
  restarts the order.
* **the source's own key**: ``lastUpdated`` as an instant (offset applied; 18 digits of fraction count), ``versionId``
  as an integer, or ``arrival``. Missing or unreadable sorts lowest: real servers send opaque versionIds or none, and of
  64,000 foreign resources 41 % had no lastUpdated. :func:`has_key` lets the ledger count them.
* **a delete** wins over content with the same key, because servers repeat the last version's meta in their delete
  events. A delete without a key of its own (a tombstone in a ``versionId`` source) closes the resource: it sorts above
  every version of its epoch, since "lowest" would mean that it never takes effect.
* **the content hash** last. Equal keys with different content are a conflict (:func:`conflicting`): the order is still
  total, so every reader keeps the same one, but somebody should know.

Whatever the order in which versions arrive, and however often, the highest key is the newest: tested by permutation.
Under ``arrival`` that holds as far as the sequence given to :func:`order_key` is the same when a record is read again.
"""

from __future__ import annotations

import re
from datetime import date
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jknbridge.fhir.records import Entry, SourceRules

_MISSING, _GIVEN, _CLOSED = "0", "1", "2"
_WIDTH = 36
_SECONDS_WIDTH, _FRACTION_WIDTH = 18, 18
_EPOCH_WIDTH = 6
_NOTHING = "0" * _WIDTH
_HASH_WIDTH = 64

_instant = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
_integer = re.compile(rf"[0-9]{{1,{_WIDTH}}}")


class Place(Enum):
    """Where a version stands beside the one that is held."""

    NEWEST = "newest"
    SUPERSEDED = "superseded"
    DUPLICATE = "duplicate"


def order_key(entry: Entry, rules: SourceRules, arrival_seq: int) -> str:
    """The entry's place in its source's order, as a text of fixed width.

    ``arrival_seq`` (0 or more) counts entries as they come; only ``order = "arrival"`` reads it.
    """
    own = _own_key(entry, rules, arrival_seq)
    if own is None:
        flag, own = (_CLOSED if entry.deleted else _MISSING), _NOTHING
    else:
        flag = _GIVEN
    return f"{rules.epoch:0{_EPOCH_WIDTH}d}.{flag}{own}.{int(entry.deleted)}.{entry.content_hash}"


def has_key(key: str) -> bool:
    """Whether the source gave the key that its order asks for."""
    return key[_EPOCH_WIDTH + 1] == _GIVEN


def conflicting(one: str, other: str) -> bool:
    """Whether two keys of one resource differ in nothing but the content: a conflict to be counted."""
    return one != other and one[:-_HASH_WIDTH] == other[:-_HASH_WIDTH]


def place(new: str, held: str | None) -> Place:
    """Where the version with key ``new`` stands beside the held one (``None``: nothing is held).

    The same content seen again is a duplicate whenever its key is equal, and under ``arrival`` never by key: compare
    the hashes there.
    """
    if held is None or new > held:
        return Place.NEWEST
    return Place.DUPLICATE if new == held else Place.SUPERSEDED


def _own_key(entry: Entry, rules: SourceRules, arrival_seq: int) -> str | None:
    if rules.order == "arrival":
        return f"{arrival_seq:0{_WIDTH}d}"
    if rules.order == "versionId":
        version = entry.version_id
        return version.zfill(_WIDTH) if version is not None and _integer.fullmatch(version) else None
    return sortable_instant(entry.last_updated) if entry.last_updated is not None else None


def sortable_instant(text: str) -> str | None:
    """A FHIR instant as 36 digits that sort by time, or ``None`` if it is none.

    Without an offset UTC is assumed, and a date alone is its first moment: wrong by hours at most, and always the same.
    """
    found = _instant.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        days = date(int(year), int(month), int(day)).toordinal()
    except ValueError:
        return None
    seconds = days * 86_400
    if hour is not None:
        if int(hour) > 23 or int(minute) > 59 or int(second) > 60:  # 60: a leap second, allowed by FHIR
            return None
        seconds += int(hour) * 3600 + int(minute) * 60 + int(second)
    if zone is not None and zone != "Z":
        if int(zone[1:3]) > 23 or int(zone[4:6]) > 59:
            return None
        offset = int(zone[1:3]) * 3600 + int(zone[4:6]) * 60
        seconds += -offset if zone[0] == "+" else offset
    # The first day's ordinal is 1, so that no offset makes the count negative.
    return f"{seconds:0{_SECONDS_WIDTH}d}{(fraction or '')[:_FRACTION_WIDTH]:0<{_FRACTION_WIDTH}}"
