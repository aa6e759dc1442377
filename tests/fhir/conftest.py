"""What these tests share: a way to make records, and a source that wants what an Encounter's journey holds."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import pytest

from jknbridge.fhir.links import types_gathered
from jknbridge.fhir.records import Record, SourceRules, TopicRules

MakeRecord: TypeAlias = Callable[..., Record]


def make_record(
    value: Any, *, topic: str = "fhir.encounter", key: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Record:
    """A record of bytes as they are, of ``None``, or of anything else as JSON. Written at 2026-01-05T01:00:00Z."""
    body = value if value is None or isinstance(value, bytes) else json.dumps(value).encode()
    pairs = tuple((name, text.encode()) for name, text in (headers or {}).items())
    return Record(topic, 0, 7, key, body, pairs, 1_767_574_800_000)


@pytest.fixture(scope="session")
def record() -> MakeRecord:
    return make_record


@pytest.fixture(scope="session")
def source() -> SourceRules:
    return SourceRules(
        name="emr",
        wanted_types=types_gathered("Encounter"),
        topics={"fhir.keyed": TopicRules(key_is_resource=True, type="Encounter")},
    )
