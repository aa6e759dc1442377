"""Files for ``plan`` as the records they would be on a topic: a resource, a Bundle, NDJSON, a CloudEvent (DESIGN §4
step 1).

Each is decoded by the same :func:`jknbridge.fhir.records.decode` that reads Kafka. Nothing is judged here.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from jknbridge.fhir import envelope
from jknbridge.fhir.records import Decoded, Limits, Record, SourceRules, decode
from jknbridge.fhir.references import address
from jknbridge.reasons import Reason

TOPIC = "(plan)"
"""The topic of what was read from files: no broker allows the name, so no stored offset stands in the way."""

_LINES = (".ndjson", ".jsonl")


@dataclass(frozen=True, slots=True)
class Source:
    """A file's bytes under the name a person gave it."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Piece:
    """One record with what decoding made of it. ``line``: of an NDJSON file. ``ignored_types``: type → how many of it
    no adapter reads."""

    file: str
    line: int | None
    record: Record
    decoded: Decoded
    ignored_types: Mapping[str, int]


def pieces(sources: Sequence[Source], rules: SourceRules, limits: Limits) -> list[Piece]:
    """Every record of every file, in the order in which they were named."""
    found = []
    for number, source in enumerate(sources):
        for offset, (line, value) in enumerate(split(source)):
            record = Record(TOPIC, number, offset, None, value, (), -1)
            ignored = Counter(type_ for type_ in _types(value, limits) if type_ not in rules.wanted_types)
            found.append(Piece(source.name, line, record, decode(record, rules, limits), ignored))
    return found


def split(source: Source) -> list[tuple[int | None, bytes]]:
    """One record, or one for each line where the file is NDJSON by its name or by its looks."""
    lines = [(n, line) for n, line in enumerate(source.data.splitlines(), 1) if line.strip()]
    if PurePath(source.name).suffix.lower() in _LINES:
        return list(lines)
    if not _is_json(source.data) and len(lines) > 1 and _is_json(lines[0][1]):
        return list(lines)
    return [(None, source.data)]


def _is_json(data: bytes) -> bool:
    try:
        return isinstance(json.loads(data), dict)
    except (ValueError, RecursionError):
        return False


def _types(value: bytes, limits: Limits) -> Iterator[str]:
    """The resource types a record speaks of, so that what is ignored can be named."""
    event = envelope.open_event(value, (), limits.max_bytes, limits.max_depth)
    body = None if isinstance(event, Reason) else event.body
    if body is None:
        return
    if body.get("resourceType") != "Bundle":
        yield from _named(body)
        return
    entries = body.get("entry")
    for entry in entries if isinstance(entries, list) else ():
        if not isinstance(entry, Mapping):
            continue
        if isinstance(resource := entry.get("resource"), Mapping):
            yield from _named(resource)
        elif isinstance(request := entry.get("request"), Mapping) and (named := address(request.get("url"))):
            yield named[0]


def _named(resource: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(type_ := resource.get("resourceType"), str):
        yield type_[:64]
