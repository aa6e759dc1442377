"""One consumer's life, from subscription to close: place, poll, deliver, commit, look (DESIGN §2.1, §7).

Belongs to :mod:`jknbridge_consumers.intake`, runs on its thread, and ends by an exception or because a stop was asked
for.

How positions are kept ours: the rebalance listener runs on kafka-python's I/O thread, in the same step that makes a
partition assigned. There the partition is paused and given a dummy position, so that nothing can be fetched from it and
kafka-python does not look for a committed offset. The intake's thread then asks the host, seeks and resumes.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import structlog
from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.errors import (
    KafkaError,
    LogTruncationError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    RetriableError,
)

from jknbridge.checkpoints import reached
from jknbridge.errors import LeaseLost
from jknbridge.fhir.records import Record
from jknbridge.reasons import Reason
from jknbridge_consumers.client import Opened, last_words, masked
from jknbridge_consumers.commits import CommitCopy, read_mark
from jknbridge_consumers.intake_host import ConsumerStalled, IntakeHost, StatusBoard, Witness
from jknbridge_consumers.kafka_settings import KafkaSettings
from jknbridge_consumers.positions import Partition, Seek, SourceStopped, Start, place
from jknbridge_consumers.watchdog import Watchdog

log = structlog.stdlib.get_logger("jknbridge.intake")

POLL_MS = 500
ANSWER_MS = 2_000
"""How long a question to the broker (offsets, committed) may take on this thread."""
GRACE_MS = 1_000
"""Share of a stop's time for the last commit, and again for leaving the group."""


class Session:
    """See the module. ``worked`` says whether a poll under an assignment ever succeeded, i.e. the broker was really
    there.
    """

    def __init__(
        self,
        *,
        opened: Opened[KafkaConsumer],
        settings: KafkaSettings,
        starts: Mapping[str, Start | None],
        host: IntakeHost,
        board: StatusBoard,
        stopping: threading.Event,
        reconsider: threading.Event,
        say_waiting: Callable[[str | None], None],
        now: Callable[[], float],
        monotonic: Callable[[], float],
        retry: tuple[float, float],
        look_every: float,
    ) -> None:
        self.worked = False
        consumer = opened.client
        self._consumer = consumer
        self._opened = opened
        self._fresh = settings.metadata_max_age_ms / 1000 * 2
        self._starts = starts
        self._host = host
        self._board = board
        self._stopping = stopping
        self._reconsider = reconsider
        self._say_waiting = say_waiting
        self._now = now
        self._monotonic = monotonic
        self._retry = retry
        self._look_every = look_every
        self._next_look = monotonic()
        self._patience = settings.macet_detik
        self._answered = self._next_look
        self._watchdog = Watchdog(self._patience)
        self._listener = _Listener(consumer)
        self._unplaced: set[Partition] = set()
        self._place_again = 0.0
        self._stopped: dict[Partition, SourceStopped] = {}
        self._commits = CommitCopy(consumer, board)

    def run(self) -> None:
        """Read until a stop is asked for. Raises what ended this consumer otherwise."""
        self._board.write(phase="joining")
        self._consumer.subscribe(sorted(self._starts), listener=self._listener)
        while not self._stopping.is_set():
            self._follow_assignment()
            if self._unplaced and self._monotonic() >= self._place_again:
                self._place()
            batch = self._poll()
            if batch and not self._deliver(batch):
                return
            self._look()

    def close(self) -> None:
        """Commit what is still uncommitted, leave the group, close; never raises and takes some two seconds at most."""
        self._commits.finish(GRACE_MS)
        with contextlib.suppress(Exception):
            self._consumer.close(autocommit=False, timeout_ms=GRACE_MS)

    # -- assignment ----------------------------------------------------------------------------------------------------

    def _follow_assignment(self) -> None:
        changed = False
        for assigned, partitions in self._listener.changes():
            changed = True
            self._unplaced.difference_update(partitions)
            for partition in partitions:
                self._stopped.pop(partition, None)
            if assigned:
                self._unplaced.update(partitions)
                self._place_again = 0.0
        if self._reconsider.is_set():
            self._reconsider.clear()
            self._unplaced.update(self._stopped)
            self._stopped.clear()
            self._place_again = 0.0
            changed = True
        if changed:
            self._watchdog.forget()
            assigned_now = tuple(sorted((tp.topic, tp.partition) for tp in self._consumer.assignment()))
            self._board.write(assigned=assigned_now, stopped=tuple(self._stopped.values()), phase="reading")
            log.info("intake_assignment", partitions=len(assigned_now), to_place=len(self._unplaced))
            missing = sorted(set(self._starts) - {topic for topic, _ in assigned_now})
            if missing:
                log.warning("intake_topics_without_partition_here", topics=missing)

    def _place(self) -> None:
        """Ask the ledger where to read each new partition, and go there. What the broker does not answer stays for
        later.
        """
        by_topic: dict[str, list[Partition]] = {}
        for partition in sorted(self._unplaced):
            by_topic.setdefault(partition[0], []).append(partition)
        for topic, partitions in by_topic.items():
            if self._stopping.is_set():
                return
            try:
                self._place_topic(topic, partitions)
            except LeaseLost:
                raise
            except Exception as error:  # broker or ledger: neither may keep the other topics waiting
                self._note(error)
        self._place_again = self._monotonic() + self._retry[0] * 2

    def _place_topic(self, topic: str, partitions: Sequence[Partition]) -> None:
        tps = [TopicPartition(*partition) for partition in partitions]
        begins = self._consumer.beginning_offsets(tps, timeout_ms=ANSWER_MS)
        ends = self._consumer.end_offsets(tps, timeout_ms=ANSWER_MS)
        self._host.witnessed(self._witnesses(tps))
        ledger = self._host.positions(partitions)
        start = self._starts[topic]
        new = [tp for tp in tps if ledger.get((tp.topic, tp.partition)) is None]
        times: Mapping[Any, Any] = {}
        if new and start is not None and not isinstance(start, str):
            times = self._consumer.offsets_for_times(
                dict.fromkeys(new, int(start.timestamp() * 1000)), timeout_ms=ANSWER_MS
            )
        known = bool(new) and self._host.knows_topic(topic)
        decisions = {
            partition: place(
                partition,
                ledger=ledger.get(partition),
                begin=begins[tp],
                end=ends[tp],
                start=start,
                topic_known=known,
                at_time=None if times.get(tp) is None else times[tp].offset,
            )
            for partition, tp in zip(partitions, tps, strict=True)
        }
        first = {
            p: decision.offset for p, decision in decisions.items() if isinstance(decision, Seek) and decision.first
        }
        if first:
            self._host.placed(first)
        for partition, decision in decisions.items():
            self._unplaced.discard(partition)
            if isinstance(decision, SourceStopped):
                self._stop_partition(decision)
            else:
                self._go(partition, decision.offset)

    def _witnesses(self, tps: Iterable[Any]) -> dict[Partition, Witness]:
        found = {}
        for tp in tps:
            try:
                committed = self._consumer.committed(tp, metadata=True, timeout_ms=ANSWER_MS)
            except KafkaError as error:  # a group without the right to read offsets loses the witness, not the events
                self._note(error)
                break
            if committed is not None:
                found[(tp.topic, tp.partition)] = Witness(committed.offset, read_mark(committed.metadata))
        return found

    def _go(self, partition: Partition, offset: int) -> None:
        tp = TopicPartition(*partition)
        with contextlib.suppress(ValueError):  # revoked meanwhile
            self._consumer.seek(tp, offset)
            self._consumer.resume(tp)

    def _stop_partition(self, stopped: SourceStopped) -> None:
        partition = (stopped.topic, stopped.partition)
        if partition in self._stopped:
            return
        self._stopped[partition] = stopped
        self._pause([TopicPartition(*partition)])
        self._watchdog.forget([partition])
        self._board.write(stopped=tuple(self._stopped.values()))
        log.error("intake_source_stopped", topic=stopped.topic, partition=stopped.partition, reason=stopped.reason.en)
        self._host.source_stopped(stopped)

    # -- records -------------------------------------------------------------------------------------------------------

    def _poll(self) -> list[Record]:
        try:
            polled = self._consumer.poll(timeout_ms=POLL_MS)
        except OffsetOutOfRangeError as error:
            for tp, offset in error.args[0].items():
                self._stop_at(tp, "kafka.out_of_range", offset)
            return []
        except LogTruncationError as error:
            for tp in error.divergent_offsets:
                position = self._consumer.position(tp, timeout_ms=ANSWER_MS)
                self._stop_at(tp, "kafka.truncated", position if position is not None else 0)
            return []
        except NoOffsetForPartitionError:
            return []  # a rebalance between assignment and our listener: the next turn places the partition
        except RetriableError as error:
            # When a broker dies, kafka-python 3.0.12 lets its errors out of poll() half the times. A new consumer is a
            # new member of the group, without partitions until the old one's session has ended: go on with this one.
            self._note(error)
            self._stopping.wait(self._retry[0])
            return []
        self._board.write(last_poll=self._now())
        return [as_record(record) for records in polled.values() for record in records]

    def _stop_at(self, tp: Any, code: str, offset: int) -> None:
        reason = Reason.of(code, topic=tp.topic, partition=tp.partition, offset=offset)
        self._stop_partition(SourceStopped(tp.topic, tp.partition, reason))

    def _deliver(self, batch: Sequence[Record]) -> bool:
        """Offer the batch until the ledger has it, then commit. False: stop was asked for while the ledger refused."""
        reached("receive.after")
        self.worked = True
        pause, longest = self._retry
        held: list[Any] = []
        while True:
            try:
                mark = self._host.store(batch)
                break
            except LeaseLost:
                raise
            except Exception as error:
                self._note(error)
                self._board.count(refusals=1)
                self._board.write(phase="held_up")
                log.warning("intake_ledger_refuses", error=masked(error), records=len(batch), again_in=pause)
                held = self._hold(held)
                if not self._wait_in_group(pause):
                    return False
                pause = min(pause * 2, longest)
        if held:
            self._release(held)
        self._board.count(batches=1, records=len(batch))
        self._board.write(phase="reading", connected=True, last_batch=self._now(), last_error=None)
        self._commits.send(batch, mark)
        return True

    def _hold(self, held: list[Any]) -> list[Any]:
        """Pause what is being read. Partitions assigned later come paused and wait to be placed."""
        if held:
            return held
        held = [tp for tp in self._consumer.assignment() if tp not in self._consumer.paused()]
        self._pause(held)
        return held

    def _wait_in_group(self, seconds: float) -> bool:
        """Let time pass while polling paused partitions, so that the group keeps us. False: stop was asked for."""
        until = self._monotonic() + seconds
        while not self._stopping.is_set() and (left := until - self._monotonic()) > 0:
            try:
                polled = self._consumer.poll(timeout_ms=int(min(left, POLL_MS / 1000) * 1000))
                for tp, records in polled.items():  # paused partitions give none; if one did, it must be read again
                    self._consumer.seek(tp, records[0].offset)
            except Exception as error:  # the broker's troubles can wait; the batch in hand cannot
                self._note(error)
                self._stopping.wait(min(left, POLL_MS / 1000))
        return not self._stopping.is_set()

    def _release(self, held: Iterable[Any]) -> None:
        self._watchdog.forget()  # the wait was the ledger's
        assigned = self._consumer.assignment()
        gone = self._unplaced | self._stopped.keys() | self._listener.touched()
        self._consumer.resume(*[tp for tp in held if tp in assigned and (tp.topic, tp.partition) not in gone])

    # -- looking around ------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Every ``look_every`` seconds: is the broker there, how far behind are we, does the consumer stand still?"""
        now = self._monotonic()
        if now < self._next_look:
            return
        self._next_look = now + self._look_every
        assigned = self._consumer.assignment()
        if not assigned:
            self._look_unassigned(now)
            return
        try:
            ends = self._consumer.end_offsets(list(assigned), timeout_ms=ANSWER_MS)
        except RetriableError as error:
            self._note(error)
            self._no_answer(now, last_words() or masked(error))
            return
        self.worked = True
        self._answered = now
        self._say_waiting(None)
        reading = [tp for tp in assigned if tp not in self._consumer.paused()]
        positions = {}
        for tp in reading:
            position = self._consumer.position(tp, timeout_ms=POLL_MS)
            if position is not None:
                positions[(tp.topic, tp.partition)] = position
        log_ends = {(tp.topic, tp.partition): end for tp, end in ends.items()}
        lag = {partition: max(0, log_ends[partition] - position) for partition, position in positions.items()}
        self._board.write(connected=True, lag=lag)
        if standing := self._watchdog.look(positions, log_ends, self._monotonic()):
            raise ConsumerStalled(f"no progress on {', '.join(f'{topic}-{number}' for topic, number in standing)}")

    def _look_unassigned(self, now: float) -> None:
        """Without a partition there is nothing to ask about: that metadata keeps coming shows that one is there."""
        seen = self._opened.metadata_at
        if seen is not None and now - seen < self._fresh:
            self._answered = now
            self._board.write(phase="joining", connected=True)
            self._say_waiting(None)
        else:
            self._board.write(phase="waiting_for_broker")
            self._no_answer(now, last_words() or "no answer yet")

    def _no_answer(self, now: float, why: str) -> None:
        """Say so; in the end ask for another consumer: this one would ask at the addresses it once learnt for ever."""
        self._board.write(connected=False)
        self._say_waiting(why)
        if now - self._answered >= self._patience:
            raise ConsumerStalled("no broker answers at the addresses it was told of")

    def _note(self, error: Exception) -> None:
        self._board.write(last_error=masked(error))

    def _pause(self, tps: Iterable[Any]) -> None:
        assigned = self._consumer.assignment()
        self._consumer.pause(*[tp for tp in tps if tp in assigned])


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Runs on kafka-python's I/O thread: pauses what arrives and notes what happened; the intake's thread does the
    rest.
    """

    def __init__(self, consumer: KafkaConsumer) -> None:
        self._consumer = consumer
        self._changes: deque[tuple[bool, frozenset[Partition]]] = deque()

    def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
        for tp in assigned:
            self._consumer.pause(tp)
            self._consumer.seek(tp, 0)  # a dummy: with a position set, kafka-python fetches no committed offset
        self._changes.append((True, frozenset((tp.topic, tp.partition) for tp in assigned)))

    def on_partitions_revoked(self, revoked: Iterable[Any]) -> None:
        self._changes.append((False, frozenset((tp.topic, tp.partition) for tp in revoked)))

    def changes(self) -> Iterable[tuple[bool, frozenset[Partition]]]:
        """What happened since the last call, oldest first: (assigned or revoked, which)."""
        while self._changes:
            yield self._changes.popleft()

    def touched(self) -> frozenset[Partition]:
        """Partitions with changes that were not yet followed."""
        return frozenset().union(*(partitions for _, partitions in list(self._changes)))


def as_record(record: Any) -> Record:
    """kafka-python's record as ours. A null header value becomes empty: no header we read tells the two apart."""
    headers = tuple((name, value or b"") for name, value in record.headers or ())
    return Record(record.topic, record.partition, record.offset, record.key, record.value, headers, record.timestamp)
