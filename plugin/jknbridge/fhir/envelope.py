"""The bytes of a record opened: JSON, or a CloudEvent around it (DESIGN §4 step 1).

===============================  ======================================================================================
what came                        how it is known
===============================  ======================================================================================
CloudEvent, binary mode          headers ``ce_…``; the value is the data
CloudEvent, structured mode      ``content-type: application/cloudevents+json``, or an object with ``specversion`` and
                                 no ``resourceType``; the data is in ``data`` (object or text) or ``data_base64``
a resource                       any other JSON object
a tombstone                      no value at all (and no ``ce_`` headers)
===============================  ======================================================================================

Strict where silence would cost data: UTF-8 only (a byte order mark is skipped), JSON as the RFC has it (no ``NaN``),
one object. A repeated key keeps its last value, as every reader downstream would have it. Not for what the object
means.

Source: CloudEvents 1.0, Kafka protocol binding §3.2 and §3.3.
"""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import dataclass, field
from typing import Any, NoReturn

from jknbridge.reasons import Reason


@dataclass(frozen=True, slots=True)
class Event:
    """The opened record. ``type`` is ``None`` for what is no CloudEvent; ``body`` for what carries no data."""

    body: dict[str, Any] | None = field(repr=False)
    type: str | None = None
    subject: str | None = None
    time: str | None = None


def open_event(
    value: bytes | None, headers: tuple[tuple[str, bytes], ...], max_bytes: int, max_depth: int
) -> Event | Reason:
    """The event in the value and headers of a record, or why it cannot be opened."""
    if value is not None and len(value) > max_bytes:
        return Reason.of("record.too_large", size=len(value), limit=max_bytes)
    said = {name.lower(): text.decode("utf-8", "replace") for name, text in headers if text} if headers else {}
    if "ce_type" in said or "ce_specversion" in said:
        body = _object(value, max_depth) if value else None
        if isinstance(body, Reason):
            return body
        return Event(body, said.get("ce_type", ""), said.get("ce_subject"), said.get("ce_time"))
    if value is None:
        return Event(None)
    body = _object(value, max_depth)
    if isinstance(body, Reason):
        return body
    structured = "specversion" in body and "resourceType" not in body
    if structured or said.get("content-type", "").startswith("application/cloudevents+json"):
        return _structured(body, max_depth)
    return Event(body)


def deeper_than(node: object, limit: int) -> bool:
    """Whether JSON is nested deeper than ``limit`` objects and lists. Level by level: no recursion to overflow."""
    level = [node] if isinstance(node, (dict, list)) else []
    for _ in range(limit):
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return False
    return bool(level)


def _structured(event: dict[str, Any], max_depth: int) -> Event | Reason:
    data: object = event.get("data")
    if data is None and (packed := event.get("data_base64")) is not None:
        try:
            data = b64decode(packed, validate=True)
        except (TypeError, ValueError):
            return Reason.of("cloudevent.bad_base64")
    if isinstance(data, str):
        try:
            data = data.encode()
        except UnicodeEncodeError:
            return Reason.of("record.unstorable")
    body = _object(data, max_depth) if isinstance(data, bytes) else data
    if isinstance(body, Reason):
        return body
    if body is not None and not isinstance(body, dict):
        return Reason.of("record.not_object")
    return Event(body, _text(event, "type") or "", _text(event, "subject"), _text(event, "time"))


def _object(value: bytes, max_depth: int) -> dict[str, Any] | Reason:
    try:
        body = _decoder.decode(value.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return Reason.of("record.not_utf8")
    except RecursionError:
        return Reason.of("record.too_deep", limit=max_depth)
    except ValueError:
        return Reason.of("record.not_json")
    return body if isinstance(body, dict) else Reason.of("record.not_object")


def _text(event: dict[str, Any], name: str) -> str | None:
    value = event.get(name)
    return value if isinstance(value, str) else None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_decoder = json.JSONDecoder(parse_constant=_no_constant)
