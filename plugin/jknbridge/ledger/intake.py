"""Records in: newest versions, dead letters, sums and offsets in one transaction (DESIGN §2.1, §4 step 2).

Nothing is translated here: a stored change only makes journeys due. Reading the same offsets again changes nothing,
so a rebalance, a crash before Kafka's commit or a reset consumer group is harmless."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from jknbridge.compact import dumps
from jknbridge.fhir.links import FAMILY, JOURNEY_LINKS, Hop, chains
from jknbridge.fhir.order import Place, conflicting, order_key, place
from jknbridge.fhir.records import Decoded, Entry, Record, SourceRules
from jknbridge.ledger import schema as s
from jknbridge.ledger.keyring import KeyRing
from jknbridge.ledger.sql import chunks, upsert
from jknbridge.ledger.vault import Vault
from jknbridge.reasons import Reason

Headers = Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Taken:
    """One record with what decoding made of it. ``rules`` of its source; ``None`` for a topic nobody declared."""

    record: Record
    decoded: Decoded
    rules: SourceRules


@dataclass(slots=True)
class Intake:
    """What one batch came to, for logs and tests. ``due``: whether any journey has something to translate now."""

    sequence: int = 0
    due: bool = False
    sums: Counter[tuple[str, str]] = field(default_factory=Counter)


_offsets = select(s.source_offset.c.next_offset).where(
    s.source_offset.c.topic == bindparam("t"), s.source_offset.c.partition == bindparam("p")
)
_held = select(s.resource.c.id, s.resource.c.rid, s.resource.c.order_key, s.resource.c.content_hash)
_insert_resource = insert(s.resource).returning(s.resource.c.id, sort_by_parameter_order=True)
_replace = (
    update(s.resource)
    .where(s.resource.c.id == bindparam("_id"))
    .values(
        {name: bindparam(name) for name in ("order_key", "content_hash", "deleted", "body_box", "key_id", "last_seen")}
    )
)
_touch = update(s.resource).where(s.resource.c.id == bindparam("_id")).values(last_seen=bindparam("last_seen"))
_drop_edges = delete(s.edge).where(s.edge.c.resource_id == bindparam("_id"))
_drop_aliases = delete(s.alias).where(s.alias.c.resource_id == bindparam("_id"))
_insert_edge, _insert_alias = insert(s.edge), insert(s.alias)
_due = (
    update(s.journey)
    .where(
        s.journey.c.source == bindparam("_source"),
        s.journey.c.anchor_type == bindparam("_type"),
        s.journey.c.anchor_id == bindparam("_rid"),
    )
    .values(due_at=bindparam("due_at"), changed_at=bindparam("due_at"), changes=s.journey.c.changes + 1)
)
_logical_types = frozenset({"Patient", "Practitioner", "Organization", "Location", "Encounter"})


def take_in(
    connection: Connection,
    batch: Sequence[Taken],
    *,
    vault: Vault,
    keys: KeyRing,
    now: float,
    day: str,
    dead_headers: Callable[[Record, Reason], Headers],
) -> Intake:
    """Store a batch. Records whose offset the ledger already has are skipped without a count."""
    result = Intake(sequence=_next_sequence(connection))
    fresh = _unseen(connection, batch)
    entries: list[tuple[SourceRules, Entry, int]] = []
    for taken in fresh:
        source = taken.rules.name
        result.sums[source, "records.in"] += 1
        if taken.decoded.dead_record is not None:
            result.sums[source, "records.dead_lettered"] += 1
            _bury(connection, vault, taken, None, taken.decoded.dead_record, taken.record.value, now, dead_headers)
            continue
        result.sums[source, "records.decoded"] += 1
        parts = taken.decoded.entries, taken.decoded.ignored, taken.decoded.dead_entries
        result.sums[source, "entries.in"] += sum(map(len, parts))
        for ignored in taken.decoded.ignored:
            result.sums[source, "entries.ignored"] += 1
            result.sums[source, f"ignored.{ignored.reason}"] += 1
        for index, dead in enumerate(taken.decoded.dead_entries):
            result.sums[source, "entries.dead_lettered"] += 1
            _bury(connection, vault, taken, index, dead.reason, dead.raw, now, dead_headers)
        base = (result.sequence << 24) + len(entries)  # counted on: a Bundle may hold any number of entries
        entries += [(taken.rules, entry, base + index) for index, entry in enumerate(taken.decoded.entries)]
    changed = _store(connection, entries, vault, keys, now, result.sums)
    result.due = _make_due(connection, changed, now)
    _advance(connection, fresh, result.sequence)
    count(connection, result.sums, day)
    return result


def count(connection: Connection, sums: Mapping[tuple[str, str], int], day: str) -> None:
    """Add to the tally of a day (UTC)."""
    rows = [{"day": day, "source": source, "name": name, "n": n} for (source, name), n in sums.items() if n]
    upsert(connection, s.tally, rows, ("day", "source", "name"), add=("n",))


def _next_sequence(connection: Connection) -> int:
    row = connection.execute(select(s.meta.c.value).where(s.meta.c.name == "sequence")).scalar_one()
    sequence = int(row) + 1
    connection.execute(update(s.meta).where(s.meta.c.name == "sequence").values(value=str(sequence)))
    return sequence


def _unseen(connection: Connection, batch: Sequence[Taken]) -> list[Taken]:
    known: dict[tuple[str, int], int] = {}
    fresh = []
    for taken in batch:
        place_ = (taken.record.topic, taken.record.partition)
        if place_ not in known:
            known[place_] = connection.execute(_offsets, {"t": place_[0], "p": place_[1]}).scalar() or 0
        if taken.record.offset >= known[place_]:
            known[place_] = taken.record.offset + 1
            fresh.append(taken)
    return fresh


def _advance(connection: Connection, batch: Iterable[Taken], sequence: int) -> None:
    ends = {(t.record.topic, t.record.partition): t.record.offset + 1 for t in batch}
    rows = [
        {"topic": topic, "partition": partition, "next_offset": end, "sequence": sequence}
        for (topic, partition), end in ends.items()
    ]
    upsert(connection, s.source_offset, rows, ("topic", "partition"), ("next_offset", "sequence"))


def _bury(
    connection: Connection,
    vault: Vault,
    taken: Taken,
    index: int | None,
    reason: Reason,
    raw: bytes | None,
    now: float,
    dead_headers: Callable[[Record, Reason], Headers],
) -> None:
    """A dead letter: the original bytes leave through the outbox for ``<topic>-dlt``; the reason stays here too."""
    record = taken.record
    put_out(connection, vault, f"{record.topic}-dlt", record.key, raw, dead_headers(record, reason), now)
    connection.execute(
        insert(s.dead_letter),
        {
            "source": taken.rules.name,
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "entry": index,
            "reason": dumps(reason.to_json()).decode(),
            "at": now,
        },
    )


_insert_outbox = insert(s.outbox)


def put_out(
    connection: Connection,
    vault: Vault,
    topic: str,
    key: bytes | None,
    value: bytes | None,
    headers: Headers,
    now: float,
) -> None:
    """One row for the publisher, in the caller's transaction. Headers carry no patient data and stand in the open."""
    connection.execute(
        _insert_outbox,
        {
            "topic": topic,
            "key_box": None if key is None else vault.seal_bytes(key, None),  # a stranger's key may be a card number
            "value_box": None if value is None else vault.seal_bytes(value, None),
            "headers": dumps([[name, data.hex()] for name, data in headers]).decode(),
            "created_at": now,
        },
    )


# --- resources -------------------------------------------------------------------------------------------------------


def _store(
    connection: Connection,
    entries: Sequence[tuple[SourceRules, Entry, int]],
    vault: Vault,
    keys: KeyRing,
    now: float,
    sums: Counter[tuple[str, str]],
) -> list[tuple[str, Entry, list[str]]]:
    """Keep the newest of each resource. Returns (source, entry, patients before) of those that changed."""
    held = _read_held(connection, entries)
    winners: dict[tuple[str, str, str], tuple[SourceRules, Entry, str]] = {}
    touched: set[int] = set()
    for rules, entry, arrival in entries:
        name = (rules.name, entry.type, entry.id)
        new = order_key(entry, rules, arrival)
        row_id, old, old_hash = held.get(name, (None, None, None))
        where = place(new, old)
        if where is Place.NEWEST and old_hash == entry.content_hash and rules.order == "arrival":
            where = Place.DUPLICATE
        if old is not None and conflicting(new, old):
            sums[rules.name, "entries.conflict"] += 1
        sums[rules.name, f"entries.{where.value}"] += 1
        if where is Place.NEWEST:
            held[name] = (row_id, new, entry.content_hash)
            winners[name] = (rules, entry, new)
        elif row_id is not None:
            touched.add(row_id)
    changed = list(winners.items())
    old_ids = [held[name][0] for name, _ in changed if held[name][0] is not None]
    before = _patients_before(connection, [i for i in old_ids if i is not None])
    _write(connection, [(name, *winner, held[name][0]) for name, winner in changed], vault, keys, now)
    if touched:
        connection.execute(_touch, [{"_id": row_id, "last_seen": now} for row_id in touched])
    return [(rules.name, entry, before.get(held[name][0] or -1, [])) for name, (rules, entry, _) in changed]


def _read_held(
    connection: Connection, entries: Sequence[tuple[SourceRules, Entry, int]]
) -> dict[tuple[str, str, str], tuple[int | None, str | None, str | None]]:
    wanted: dict[tuple[str, str], set[str]] = defaultdict(set)
    for rules, entry, _ in entries:
        wanted[rules.name, entry.type].add(entry.id)
    held: dict[tuple[str, str, str], tuple[int | None, str | None, str | None]] = {}
    for (source, type_), ids in wanted.items():
        for some in chunks(sorted(ids)):
            query = _held.where(s.resource.c.source == source, s.resource.c.type == type_, s.resource.c.rid.in_(some))
            for row in connection.execute(query):
                held[source, type_, row.rid] = (row.id, row.order_key, row.content_hash)
    return held


def _patients_before(connection: Connection, ids: Sequence[int]) -> dict[int, list[str]]:
    """What the superseded versions referred to, so that a journey a resource *left* becomes due as well."""
    found: dict[int, list[str]] = defaultdict(list)
    for some in chunks(ids):
        for row in connection.execute(
            select(s.edge.c.resource_id, s.edge.c.target).where(s.edge.c.resource_id.in_(some))
        ):
            found[row.resource_id].append(row.target)
    return found


Change = tuple[tuple[str, str, str], SourceRules, Entry, str, int | None]


def _write(connection: Connection, changes: Sequence[Change], vault: Vault, keys: KeyRing, now: float) -> None:
    """Store changed versions with their edges and aliases: a handful of statements, however many there are."""
    targets = [[(e.path, stored_target(vault, e.target)) for e in change[2].references] for change in changes]
    owners = [_owner(*change[0], edges) for change, edges in zip(changes, targets, strict=True)]
    keys.prepare(connection, {owner for owner in owners if owner})
    new, old, ids = [], [], [change[4] for change in changes]
    for (name, _, entry, key, row_id), owner in zip(changes, owners, strict=True):
        data_key = keys.of(connection, owner)
        erased = data_key.destroyed
        values = {
            "order_key": key,
            "content_hash": entry.content_hash,
            "deleted": entry.deleted or erased,
            "body_box": None if entry.content is None or erased else vault.seal(entry.content, data_key.wrapped),
            "key_id": data_key.id,
            "last_seen": now,
        }
        if row_id is None:
            new.append({**values, "source": name[0], "type": name[1], "rid": name[2], "first_seen": now})
        else:
            old.append({**values, "_id": row_id})
    if old:
        connection.execute(_replace, old)
        # A delete does not say where the resource belonged: its marker stays in the journeys it was in.
        changed = [{"_id": change[4]} for change in changes if change[4] is not None and not change[2].deleted]
        if changed:
            connection.execute(_drop_edges, changed)
            connection.execute(_drop_aliases, changed)
    made = iter(connection.execute(_insert_resource, new).scalars().all() if new else ())
    edge_rows, alias_rows = [], []
    for (name, _, entry, _, _), known, edges in zip(changes, ids, targets, strict=True):
        row_id = known if known is not None else next(made)
        edge_rows += [{"resource_id": row_id, "source": name[0], "path": p, "target": t} for p, t in edges]
        if name[1] in _logical_types:
            aliases = sorted({vault.hmac("identifier", token)[:40] for token in entry.identifiers})
            alias_rows += [{"source": name[0], "identifier_hmac": a, "resource_id": row_id} for a in aliases]
    if edge_rows:
        connection.execute(_insert_edge, edge_rows)
    if alias_rows:
        connection.execute(_insert_alias, alias_rows)


def stored_target(vault: Vault, target: str) -> str:
    """A reference as an edge stores it: a logical one holds a personal identifier, so its HMAC stands for it."""
    type_, mark, token = target.partition("?identifier=")
    return f"{type_}?{vault.hmac('identifier', token)[:40]}" if mark else target


def _owner(source: str, type_: str, rid: str, targets: Sequence[tuple[str, str]]) -> str | None:
    if type_ == "Patient":
        return f"{source}/Patient/{rid}"
    patient = next((target for _, target in targets if target.startswith("Patient")), None)
    return f"{source}/{patient}" if patient else None


# --- which journeys are due ------------------------------------------------------------------------------------------


def _make_due(connection: Connection, changed: Sequence[tuple[str, Entry, list[str]]], now: float) -> bool:
    """Make every journey due that a changed resource belongs to, belonged to, or starts."""
    by_type: dict[tuple[str, str], list[tuple[Entry, list[str]]]] = defaultdict(list)
    for source, entry, before in changed:
        by_type[source, entry.type].append((entry, before))
    anchors: set[tuple[str, str, str]] = set()
    fresh = []
    for (source, type_), group in by_type.items():
        own = {f"{entry.type}/{entry.id}" for entry, _ in group}
        targets = {t for entry, before in group for t in (*(e.target for e in entry.references), *before)}
        if type_ in JOURNEY_LINKS:
            fresh += [
                {"source": source, "anchor_type": type_, "anchor_id": e.id, "changed_at": now, "due_at": now}
                for e, _ in group
            ]
            anchors |= {(source, type_, entry.id) for entry, _ in group}
        for anchor_type in JOURNEY_LINKS:
            reached = {t for t in targets if type_ == anchor_type in FAMILY and t.startswith(f"{anchor_type}/")}
            for chain in chains(anchor_type, type_):
                reached |= _back(connection, source, chain, own, targets)
            anchors |= {
                (source, anchor_type, ref.partition("/")[2]) for ref in reached if ref.startswith(f"{anchor_type}/")
            }
    upsert(connection, s.journey, fresh, ("source", "anchor_type", "anchor_id"))
    if anchors:
        connection.execute(_due, [{"_source": a, "_type": b, "_rid": c, "due_at": now} for a, b, c in sorted(anchors)])
    return bool(anchors)


def _back(connection: Connection, source: str, chain: Sequence[Hop], own: set[str], targets: set[str]) -> set[str]:
    """Walk one chain of hops backwards from changed resources (all of one type) to the anchors it leads to."""
    last = chain[-1]
    if last.inbound:
        reached = {t for t in targets if t.startswith(f"{last.start}/")}
    else:
        reached = _referrers(connection, source, last, own)
    if len(chain) == 2 and reached:
        walk = _targets_of if chain[0].inbound else _referrers
        reached = walk(connection, source, chain[0], reached)
    return reached


def _referrers(connection: Connection, source: str, hop: Hop, references: set[str]) -> set[str]:
    """Resources of the hop's from type that refer along its path to any of ``references``."""
    found: set[str] = set()
    for some in chunks(sorted(references | _aliases(connection, source, references))):
        query = (
            select(s.resource.c.rid)
            .join(s.edge, s.edge.c.resource_id == s.resource.c.id)
            .where(s.edge.c.target.in_(some), s.edge.c.source == source, s.edge.c.path == hop.path)
            .where(s.resource.c.type == hop.from_type)
        )
        found |= {f"{hop.from_type}/{rid}" for rid in connection.execute(query).scalars()}
    return found


def _aliases(connection: Connection, source: str, references: set[str]) -> set[str]:
    """How logical references name the same resources."""
    found: set[str] = set()
    for type_, ids in _by_type(references).items():
        for some in chunks(ids) if type_ in _logical_types else ():
            query = (
                select(s.alias.c.identifier_hmac)
                .join(s.resource, s.resource.c.id == s.alias.c.resource_id)
                .where(s.resource.c.source == source, s.resource.c.type == type_, s.resource.c.rid.in_(some))
            )
            found |= {f"{type_}?{hmac}" for hmac in connection.execute(query).scalars()}
    return found


def _targets_of(connection: Connection, source: str, hop: Hop, references: set[str]) -> set[str]:
    """What the given resources refer to along the hop's path."""
    found: set[str] = set()
    for some in chunks(_by_type(references).get(hop.from_type, [])):
        query = (
            select(s.edge.c.target)
            .join(s.resource, s.edge.c.resource_id == s.resource.c.id)
            .where(s.resource.c.source == source, s.resource.c.type == hop.from_type, s.resource.c.rid.in_(some))
            .where(s.edge.c.path == hop.path)
        )
        found |= set(connection.execute(query).scalars())
    return found


def _by_type(references: Iterable[str]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = defaultdict(list)
    for ref in sorted(references):
        type_, _, rid = ref.partition("/")
        grouped[type_].append(rid)
    return grouped
