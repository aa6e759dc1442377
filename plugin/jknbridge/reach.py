"""Which resources belong to a journey, counted over the whole ledger without opening a single body (DESIGN §2.7).

The same link table that gathers one journey (:mod:`jknbridge.ledger.journeys`) is walked here for all of them at
once: a hop is two queries of (start, end) pairs, and a second step starts only where a first one arrived. What is
reached by no journey and was not deleted is an *orphan*: nobody translates it, and a report shows how long it has
waited for its Encounter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Select, and_, func, select

from jknbridge.fhir.links import JOURNEY_LINKS, Hop
from jknbridge.ledger import schema as s


@dataclass(slots=True)
class Resources:
    """Living and deleted resources. ``oldest_orphan``: when the longest waiting orphan first came (epoch seconds)."""

    total: int = 0
    in_journey: int = 0
    orphan: int = 0
    deleted: int = 0
    oldest_orphan: float | None = None
    orphans_by_type: Counter[str] = field(default_factory=Counter)


def resources(connection: Connection) -> Resources:
    """Every resource of the ledger, each counted once."""
    reached = _reached(connection)
    found = Resources()
    r = s.resource.c
    for row in connection.execute(select(r.id, r.type, r.deleted, r.first_seen)):
        found.total += 1
        if row.deleted:
            found.deleted += 1
        elif row.type in JOURNEY_LINKS or row.id in reached:
            found.in_journey += 1
        else:
            found.orphan += 1
            found.orphans_by_type[row.type] += 1
            found.oldest_orphan = min(found.oldest_orphan or row.first_seen, row.first_seen)
    return found


def _reached(connection: Connection) -> set[int]:
    """Ids of the resources that the link paths of any anchor lead to."""
    reached: set[int] = set()
    for anchor_type, steps in JOURNEY_LINKS.items():
        anchors = select(s.resource.c.id).where(s.resource.c.type == anchor_type)
        here = set(connection.execute(anchors).scalars())
        for step in steps:
            here = {end for hop in step for start, end in _pairs(connection, hop) if start in here}
            reached |= here
    return reached


def _pairs(connection: Connection, hop: Hop) -> Iterator[tuple[int, int]]:
    """(start, end) resource ids along one hop, by direct and by logical references."""
    for query in (_direct(hop), _logical(hop)):
        for row in connection.execute(query):
            yield (row.named, row.naming) if hop.inbound else (row.naming, row.named)


def _ends(hop: Hop) -> tuple[Any, Any, Select[Any]]:
    """The resource that refers, the one that is referred to, and the query over both and the edge between."""
    naming, named = s.resource.alias("naming"), s.resource.alias("named")
    query = select(naming.c.id.label("naming"), named.c.id.label("named")).where(
        naming.c.id == s.edge.c.resource_id, naming.c.type == hop.from_type, s.edge.c.path == hop.path
    )
    return naming, named, query


def _direct(hop: Hop) -> Select[Any]:
    """``Encounter/enc-1``. A range instead of LIKE, so that the index on targets serves on both databases."""
    _, named, query = _ends(hop)
    target = s.edge.c.target
    return query.where(
        and_(target >= f"{hop.to_type}/", target < f"{hop.to_type}0"),  # "0" follows "/" in ASCII
        named.c.source == s.edge.c.source,
        named.c.type == hop.to_type,
        named.c.rid == func.substr(target, len(hop.to_type) + 2),
    )


def _logical(hop: Hop) -> Select[Any]:
    """``Patient?<hmac of an identifier>``."""
    _, named, query = _ends(hop)
    target = s.edge.c.target
    return query.where(
        and_(target >= f"{hop.to_type}?", target < f"{hop.to_type}@"),  # "@" follows "?" in ASCII
        s.alias.c.source == s.edge.c.source,
        s.alias.c.identifier_hmac == func.substr(target, len(hop.to_type) + 2),
        s.alias.c.resource_id == named.c.id,
        named.c.type == hop.to_type,
    )
