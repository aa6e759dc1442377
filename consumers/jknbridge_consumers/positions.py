"""Where to begin reading a partition: a decision over values, without Kafka (DESIGN §2.1, §5).

The ledger's offset is the truth, Kafka's commit a copy of it. An offset the log no longer has is never replaced by a
guess: the source stops and asks, because skipping records and reading a recreated topic from the wrong place both lose
visits.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from jknbridge.reasons import Reason
from jknbridge_consumers import reasons as _reasons  # noqa: F401  registers the texts used below

Partition: TypeAlias = tuple[str, int]
"""(topic, partition number)"""

Start: TypeAlias = Literal["awal", "sekarang"] | datetime
"""``mulai_dari`` of a source: the log's beginning, its end at first sight, or the first record at or after a time."""


_WORDS: dict[str, Start] = {"awal": "awal", "sekarang": "sekarang"}


@dataclass(frozen=True, slots=True)
class SourceStopped:
    """Reading of one partition stopped until a person decides from where to go on."""

    topic: str
    partition: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class Seek:
    """Read from ``offset``. ``first`` says that the ledger did not know the partition, so the choice must be made
    durable.
    """

    offset: int
    first: bool = False


def parse_start(text: str) -> Start:
    """``awal``, ``sekarang``, or an ISO 8601 time with a zone (``2026-11-01T00:00+07:00``); :class:`ValueError`
    otherwise.
    """
    if text in _WORDS:
        return _WORDS[text]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            "mulai_dari: awal, sekarang, atau waktu ISO 8601 / awal, sekarang, or an ISO 8601 time"
        ) from None
    if moment.tzinfo is None:
        raise ValueError("mulai_dari: waktu harus berzona, mis. +07:00 / the time needs its zone, e.g. +07:00")
    return moment


def place(
    partition: Partition,
    *,
    ledger: int | None,
    begin: int,
    end: int,
    start: Start | None,
    topic_known: bool = False,
    at_time: int | None = None,
) -> Seek | SourceStopped:
    """From which offset to read ``partition``, or why not to.

    ``ledger``: the next offset the ledger wants, ``None`` if it never saw this partition. ``begin``, ``end``: the log's
    first and next offset. ``topic_known``: the ledger already reads other partitions of the topic, so this one was
    added later and all its records are new to us, whatever ``start`` says. ``at_time``: the first offset at or after
    ``start`` where that is a time; ``None`` if there is none yet (then: the end).
    """
    topic, number = partition
    if ledger is None:
        if topic_known or start == "awal":
            return Seek(begin, first=True)
        if start is None:
            return SourceStopped(topic, number, Reason.of("kafka.no_start", topic=topic))
        return Seek(end if start == "sekarang" or at_time is None else at_time, first=True)
    where = {"topic": topic, "partition": number, "offset": ledger}
    if ledger > end:
        return SourceStopped(topic, number, Reason.of("kafka.beyond_end", end=end, **where))
    if ledger < begin:
        return SourceStopped(topic, number, Reason.of("kafka.before_beginning", begin=begin, **where))
    return Seek(ledger)
