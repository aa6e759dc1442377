"""What the intake needs of the host, and what it shows of itself (DESIGN §2.1).

Values and protocols only. :class:`IntakeHost` is the whole meeting point: the intake knows no ledger, and the host no
Kafka.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, TypeAlias

from jknbridge.fhir.records import Record
from jknbridge_consumers.positions import Partition, SourceStopped

Phase: TypeAlias = Literal["starting", "waiting_for_broker", "joining", "reading", "held_up", "stopped"]
"""``held_up``: a batch is in hand that the ledger refuses for now."""


@dataclass(frozen=True, slots=True)
class LedgerMark:
    """Which ledger stored a batch, and the how-manieth it was there: the witness that Kafka's commit carries."""

    ledger: str
    sequence: int


@dataclass(frozen=True, slots=True)
class Witness:
    """What Kafka remembers of a partition: the committed next offset, and the mark that went with it (``None``: not
    ours).
    """

    offset: int
    mark: LedgerMark | None


class IntakeHost(Protocol):
    """What the intake needs of the host. Every method is called on the intake's thread and may block."""

    def store(self, batch: Sequence[Record], /) -> LedgerMark:
        """Make the batch's resources and next offsets durable in one transaction, and return only then.

        Batches may repeat (after a crash, a rebalance, a retry): storing one again must change nothing.
        :class:`~jknbridge.errors.LeaseLost` ends the intake; any other exception has the same batch offered again.
        """
        ...

    def positions(self, partitions: Sequence[Partition], /) -> Mapping[Partition, int | None]:
        """The next offset the ledger wants of each partition; ``None`` or absent where it never saw the partition."""
        ...

    def knows_topic(self, topic: str, /) -> bool:
        """Whether the ledger has read any partition of this topic before: then one it does not know was added later."""
        ...

    def placed(self, offsets: Mapping[Partition, int], /) -> None:
        """Make the first offsets of new partitions durable before anything is read.

        Without it ``mulai_dari = sekarang`` would mean another "now" at each start until the first record came, and
        what arrived while the program was down would be lost.
        """
        ...

    def witnessed(self, found: Mapping[Partition, Witness], /) -> None:
        """What Kafka remembers, told before :meth:`positions` is asked: a ledger behind its witness was restored."""
        ...

    def source_stopped(self, stopped: SourceStopped, /) -> None:
        """A partition is not read any more until ``IntakeThread.reconsider``; told again by each new consumer."""
        ...


@dataclass(frozen=True, slots=True)
class IntakeStatus:
    """A snapshot; what may have been seen by now, not what is true this instant."""

    phase: Phase = "starting"
    connected: bool = False
    assigned: tuple[Partition, ...] = ()
    lag: Mapping[Partition, int] = field(default_factory=dict)
    """Records waiting per partition that is read, as of the last look."""
    stopped: tuple[SourceStopped, ...] = ()
    last_poll: float | None = None
    """Epoch seconds, as are all times here."""
    last_batch: float | None = None
    last_error: str | None = None
    """One masked line; ``None`` once things work again."""
    batches: int = 0
    records: int = 0
    refusals: int = 0
    """How often the ledger refused a batch that was then offered again."""
    commits_failed: int = 0
    consumers_made: int = 0
    stalls: int = 0
    """How often the watchdog had to replace the consumer."""


class StatusBoard:
    """The status as the intake's thread writes it and any thread reads it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._status = IntakeStatus()

    def read(self) -> IntakeStatus:
        with self._lock:
            return self._status

    def write(self, **changes: Any) -> None:
        with self._lock:
            self._status = replace(self._status, **changes)

    def count(self, **steps: int) -> None:
        with self._lock:
            self._status = replace(
                self._status, **{name: getattr(self._status, name) + step for name, step in steps.items()}
            )


class ConsumerStalled(Exception):
    """The watchdog wants another consumer."""
