"""One Kafka record in, its resource versions out: :func:`decode` (DESIGN §4 step 1).

Nothing disappears: a record is decoded or dead-lettered; each entry of a decoded record (a bare resource is one entry,
a Bundle has many) becomes an :class:`Entry`, an :class:`Ignored` or a :class:`DeadEntry`. Which entries are newest,
superseded or duplicate is for the ledger to say, by :mod:`~jknbridge.fhir.order`. So the sums of DESIGN §2.7 add up::

    records = decoded + dead-lettered
    entries = newest + superseded + duplicate + ignored + dead-lettered

``decode`` is pure and never raises, whatever the bytes: a record that shows a defect of this program is dead-lettered
under ``record.defect`` too, because one record must not stop a topic.

Not for: judging FHIR. Type, id, the references in :mod:`~jknbridge.fhir.links` and the shape of ``status`` are judged;
unknown fields, DSTU2 and R5 shapes are kept as they came.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from jknbridge.fhir import bundle as bundles
from jknbridge.fhir import envelope
from jknbridge.fhir.content import DELETED_HASH, content_hash, identifiers
from jknbridge.fhir.references import LONGEST_ID, Edge, WrongShape, address, edges, is_id, is_type
from jknbridge.reasons import Reason

__all__ = ["DeadEntry", "Decoded", "Entry", "Ignored", "Limits", "Record", "SourceRules", "TopicRules", "decode"]


@dataclass(frozen=True, slots=True)
class Record:
    """One record as the broker gave it. ``timestamp_ms`` is negative where the broker has none."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None = field(repr=False)
    headers: tuple[tuple[str, bytes], ...] = field(repr=False)
    timestamp_ms: int


@dataclass(frozen=True, slots=True)
class TopicRules:
    """How one topic is declared. ``key_is_resource``: its record key is ``Type/id`` or, with ``type`` given, a bare
    id."""

    key_is_resource: bool = False
    type: str | None = None


@dataclass(frozen=True, slots=True)
class SourceRules:
    """One FHIR server whose topics we read: ``[sumber.<name>]`` of the config, as far as decoding needs it.

    ``wanted_types``: what any adapter reads; other types are counted and dropped. ``order`` and ``epoch``: see
    :mod:`~jknbridge.fhir.order`. ``delete_event_types``: the last word of a CloudEvents type that means "deleted"
    (``org.emr.encounter.deleted``; ``undeleted`` is another word).
    """

    name: str
    wanted_types: frozenset[str]
    order: Literal["lastUpdated", "versionId", "arrival"] = "lastUpdated"
    epoch: int = 0
    topics: Mapping[str, TopicRules] = field(default_factory=dict)
    delete_event_types: tuple[str, ...] = ("deleted",)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one record may be. 8 MiB takes in a Bundle of a long inpatient stay; deeper nesting than 64 is no FHIR we
    know."""

    max_bytes: int = 8 * 1024 * 1024
    max_depth: int = 64
    max_entries: int = 10_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One resource version, or its delete. ``last_updated`` as given, ``version_id`` without the ETag's quotes.

    ``identifiers`` are ``"system|value"``; ``content`` is ``None`` for a delete. Patient data: it has no readable
    ``repr``.
    """

    type: str
    id: str
    deleted: bool
    version_id: str | None
    last_updated: str | None
    content: dict[str, Any] | None = field(repr=False)
    content_hash: str
    references: tuple[Edge, ...] = field(repr=False)
    identifiers: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ignored:
    """An entry that is none of our business, and why.

    ``type``: a type that no adapter reads. ``tombstone``: on a topic whose key is no resource. ``notification``: the
    status of a Subscription notification. ``request``: a GET of a batch. ``response``: an answer without a resource.
    """

    reason: Literal["type", "tombstone", "notification", "request", "response"]


@dataclass(frozen=True, slots=True)
class DeadEntry:
    """One bad entry of a good Bundle: why, and the entry as JSON bytes for the dead-letter topic."""

    reason: Reason
    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Decoded:
    """What one record came to. With ``dead_record`` the whole record is dead-lettered and there is nothing else."""

    entries: tuple[Entry, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    dead_entries: tuple[DeadEntry, ...] = ()
    dead_record: Reason | None = None


class _Refused(Exception):
    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.code)
        self.reason = reason


_DEFAULT_LIMITS = Limits()
_not_a_letter = re.compile(r"[^A-Za-z]+")


def decode(record: Record, source: SourceRules, limits: Limits = _DEFAULT_LIMITS) -> Decoded:
    """What the record says, as entries. Never raises."""
    try:
        return _decode(record, source, limits)
    except _Refused as refused:
        return Decoded(dead_record=refused.reason)
    except Exception as defect:
        return Decoded(dead_record=Reason.of("record.defect", error=type(defect).__name__))


def _decode(record: Record, source: SourceRules, limits: Limits) -> Decoded:
    event = envelope.open_event(record.value, record.headers, limits.max_bytes, limits.max_depth)
    if isinstance(event, Reason):
        return Decoded(dead_record=event)
    if event.type and _not_a_letter.split(event.type)[-1].lower() in source.delete_event_types:
        return _one(_deleted_by_event(event, record, source), source)
    if event.body is None:
        if event.type is not None:
            return Decoded(dead_record=Reason.of("cloudevent.no_data"))
        return _tombstone(record, source)
    if event.body.get("resourceType") == "Bundle":
        return _bundle(event.body, record, source, limits)
    if envelope.deeper_than(event.body, limits.max_depth):
        return Decoded(dead_record=Reason.of("record.too_deep", limit=limits.max_depth))
    return _one(_Version.bare(event.body), source)


@dataclass(frozen=True, slots=True)
class _Version:
    """What is known of one version before it is judged."""

    type: str
    id: object
    deleted: bool
    content: dict[str, Any] | None
    version_id: object = None
    last_updated: object = None

    @classmethod
    def bare(cls, resource: dict[str, Any]) -> _Version:
        return cls(_type_of(resource), resource.get("id"), False, resource)


def _one(version: _Version, source: SourceRules) -> Decoded:
    if version.type not in source.wanted_types:
        return Decoded(ignored=(Ignored("type"),))
    return Decoded(entries=(_entry(version, None),))


def _entry(version: _Version, known: Mapping[str, str] | None) -> Entry:
    """The judged entry; raises :class:`_Refused`."""
    if version.id is None:
        raise _Refused(Reason.of("resource.no_id", type=version.type))
    if not isinstance(version.id, str) or not is_id(version.id):
        raise _Refused(Reason.of("resource.bad_id", type=version.type, limit=LONGEST_ID))
    content = version.content
    meta = content.get("meta") if content is not None else None
    if not isinstance(meta, dict):
        meta = {}
    version_id = _word(meta.get("versionId")) or _word(version.version_id)
    last_updated = _word(meta.get("lastUpdated")) or _word(version.last_updated)
    if version.deleted:
        # The event itself says when it was deleted; meta, if any, is the last version's.
        version_id = _word(version.version_id) or version_id
        last_updated = _word(version.last_updated) or last_updated
        return Entry(version.type, version.id, True, version_id, last_updated, None, DELETED_HASH, (), ())
    assert content is not None
    status = content.get("status")
    if status is not None and not isinstance(status, str):
        raise _Refused(Reason.of("resource.bad_shape", path=f"{version.type}.status", expected="code"))
    if "id" not in content:
        content = {**content, "id": version.id}
    try:
        references = edges(content, known)
    except WrongShape as wrong:
        path = f"{version.type}.{wrong.path}"
        raise _Refused(Reason.of("resource.bad_shape", path=path, expected=wrong.expected)) from None
    try:
        digest = content_hash(content)
    except ValueError:  # UnicodeEncodeError is one too
        raise _Refused(Reason.of("record.unstorable")) from None
    return Entry(
        version.type, version.id, False, version_id, last_updated, content, digest, references, identifiers(content)
    )


def _type_of(resource: Mapping[str, Any]) -> str:
    type_ = resource.get("resourceType")
    if type_ is None:
        raise _Refused(Reason.of("resource.not_fhir"))
    if not isinstance(type_, str) or not is_type(type_):
        raise _Refused(Reason.of("resource.bad_type"))
    return type_


def _word(value: object) -> str | None:
    """A short printable text as it was given, else ``None``: it becomes a column, and a key that nobody can read is
    none."""
    return value if isinstance(value, str) and 0 < len(value) <= 200 and value.isprintable() else None


# -- deletes ----------------------------------------------------------------------------------------------------------


def _deleted_by_event(event: envelope.Event, record: Record, source: SourceRules) -> _Version:
    """A CloudEvent of a delete: its data, its subject or, where declared, the record's key says of what."""
    body = event.body or {}
    if body.get("resourceType") == "Bundle":
        raise _Refused(Reason.of("cloudevent.deleted_bundle"))
    when = event.time or _moment(record)
    if is_type(body.get("resourceType")) and is_id(body.get("id")):
        return _Version(body["resourceType"], body["id"], True, body, last_updated=when)
    named = address(event.subject) or _named_by_key(record, source)
    if named is None:
        raise _Refused(Reason.of("cloudevent.delete_without_id"))
    return _Version(*named, True, None, last_updated=when)


def _tombstone(record: Record, source: SourceRules) -> Decoded:
    rules = source.topics.get(record.topic)
    if rules is None or not rules.key_is_resource:
        return Decoded(ignored=(Ignored("tombstone"),))
    named = _named_by_key(record, source)
    if named is None:
        return Decoded(dead_record=Reason.of("tombstone.bad_key"))
    return _one(_Version(*named, True, None, last_updated=_moment(record)), source)


def _named_by_key(record: Record, source: SourceRules) -> tuple[str, str] | None:
    rules = source.topics.get(record.topic)
    if rules is None or not rules.key_is_resource or record.key is None:
        return None
    key = record.key.decode("utf-8", "replace").strip()
    if named := address(key):
        return named
    return (rules.type, key) if rules.type is not None and is_id(key) else None


def _moment(record: Record) -> str | None:
    """The record's own time as an instant: when a tombstone was written is the only time it has."""
    if not 0 <= record.timestamp_ms < 253_402_300_800_000:
        return None
    moment = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=record.timestamp_ms)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


# -- Bundles ----------------------------------------------------------------------------------------------------------


def _bundle(bundle: dict[str, Any], record: Record, source: SourceRules, limits: Limits) -> Decoded:
    opened = bundles.open_bundle(bundle, source.wanted_types, limits.max_entries)
    if isinstance(opened, Reason):
        return Decoded(dead_record=opened)
    entries: list[Entry] = []
    ignored: list[Ignored] = []
    dead: list[DeadEntry] = []
    for raw in opened.entries:
        try:
            if envelope.deeper_than(raw, limits.max_depth):
                raise _Refused(Reason.of("record.too_deep", limit=limits.max_depth))
            item = bundles.read_entry(raw, opened.kind)
            if isinstance(item, str):
                ignored.append(Ignored(item))
                continue
            if isinstance(item, Reason):
                raise _Refused(item)
            version = _version_of(item, bundle, record)
            if version.type in source.wanted_types:
                entries.append(_entry(version, opened.known))
            else:
                ignored.append(Ignored("type"))
        except _Refused as refused:
            dead.append(DeadEntry(refused.reason, _raw(raw, record)))
    return Decoded(tuple(entries), tuple(ignored), tuple(dead))


def _version_of(item: bundles.Item, bundle: Mapping[str, Any], record: Record) -> _Version:
    if item.resource is not None and not item.deleted:
        return _Version(_type_of(item.resource), item.id, False, item.resource, item.version_id, item.last_modified)
    named = item.named
    if named is None:
        raise _Refused(Reason.of("bundle.delete_without_id"))
    when = _word(item.last_modified) or _word(bundle.get("timestamp")) or _moment(record)
    return _Version(*named, True, item.resource, item.version_id, when)


def _raw(entry: object, record: Record) -> bytes:
    """The entry alone as JSON, for its dead letter; the whole record where even that cannot be written."""
    try:
        return json.dumps(entry, separators=(",", ":")).encode()
    except (RecursionError, ValueError):
        return record.value or b""
