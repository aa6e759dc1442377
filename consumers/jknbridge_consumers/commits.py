"""Kafka's commit: a copy of the ledger's offsets that carries a witness (DESIGN §2.1).

Committed after the ledger has the batch, asynchronously, because kafka-python's blocking commit holds the polling
thread for seconds while a coordinator moves. That a commit failed is counted and nothing else: nobody reads from it but
operators' lag monitors, and a ledger restored from a backup, which finds in it that it was further once.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition

from jknbridge.checkpoints import reached
from jknbridge.fhir.records import Record
from jknbridge_consumers.client import masked
from jknbridge_consumers.intake_host import LedgerMark, StatusBoard

log = structlog.stdlib.get_logger("jknbridge.intake")


class CommitCopy:
    """One consumer's commits. Lives on the consumer's thread, where kafka-python also runs the callbacks."""

    def __init__(self, consumer: KafkaConsumer, board: StatusBoard) -> None:
        self._consumer = consumer
        self._board = board
        self._open: dict[Any, OffsetAndMetadata] = {}

    def send(self, batch: Sequence[Record], mark: LedgerMark) -> None:
        """Commit the batch's next offsets with ``mark``. Returns at once and never raises."""
        offsets = {
            TopicPartition(record.topic, record.partition): OffsetAndMetadata(record.offset + 1, write_mark(mark), -1)
            for record in batch  # in a partition the last record wins, and batches come in order of offset
        }
        self._open.update(offsets)
        reached("commit.before")
        try:
            self._consumer.commit_async(offsets, callback=self._answered)
        except Exception as error:
            self._failed(error)
        reached("commit.after")

    def finish(self, timeout_ms: int) -> None:
        """Commit what was not confirmed, waiting at most so long. Never raises."""
        if self._open:
            with contextlib.suppress(Exception):
                self._consumer.commit(self._open, timeout_ms=timeout_ms)

    def _answered(self, offsets: Mapping[Any, OffsetAndMetadata], answer: object) -> None:
        if isinstance(answer, Exception):
            self._failed(answer)
            return
        for tp, committed in offsets.items():
            if self._open.get(tp) == committed:
                del self._open[tp]

    def _failed(self, error: Exception) -> None:
        self._board.count(commits_failed=1)
        log.info("intake_commit_failed", error=masked(error))


def write_mark(mark: LedgerMark) -> str:
    """The mark as a commit's metadata."""
    return json.dumps({"ledger": mark.ledger, "sequence": mark.sequence}, separators=(",", ":"))


def read_mark(metadata: str | None) -> LedgerMark | None:
    """The mark in a commit's metadata; ``None`` where somebody else committed, or nothing stands there."""
    try:
        value = json.loads(metadata or "")
        return LedgerMark(str(value["ledger"]), int(value["sequence"]))
    except (ValueError, TypeError, KeyError):
        return None
