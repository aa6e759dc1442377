"""Results, contacts and dead letters out: one thread that empties the outbox into Kafka (DESIGN §4 step 7, §5).

A row is marked published after *its own* record's future resolved, never before and never by a high-water mark. A crash
between the two sends the row again: ids and revisions are deterministic, so a repeat is harmless, a loss would not be.
The producer is idempotent with acks=all; transactions are not used (a killed broker made a commit return with its
records unwritten).

What happens to a row, by what the broker said:

==================================  ============================================================================
acknowledged                        ``Outbox.published``
too large, or no record at all      ``Outbox.failed`` with ``final=True``: a person must change something first
topic missing, refused by ACL       ``Outbox.failed``: the outbox offers it again later, other rows go on
no broker, timeout, anything else   nothing is said: the rows are taken again, in order, once the broker is back
==================================  ============================================================================

Rows taken but neither published nor failed are still the outbox's: :meth:`Outbox.take` gives them again.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast

import structlog
from kafka.errors import KafkaTimeoutError

from jknbridge.checkpoints import reached
from jknbridge.errors import LeaseLost
from jknbridge_consumers.client import Opened, last_words, masked, open_producer
from jknbridge_consumers.kafka_settings import KafkaSettings
from jknbridge_consumers.refusals import Refusal, judge, topic_missing

log = structlog.stdlib.get_logger("jknbridge.publisher")

SLICE = 0.2
"""Seconds between two looks at "should I stop?" while a future is awaited."""


@dataclass(frozen=True, slots=True)
class OutRow:
    """One row of the outbox. ``value`` ``None`` with a key is a tombstone."""

    id: int
    topic: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]

    @property
    def size(self) -> int:
        return len(self.key or b"") + len(self.value or b"") + sum(len(name) + len(text) for name, text in self.headers)


class Outbox(Protocol):
    """What the publisher needs of the ledger. Called on its thread; may block.

    It may raise, then it is asked again; :class:`~jknbridge.errors.LeaseLost` ends the publisher.
    """

    def take(self, limit: int, /) -> list[OutRow]:
        """The oldest rows that are due, in order of id; neither published, nor parked, nor waiting after a failure."""
        ...

    def published(self, ids: Sequence[int], /) -> None:
        """The broker has these."""
        ...

    def failed(self, ids: Sequence[int], refusal: Refusal, /) -> None:
        """The broker does not take these rows. ``refusal.final``: park them, else offer them again later."""
        ...


@dataclass(frozen=True, slots=True)
class PublisherStatus:
    """A snapshot. ``waiting_since``: epoch seconds since when no broker took anything; ``None`` while things work."""

    alive: bool = False
    published: int = 0
    failed: int = 0
    waiting_since: float | None = None
    last_published: float | None = None
    last_error: str | None = None


class Publisher:
    """Sends what the outbox holds, from :meth:`start` until :meth:`stop`; :meth:`notify` says that there is more.

    ``look_again``: seconds after which the outbox is looked at without a call, for rows whose waiting time after a
    failure is over, and for rows another process wrote.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        outbox: Outbox,
        *,
        limit: int = 500,
        look_again: float = 5.0,
        retry_first: float = 0.5,
        retry_longest: float = 15.0,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        open_client: Callable[[KafkaSettings], Opened[Any]] = open_producer,
    ) -> None:
        self._settings = settings
        self._outbox = outbox
        self._limit = limit
        self._look_again = look_again
        self._retry = (retry_first, retry_longest)
        self._now = now
        self._monotonic = monotonic
        self._open = open_client
        self._opened: Opened[Any] | None = None
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._give_up_at: float | None = None
        self._said_waiting: float | None = None
        self._missing: dict[str, float] = {}
        self._lock = threading.Lock()
        self._status = PublisherStatus()
        self._thread = threading.Thread(target=self._run, name="jknbridge-publisher", daemon=True)

    def start(self) -> None:
        """Begin; returns at once, whether or not a broker is there."""
        self._show(alive=True)
        self._thread.start()

    def notify(self) -> None:
        """The outbox has new rows. Any thread; cheap; calls may fall together."""
        self._wake.set()

    def stop(self, timeout: float | None = None) -> bool:
        """Wait for the rows in hand, mark them, close. True if done within ``timeout`` seconds. Takes no new rows."""
        budget = self._settings.berhenti_maks_detik if timeout is None else timeout
        self._give_up_at = self._monotonic() + budget * 0.6
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(budget)
        return not self._thread.is_alive()

    @property
    def status(self) -> PublisherStatus:
        with self._lock:
            return self._status

    # -- on the publisher's own thread ---------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._wake.clear()  # before looking: a notify that comes while we look wakes us again
                self._empty()
                self._wake.wait(self._look_again)
        except LeaseLost as error:
            self._show(last_error=masked(error))
            log.error("publisher_gives_up", error=masked(error))
        finally:
            self._drop_producer()
            self._show(alive=False)
            log.info("publisher_stopped")

    def _empty(self) -> None:
        """Publish until the outbox has nothing due; trouble with broker or ledger is waited out here."""
        pause, longest = self._retry
        while not self._stopping.is_set():
            try:
                rows = self._outbox.take(self._limit)
                if not rows:
                    return
                self._publish(rows)
                pause = self._retry[0]
            except LeaseLost:
                raise
            except Exception as error:
                self._drop_producer()
                why = masked(error)
                if isinstance(error, KafkaTimeoutError | TimeoutError):
                    why = last_words() or why
                self._waiting(why)
                self._stopping.wait(pause)
                pause = min(pause * 2, longest)

    def _publish(self, rows: Sequence[OutRow]) -> None:
        """Send ``rows``, await each, tell the outbox. Raises what stands for "the broker is not there" after telling
        it.
        """
        if self._opened is None:
            self._opened = self._open(self._settings)
        sent: list[tuple[OutRow, Any]] = []
        refused: list[tuple[OutRow, Refusal]] = []
        trouble: Exception | None = None
        for row in rows:
            reached("produce.before")
            outcome = self._send(row)
            if isinstance(outcome, Refusal):
                refused.append((row, outcome))
            elif isinstance(outcome, Exception):
                trouble = outcome
                break  # rows after it wait with it, so that order is kept
            else:
                sent.append((row, outcome))
        done: list[int] = []
        for row, future in sent:
            error = self._await(future)
            if error is None:
                reached("produce.after")
                done.append(row.id)
                continue
            refusal = judge(error, row.topic, row.size)
            if refusal is None:
                trouble = error
            else:
                refused.append((row, refusal))
        self._tell(done, refused)
        if trouble is not None:
            raise trouble

    def _send(self, row: OutRow) -> Any:
        """The record's future, a :class:`Refusal`, or the exception that says that the broker is not there."""
        assert self._opened is not None
        asked = self._monotonic()
        if asked < self._missing.get(row.topic, 0.0):
            # Asked lately. Each question costs max_block_ms, and other topics' rows wait meanwhile.
            return topic_missing(row.topic)
        try:
            return self._opened.client.send(row.topic, key=row.key, value=row.value, headers=row.headers)
        except Exception as error:
            if isinstance(error, KafkaTimeoutError) and (self._opened.metadata_at or 0.0) > asked:
                # The broker answered the question for metadata, and the topic was not in it.
                self._missing[row.topic] = self._monotonic() + self._settings.kabar_detik
                return topic_missing(row.topic)
            return judge(error, row.topic, row.size) or error

    def _await(self, future: Any) -> Exception | None:
        """Wait for one record's own answer. kafka-python fails it after ``delivery_timeout_ms`` at the latest."""
        overdue = self._monotonic() + (self._settings.delivery_timeout_ms + self._settings.request_timeout_ms) / 1000
        while not future.is_done:
            now = self._monotonic()
            if now >= overdue or (self._give_up_at is not None and now >= self._give_up_at):
                return TimeoutError("no answer for a sent record")
            with contextlib.suppress(Exception):  # a slice's end and the record's own failure look alike
                future.get(timeout=SLICE)
        return cast("Exception | None", future.exception)

    def _tell(self, done: list[int], refused: list[tuple[OutRow, Refusal]]) -> None:
        """Mark rows in the outbox, however long the ledger takes: sending them again should stay the exception."""
        by_refusal: dict[Refusal, list[int]] = {}
        for row, refusal in refused:
            by_refusal.setdefault(refusal, []).append(row.id)
        if done:
            self._persist(lambda: self._outbox.published(done))
        for refusal, ids in by_refusal.items():
            self._persist(lambda ids=ids, refusal=refusal: self._outbox.failed(ids, refusal))  # type: ignore[misc]
            log.warning("publisher_rows_refused", rows=len(ids), reason=refusal.reason.en, final=refusal.final)
        with self._lock:
            self._status = replace(
                self._status,
                published=self._status.published + len(done),
                failed=self._status.failed + len(refused),
                last_published=self._now() if done else self._status.last_published,
            )
        if done or refused:
            self._working()

    def _persist(self, step: Callable[[], None]) -> None:
        pause, longest = self._retry
        while True:
            try:
                return step()
            except LeaseLost:
                raise
            except Exception as error:
                if self._give_up_at is not None and self._monotonic() >= self._give_up_at:
                    raise
                log.warning("publisher_ledger_refuses", error=masked(error), again_in=pause)
                self._show(last_error=masked(error))
                self._stopping.wait(min(pause, SLICE) if self._stopping.is_set() else pause)
                pause = min(pause * 2, longest)

    # -- broker there, broker gone -------------------------------------------------------------------------------------

    def _drop_producer(self) -> None:
        """Close without waiting: what is unsent stays in the outbox, and close() with unsent records raises anyway."""
        opened, self._opened = self._opened, None
        if opened is None:
            return
        try:
            opened.client.close(timeout=0.5)
        except Exception as error:
            log.info("publisher_producer_closed_with_unsent_rows", error=masked(error))

    def _waiting(self, why: str) -> None:
        since = self.status.waiting_since
        self._show(last_error=why, waiting_since=self._now() if since is None else since)
        now = self._monotonic()
        if self._said_waiting is None or now - self._said_waiting >= self._settings.kabar_detik:
            self._said_waiting = now
            log.warning("publisher_waits_for_broker", servers=self._settings.bootstrap_servers, error=why)

    def _working(self) -> None:
        if self.status.waiting_since is not None:
            log.info("publisher_works_again")
        self._said_waiting = None
        self._show(waiting_since=None, last_error=None)

    def _show(self, **changes: Any) -> None:
        with self._lock:
            self._status = replace(self._status, **changes)
