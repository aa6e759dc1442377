"""Events in: one thread that owns the Kafka consumer and hands batches to the ledger (DESIGN §2.1, §4 steps 1-2, §5,
§7).

kafka-python's consumer is synchronous and not thread-safe, so it never leaves this thread. What the thread needs of the
host is small (:class:`~jknbridge_consumers.intake_host.IntakeHost`); it knows no ledger, decodes nothing and skips
nothing:

* A batch counts as taken when ``IntakeHost.store`` returned: resources *and* offsets durable in one transaction. Only
  then is Kafka's commit sent, as a copy; that it failed is counted, never acted upon.
* If the ledger refuses, the same batch is offered again, with growing pauses, while the consumer stays in its group.
* On assignment the ledger says where to read. What it says and the log cannot give stops that partition and asks a
  person.
* A broker that is not there, goes away or refuses the log-in is waited for, for ever, and said so.

Here: the thread, its status and the consumer's comings and goings. One consumer's life is in
:mod:`jknbridge_consumers.intake_session`, where to begin in :mod:`~jknbridge_consumers.positions`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from jknbridge.errors import LeaseLost
from jknbridge_consumers.client import Opened, last_words, masked, open_consumer
from jknbridge_consumers.intake_host import ConsumerStalled, IntakeHost, IntakeStatus, StatusBoard
from jknbridge_consumers.intake_session import Session
from jknbridge_consumers.kafka_settings import KafkaSettings
from jknbridge_consumers.positions import Start

log = structlog.stdlib.get_logger("jknbridge.intake")


class IntakeThread:
    """Reads the topics of all sources into the host, from :meth:`start` until :meth:`stop`.

    ``starts``: topic → ``mulai_dari``, ``None`` where it was not chosen (such a topic stops until it is). ``now`` and
    ``monotonic`` are the clocks (epoch seconds; seconds that never run backwards). ``open_client`` makes a consumer.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        starts: Mapping[str, Start | None],
        host: IntakeHost,
        *,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        open_client: Callable[[KafkaSettings], Opened[Any]] = open_consumer,
        retry_first: float = 0.5,
        retry_longest: float = 15.0,
        look_every: float = 5.0,
    ) -> None:
        self._settings = settings
        self._starts = dict(starts)
        self._host = host
        self._now = now
        self._monotonic = monotonic
        self._open = open_client
        self._retry = (retry_first, retry_longest)
        self._look_every = look_every
        self._board = StatusBoard()
        self._stopping = threading.Event()
        self._reconsider = threading.Event()
        self._said_waiting: float | None = None
        self._thread = threading.Thread(target=self._run, name="jknbridge-intake", daemon=True)

    def start(self) -> None:
        """Begin; returns at once, whether or not a broker is there."""
        self._thread.start()

    def stop(self, timeout: float | None = None) -> bool:
        """Finish the batch in hand, commit, leave the group. True if that was done within ``timeout`` seconds.

        A batch the ledger refuses is dropped from hand: its offsets are not stored, so it is read again at the next
        start.
        """
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(self._settings.berhenti_maks_detik if timeout is None else timeout)
        return not self._thread.is_alive()

    def reconsider(self) -> None:
        """Ask the host for the positions of stopped partitions again, after a person decided. Returns at once."""
        self._reconsider.set()

    @property
    def status(self) -> IntakeStatus:
        return self._board.read()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    # -- on the intake's own thread ------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            pause, longest = self._retry
            while not self._stopping.is_set():
                pause = self._one_consumer(pause)
                self._stopping.wait(pause)
                pause = min(pause * 2, longest)
        finally:
            self._board.write(phase="stopped", connected=False, assigned=(), lag={})
            log.info("intake_stopped")

    def _one_consumer(self, pause: float) -> float:
        """Open a consumer and use it up. Returns how long to wait before the next: the first pause again if it had
        worked.
        """
        first, _ = self._retry
        try:
            opened = self._open(self._settings)
        except Exception as error:
            why = last_words() or masked(error)
            self._board.write(phase="waiting_for_broker", connected=False, last_error=why)
            self._say_waiting(why)
            return pause
        self._board.count(consumers_made=1)
        session = Session(
            opened=opened,
            settings=self._settings,
            starts=self._starts,
            host=self._host,
            board=self._board,
            stopping=self._stopping,
            reconsider=self._reconsider,
            say_waiting=self._say_waiting,
            now=self._now,
            monotonic=self._monotonic,
            retry=self._retry,
            look_every=self._look_every,
        )
        try:
            session.run()
        except LeaseLost as error:
            self._board.write(last_error=masked(error))
            log.error("intake_gives_up", error=masked(error))
            self._stopping.set()
        except ConsumerStalled as error:
            self._board.count(stalls=1)
            self._board.write(last_error=masked(error))
            log.error("intake_consumer_stalled", error=masked(error))
        except Exception as error:
            self._board.write(last_error=masked(error))
            log.error("intake_consumer_failed", error=masked(error))
        finally:
            session.close()
            self._board.write(connected=False, assigned=(), lag={})
        return first if session.worked else pause

    def _say_waiting(self, why: str | None) -> None:
        """A log line when the broker is found missing, then one every ``kabar_detik``. ``None``: it is there again."""
        now = self._monotonic()
        if why is None:
            if self._said_waiting is not None:
                log.info("intake_broker_is_back")
            self._said_waiting = None
        elif self._said_waiting is None or now - self._said_waiting >= self._settings.kabar_detik:
            self._said_waiting = now
            log.warning("intake_waits_for_broker", servers=self._settings.bootstrap_servers, error=why)
