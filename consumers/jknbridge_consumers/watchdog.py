"""Notices a consumer that has stopped without an error (DESIGN §7).

kafka-python 3.0.0 to 3.0.8 had three bugs in which ``poll()`` returns nothing for ever although the log grows: no
exception, no log line, heartbeats going on. The cure is a new consumer, and the only sign is arithmetic: the position
stands still below the end of the log. Pure: offsets and a monotonic time in, a verdict out;
:mod:`jknbridge_consumers.intake_session` samples and acts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from jknbridge_consumers.positions import Partition


@dataclass(frozen=True, slots=True)
class Progress:
    """One partition's position, and since when (monotonic seconds) it has stood there with records waiting."""

    position: int
    since: float


def observe(before: Progress | None, position: int, end: int, now: float) -> Progress:
    """The partition's progress after a look: a position that moved, or has nothing left to read, begins a new wait."""
    if before is None or position != before.position or position >= end:
        return Progress(position, now)
    return before


def stalled(progress: Progress, now: float, patience: float) -> bool:
    """Records have waited for ``patience`` seconds and the position has not moved."""
    return now - progress.since >= patience


class Watchdog:
    """Keeps one :class:`Progress` per partition that is read. Not thread-safe: it lives on the consumer's thread."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._seen: dict[Partition, Progress] = {}

    def look(self, positions: Mapping[Partition, int], ends: Mapping[Partition, int], now: float) -> list[Partition]:
        """The partitions that stand still. ``positions`` holds those being read: not paused, stopped or unplaced."""
        known = positions.keys() & ends.keys()
        self._seen = {
            partition: observe(self._seen.get(partition), positions[partition], ends[partition], now)
            for partition in known
        }
        return sorted(
            partition
            for partition, progress in self._seen.items()
            if positions[partition] < ends[partition] and stalled(progress, now, self._patience)
        )

    def forget(self, partitions: Iterable[Partition] | None = None) -> None:
        """Start over: the wait was ours (the ledger held us up), not the consumer's. ``None``: for all partitions."""
        for partition in list(self._seen) if partitions is None else partitions:
            self._seen.pop(partition, None)
