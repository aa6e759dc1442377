"""Reading journeys out of the ledger: due ones, and the resources their link paths reach (DESIGN §4 step 3).

One read serves many journeys: two steps of the link table, one query a step and direction, whatever the number of
journeys."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, select

from jknbridge.fhir.links import FAMILY, JOURNEY_LINKS, Hop
from jknbridge.journey import Resource
from jknbridge.ledger import schema as s
from jknbridge.ledger.sql import chunks
from jknbridge.ledger.vault import Vault

Ref = tuple[str, str]  # (source, "Type/id")


@dataclass(slots=True)
class Loaded:
    """One journey with its resources as stored. ``changes``: the count seen, so that a later change is not lost."""

    id: int
    source: str
    anchor: str
    changes: int
    changed_at: float
    facility: str | None = None  # as last translated
    hashes: dict[str, str] = field(default_factory=dict)  # content hash by "Type/id"
    resources: dict[str, Resource] = field(default_factory=dict)  # by "Type/id"
    names: dict[str, str] = field(default_factory=dict)  # logical target → "Type/id"
    key_id: int | None = None  # data key of the patient, for what is derived from this journey
    erased: bool = False


_due = (
    select(s.journey.c.id)
    .where(s.journey.c.due_at <= bindparam("now"), s.journey.c.pruned_at.is_(None))
    .order_by(s.journey.c.due_at)
    .limit(bindparam("most"))
)
_resource_columns = (
    s.resource.c.id,
    s.resource.c.source,
    s.resource.c.type,
    s.resource.c.rid,
    s.resource.c.body_box,
    s.resource.c.deleted,
    s.resource.c.content_hash,
    s.resource.c.key_id,
    s.data_key.c.wrapped,
)


def due(connection: Connection, now: float, most: int) -> list[int]:
    return list(connection.execute(_due, {"now": now, "most": most}).scalars())


def load(connection: Connection, vault: Vault, ids: Sequence[int], types: frozenset[str]) -> list[Loaded]:
    """The journeys with every resource of ``types`` that their links reach."""
    journeys: dict[int, Loaded] = {}
    for some in chunks(ids):
        for row in connection.execute(select(s.journey).where(s.journey.c.id.in_(some))):
            anchor = f"{row.anchor_type}/{row.anchor_id}"
            journeys[row.id] = Loaded(row.id, row.source, anchor, row.changes, row.changed_at, row.facility)
    walk = _Walk(connection, vault, types)
    walk.start(journeys.values())
    return list(journeys.values())


class _Walk:
    """Carries which journeys want which resource while the link table is walked for all of them at once."""

    def __init__(self, connection: Connection, vault: Vault, types: frozenset[str]) -> None:
        self._connection = connection
        self._vault = vault
        self._types = types
        self._rows: dict[Ref, tuple[int, Resource, int | None, bool, str]] = {}

    def start(self, journeys: Iterable[Loaded]) -> None:
        frontier: dict[Ref, list[Loaded]] = defaultdict(list)
        for journey in journeys:
            frontier[journey.source, journey.anchor].append(journey)
        self._fetch(frontier)
        frontier = self._kept(frontier)
        for kind in {anchor.partition("/")[0] for _, anchor in frontier}:
            ours = {ref: wanted for ref, wanted in frontier.items() if ref[1].startswith(f"{kind}/")}
            if kind in FAMILY:
                ours = self._with_family(kind, ours)
            for step in JOURNEY_LINKS[kind]:
                hops = [hop for hop in step if hop.end in self._types]
                ours = self._kept(self._step(hops, ours))

    def _with_family(self, kind: str, ours: dict[Ref, list[Loaded]]) -> dict[Ref, list[Loaded]]:
        """One step up and down ``partOf``: the family members' anchors are seen, their companions are their own."""
        path = FAMILY[kind]
        self._kept(self._step([Hop(kind, path, kind, inbound=False), Hop(kind, path, kind, inbound=True)], ours))
        return ours

    def _step(self, hops: Sequence[Hop], frontier: dict[Ref, list[Loaded]]) -> dict[Ref, list[Loaded]]:
        reached: dict[Ref, list[Loaded]] = defaultdict(list)
        outward = {(hop.from_type, hop.path) for hop in hops if not hop.inbound}
        inward = {(hop.from_type, hop.path) for hop in hops if hop.inbound}
        if outward:
            self._outward(outward, {hop.end for hop in hops}, frontier, reached)
        if inward:
            self._inward(inward, frontier, reached)
        self._fetch(reached)
        return reached

    def _outward(
        self,
        paths: set[tuple[str, str]],
        ends: set[str],
        frontier: dict[Ref, list[Loaded]],
        reached: dict[Ref, list[Loaded]],
    ) -> None:
        by_id = {self._rows[ref][0]: (ref, wanted) for ref, wanted in frontier.items() if ref in self._rows}
        logical: dict[tuple[str, str], list[Loaded]] = defaultdict(list)
        for some in chunks(sorted(by_id)):
            for row in self._connection.execute(_edges_from, {"ids": some}):
                (source, ref), wanted = by_id[row.resource_id]
                if (ref.partition("/")[0], row.path) not in paths:
                    continue
                type_, slash, _ = row.target.partition("/")
                if slash and type_ in ends:
                    reached[source, row.target] += wanted
                elif "?" in row.target:
                    logical[source, row.target] += wanted
        for (source, target), wanted in logical.items():
            for ref in self._resolve(source, target):
                reached[source, ref] += wanted
                for journey in wanted:
                    journey.names[target] = ref

    def _resolve(self, source: str, target: str) -> list[str]:
        type_, _, hmac = target.partition("?")
        query = (
            select(s.resource.c.type, s.resource.c.rid)
            .join(s.alias, s.alias.c.resource_id == s.resource.c.id)
            .where(s.alias.c.source == source, s.alias.c.identifier_hmac == hmac, s.resource.c.type == type_)
        )
        return [f"{row.type}/{row.rid}" for row in self._connection.execute(query)]

    def _inward(
        self, paths: set[tuple[str, str]], frontier: dict[Ref, list[Loaded]], reached: dict[Ref, list[Loaded]]
    ) -> None:
        by_target: dict[str, list[tuple[str, list[Loaded]]]] = defaultdict(list)
        for (source, ref), wanted in frontier.items():
            by_target[ref].append((source, wanted))
            if ref in {name for journey in wanted for name in journey.names.values()} or ref.startswith("Patient/"):
                for alias in self._alias_targets(source, ref):
                    by_target[alias].append((source, wanted))
        for some in chunks(sorted(by_target)):
            for row in self._connection.execute(_edges_to, {"targets": some}):
                if (row.type, row.path) not in paths:
                    continue
                for source, wanted in by_target[row.target]:
                    if source == row.source:
                        reached[source, f"{row.type}/{row.rid}"] += wanted

    def _alias_targets(self, source: str, ref: str) -> list[str]:
        held = self._rows.get((source, ref))
        if held is None:
            return []
        query = select(s.alias.c.identifier_hmac).where(s.alias.c.resource_id == held[0])
        type_ = ref.partition("/")[0]
        return [f"{type_}?{hmac}" for hmac in self._connection.execute(query).scalars()]

    def _fetch(self, wanted: Iterable[Ref]) -> None:
        missing: dict[tuple[str, str], list[str]] = defaultdict(list)
        for source, ref in wanted:
            if (source, ref) not in self._rows:
                type_, _, rid = ref.partition("/")
                missing[source, type_].append(rid)
        for (source, type_), ids in missing.items():
            for some in chunks(ids):
                for row in self._connection.execute(_resources, {"source": source, "type": type_, "rids": some}):
                    self._rows[source, f"{type_}/{row.rid}"] = self._opened(row)

    def _opened(self, r: Any) -> tuple[int, Resource, int | None, bool, str]:
        erased = r.key_id is not None and r.wrapped is None
        content = None if r.deleted or erased or r.body_box is None else self._vault.open(r.body_box, r.wrapped)
        return r.id, Resource(r.source, r.type, r.rid, content), r.key_id, erased, r.content_hash

    def _kept(self, frontier: dict[Ref, list[Loaded]]) -> dict[Ref, list[Loaded]]:
        """Hand each fetched resource to the journeys that want it; what the ledger does not hold drops out."""
        kept: dict[Ref, list[Loaded]] = {}
        for (source, ref), wanted in frontier.items():
            row = self._rows.get((source, ref))
            if row is None:
                continue
            _, resource, key_id, erased, content_hash = row
            new = [journey for journey in {j.id: j for j in wanted}.values() if ref not in journey.resources]
            for journey in new:
                journey.resources[ref] = resource
                journey.hashes[ref] = content_hash
                if key_id is not None and (journey.key_id is None or ref == journey.anchor):
                    journey.key_id, journey.erased = key_id, erased
            kept[source, ref] = new if ref not in {j.anchor for j in wanted} else list(wanted)
        return kept


_edges_from = select(s.edge.c.resource_id, s.edge.c.path, s.edge.c.target).where(
    s.edge.c.resource_id.in_(bindparam("ids", expanding=True))
)
_edges_to = (
    select(s.edge.c.source, s.edge.c.path, s.edge.c.target, s.resource.c.type, s.resource.c.rid)
    .join(s.resource, s.resource.c.id == s.edge.c.resource_id)
    .where(s.edge.c.target.in_(bindparam("targets", expanding=True)))
)
_resources = (
    select(*_resource_columns)
    .outerjoin(s.data_key, s.data_key.c.id == s.resource.c.key_id)
    .where(
        s.resource.c.source == bindparam("source"),
        s.resource.c.type == bindparam("type"),
        s.resource.c.rid.in_(bindparam("rids", expanding=True)),
    )
)
