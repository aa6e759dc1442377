"""FHIR to Kafka (``jknbridge publish``): which topic and key a document gets, files read, records sent and awaited.

For whoever feeds a bridge by hand: an integrator's first files, a replay, and ``jknbridge demo``. Not the outbox
(``publisher.py``): nothing here is durable, and what was not acknowledged is reported, never tried again.

* A topic is chosen by resource type among the source's own: the one whose last word is the type (``fhir.encounter``);
  what has none of its own (Coverage, ClinicalImpression …) goes where Encounters go, since any FHIR resource is
  accepted on any of them (DESIGN §5). A Bundle goes where its Encounter goes.
* The key is ``Type/id``, so that versions of one resource stay in order within their partition.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from kafka.errors import KafkaTimeoutError

from jknbridge.fhir.order import sortable_instant
from jknbridge.reasons import Reason, register_all
from jknbridge_consumers.client import last_words, masked, open_producer
from jknbridge_consumers.kafka_settings import KafkaSettings
from jknbridge_consumers.refusals import Refusal, judge, topic_missing

register_all(
    {
        "terbit.bukan_json": (
            "Isi {place} bukan JSON yang sah.",
            "{place} is not valid JSON.",
            "integrator",
        ),
        "terbit.bukan_fhir": (
            "{place} bukan objek FHIR dengan resourceType.",
            "{place} is no FHIR object with a resourceType.",
            "integrator",
        ),
        "terbit.tak_terbaca": (
            "{place} tidak dapat dibaca: {error}.",
            "{place} cannot be read: {error}.",
            "IT",
        ),
        "terbit.tanpa_jawaban": (
            "Broker tidak memastikan pesan ini ({error}); mungkin sudah tersimpan, mungkin belum.",
            "The broker did not confirm this record ({error}); it may or may not have been stored.",
            "IT",
        ),
    }
)

Document = dict[str, Any]
Order = Literal["newest", "oldest"]
SUFFIXES = (".json", ".ndjson", ".jsonl")
"""What a folder is searched for."""
_LINES = (".ndjson", ".jsonl")


class BrokerMissing(Exception):
    """No broker answered, so nothing was published; the text says what the client last heard."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One record to be sent."""

    topic: str
    key: bytes | None
    value: bytes | None = field(repr=False)
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """What was not published, where it stood, and why."""

    place: str
    reason: Reason


@dataclass(slots=True)
class Sent:
    """What became of a batch: acknowledged per topic, refused for good, and unconfirmed (the broker went silent)."""

    topics: dict[str, int] = field(default_factory=dict)
    refused: list[Skipped] = field(default_factory=list)
    unconfirmed: list[Skipped] = field(default_factory=list)

    @property
    def acknowledged(self) -> int:
        return sum(self.topics.values())


# --- documents --------------------------------------------------------------------------------------------------------


def read(paths: Iterable[Path]) -> Iterator[Document | Skipped]:
    """Every FHIR document in files and folders, in the order given; a folder's files by name."""
    for path in paths:
        found = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES) if path.is_dir() else [path]
        for file in found:
            yield from _read_file(file)


def _read_file(file: Path) -> Iterator[Document | Skipped]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        yield Skipped(str(file), Reason.of("terbit.tak_terbaca", place=file.name, error=type(error).__name__))
        return
    if file.suffix.lower() not in _LINES:
        yield _document(text, file.name, str(file))
        return
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            yield _document(line, f"{file.name}:{number}", f"{file}:{number}")


def _document(text: str, place: str, where: str) -> Document | Skipped:
    try:
        found = json.loads(text)
    except ValueError:
        return Skipped(where, Reason.of("terbit.bukan_json", place=place))
    if not isinstance(found, dict) or not isinstance(found.get("resourceType"), str):
        return Skipped(where, Reason.of("terbit.bukan_fhir", place=place))
    return found


def split(document: Document) -> list[Document]:
    """A Bundle as its entries, one document each. A delete stays a Bundle of one entry; a Bundle whose entries name
    each other by ``urn:uuid`` means something as a whole only and is left whole."""
    entries = document.get("entry")
    if document.get("resourceType") != "Bundle" or not isinstance(entries, list) or not entries:
        return [document]
    if any(not _stands_alone(entry) for entry in entries):
        return [document]
    around = {name: value for name, value in document.items() if name not in ("id", "entry", "total", "link")}
    return [
        {**around, "entry": [entry]} if _method(entry) == "DELETE" or "resource" not in entry else entry["resource"]
        for entry in entries
    ]


def _stands_alone(entry: Any) -> bool:
    if not isinstance(entry, dict):
        return False
    resource = entry.get("resource")
    named = _method(entry) == "DELETE" or (isinstance(resource, dict) and isinstance(resource.get("id"), str))
    return named and "urn:uuid:" not in json.dumps(resource)


def _method(entry: Document) -> str:
    request = entry.get("request")
    return str(request.get("method", "")).upper() if isinstance(request, dict) else ""


def in_order(documents: Sequence[Document], order: Order | None) -> list[Document]:
    """By ``meta.lastUpdated`` (a Bundle: its newest entry's, or its ``timestamp``); what has none counts as oldest."""
    if order is None:
        return list(documents)
    return sorted(documents, key=_updated, reverse=order == "newest")


def _updated(document: Document) -> str:
    moments = [_instant(document, "meta", "lastUpdated"), _instant(document, "timestamp")]
    entries = document.get("entry")
    for entry in entries if isinstance(entries, list) else ():
        moments.append(_instant(entry, "resource", "meta", "lastUpdated"))
    return max(moments)


def _instant(node: Any, *path: str) -> str:
    for name in path:
        node = node.get(name) if isinstance(node, dict) else None
    return (sortable_instant(node) or "") if isinstance(node, str) else ""


# --- where a document goes --------------------------------------------------------------------------------------------


def topic_of(document: Document, topics: Sequence[str]) -> str:
    """Among a source's topics the one for this document; ``topics`` has at least one."""
    return topic_for(_main(document)["resourceType"], topics)


def topic_for(type_: str, topics: Sequence[str]) -> str:
    by_word = {topic.rpartition(".")[2].lower(): topic for topic in reversed(topics)}
    return by_word.get(type_.lower()) or by_word.get("encounter") or topics[0]


def key_of(document: Document) -> bytes | None:
    """``Type/id`` of the document, of a Bundle's Encounter; ``None`` where there is no id."""
    main = _main(document)
    id_ = main.get("id")
    return f"{main['resourceType']}/{id_}".encode() if isinstance(id_, str) and id_ else None


def _main(document: Document) -> Document:
    """The resource that a document is about: itself, or of a Bundle the Encounter, else the first resource."""
    entries = document.get("entry")
    if document.get("resourceType") != "Bundle" or not isinstance(entries, list):
        return document
    inside = [
        entry["resource"] for entry in entries if isinstance(entry, dict) and isinstance(entry.get("resource"), dict)
    ]
    typed = [resource for resource in inside if isinstance(resource.get("resourceType"), str)]
    return next((r for r in typed if r["resourceType"] == "Encounter"), typed[0] if typed else document)


def outgoing(document: Document, topics: Sequence[str], topic: str | None = None) -> Outgoing:
    value = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return Outgoing(topic or topic_of(document, topics), key_of(document), value)


# --- sending ----------------------------------------------------------------------------------------------------------


class Sender:
    """One producer: ``with Sender(settings) as sender: sender.send(records)``. Entering or the first record may raise
    :class:`BrokerMissing`."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._opened: Any = None
        self._missing: set[str] = set()

    def __enter__(self) -> Sender:
        try:
            self._opened = open_producer(self._settings)
        except Exception as error:
            raise BrokerMissing(last_words() or masked(error)) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Each record's own future has spoken; on an interrupt nobody waits for the rest.
        self._opened.client.close(timeout=2 if kind is None else 0.1)

    def send(
        self,
        records: Iterable[Outgoing],
        *,
        rate: float | None = None,
        told: Callable[[int], None] = lambda sent: None,
    ) -> Sent:
        """Send all, at most ``rate`` a second, then await each record's own answer. ``told`` hears how many left."""
        result = Sent()
        waiting = []
        due = time.monotonic()
        for number, record in enumerate(records):
            if rate is not None:  # a slow moment is not made up for by a burst
                time.sleep(max(due - time.monotonic(), 0))
            outcome = self._start(record)
            if isinstance(outcome, Refusal):
                result.refused.append(Skipped(record.topic, outcome.reason))
            elif isinstance(outcome, Exception):
                result.unconfirmed.append(_unconfirmed(record, outcome))
            else:
                waiting.append((record, outcome))
            due = time.monotonic() + (1 / rate if rate else 0)
            told(number + 1)
        for record, future in waiting:
            self._await(result, record, future)
        return result

    def _start(self, record: Outgoing) -> Any:
        """The record's future, a :class:`Refusal`, or what went wrong."""
        if record.topic in self._missing:  # each question for a topic that is not there costs max_block_ms
            return topic_missing(record.topic)
        asked = time.monotonic()
        headers = list(record.headers)
        try:
            return self._opened.client.send(record.topic, key=record.key, value=record.value, headers=headers)
        except Exception as error:
            if isinstance(error, KafkaTimeoutError) and self._opened.metadata_at is None:
                raise BrokerMissing(last_words() or masked(error)) from error
            if isinstance(error, KafkaTimeoutError) and self._opened.metadata_at > asked:
                self._missing.add(record.topic)  # the broker answered, and does not have it
                return topic_missing(record.topic)
            return judge(error, record.topic, _size(record)) or error

    def _await(self, result: Sent, record: Outgoing, future: Any) -> None:
        patience = (self._settings.delivery_timeout_ms + self._settings.request_timeout_ms) / 1000
        try:
            future.get(timeout=patience)
        except Exception as error:
            refusal = judge(error, record.topic, _size(record))
            if refusal is not None:
                result.refused.append(Skipped(record.topic, refusal.reason))
            else:
                result.unconfirmed.append(_unconfirmed(record, error))
        else:
            result.topics[record.topic] = result.topics.get(record.topic, 0) + 1


def _size(record: Outgoing) -> int:
    return len(record.value or b"") + len(record.key or b"")


def _unconfirmed(record: Outgoing, error: BaseException) -> Skipped:
    return Skipped(record.topic, Reason.of("terbit.tanpa_jawaban", error=type(error).__name__))
