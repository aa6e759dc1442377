"""Opens kafka-python's clients, and keeps their logs from saying too much or too often (DESIGN §7, §2.9).

Three traps of kafka-python 3.0.12 are dealt with here, so that nobody else meets them:

* A constructor that finds no broker raises, and leaves its I/O thread running with nothing left to close it. Retrying
  for ever would leak a thread each time: the client is caught on its way in, and closed when the constructor fails.
* At DEBUG its loggers print key, value and headers of every record: they are pinned to WARNING, whatever the program's
  own level is.
* A lost broker writes dozens of tracebacks a minute: each message goes on at most once per half minute and without one.
  The latest is kept, because a constructor that fails says only "timeout", and the log knows "certificate verify
  failed". Such a cause outlives what follows it: Kafka ends some connections of a refused log-in without a word, and
  "socket disconnected" would send people looking for the network's fault.
"""

from __future__ import annotations

import contextlib
import logging
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import structlog
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.net.compat import KafkaNetClient

from jknbridge_consumers.kafka_settings import KafkaSettings

log = structlog.stdlib.get_logger("jknbridge.kafka")

C = TypeVar("C")
_LONG_NUMBER = re.compile(r"\d{9,}")
_REPEAT_AFTER = 30.0
_CAUSE = re.compile("authenticat|authoriz|certificat|handshake", re.IGNORECASE)


def masked(error: BaseException | str) -> str:
    """An error as one short line without anything that could be a card number; safe for logs and status pages."""
    text = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
    return _LONG_NUMBER.sub("***", " ".join(text.split()))[:300]


class _Funnel(logging.Handler):
    """Where ``kafka.*`` logs to: passes on warnings, each kind at most once per half minute, without traceback."""

    def __init__(self) -> None:
        super().__init__(level=logging.WARNING)
        self.last: str | None = None
        self._cause_at = -_REPEAT_AFTER
        self._said: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        # The age of a log line needs no injected clock: nothing is decided by it.
        message = masked(record.getMessage())
        now = time.monotonic()
        if _CAUSE.search(message):
            self.last, self._cause_at = message, now
        elif not message.startswith("Bootstrap") and now - self._cause_at >= _REPEAT_AFTER:
            self.last = message  # "Bootstrap failed: timeout" would cover the line that says why
        if now - self._said.get(str(record.msg), -_REPEAT_AFTER) >= _REPEAT_AFTER:
            self._said[str(record.msg)] = now
            log.warning("kafka_client", logger=record.name, message=message)


_funnel = _Funnel()


def quiet_kafka_logging() -> None:
    """Pin every ``kafka.*`` logger to WARNING, through the funnel. Safe to call again; the openers below do."""
    root = logging.getLogger("kafka")
    root.setLevel(logging.WARNING)
    root.propagate = False
    if _funnel not in root.handlers:
        root.addHandler(_funnel)
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if name.startswith("kafka.") and isinstance(logger, logging.Logger):
            logger.setLevel(logging.NOTSET)  # a level of its own would get past the pin


def last_words() -> str | None:
    """The latest warning of kafka-python, masked: why a connection failed when the exception only says that it did."""
    return _funnel.last


class Opened(Generic[C]):
    """A client, and when its cluster metadata was last refreshed (monotonic seconds; ``None``: not yet)."""

    def __init__(self, client: C, net: KafkaNetClient, monotonic: Callable[[], float]) -> None:
        self.client = client
        self.metadata_at: float | None = None
        self._monotonic = monotonic
        net.cluster.add_listener(self._refreshed)

    def _refreshed(self, cluster: Any) -> None:
        if cluster.brokers():
            self.metadata_at = self._monotonic()


def open_consumer(settings: KafkaSettings, *, monotonic: Callable[[], float] = time.monotonic) -> Opened[KafkaConsumer]:
    """A consumer without subscription. Blocks up to ``bootstrap_timeout_ms``; raises if no broker answers."""
    return _open(KafkaConsumer, settings.consumer_options(), monotonic)


def open_producer(settings: KafkaSettings, *, monotonic: Callable[[], float] = time.monotonic) -> Opened[KafkaProducer]:
    """An idempotent producer. Blocks up to ``bootstrap_timeout_ms``; raises if no broker answers."""
    return _open(KafkaProducer, settings.producer_options(), monotonic)


def open_admin(settings: KafkaSettings, *, monotonic: Callable[[], float] = time.monotonic) -> Opened[KafkaAdminClient]:
    """An admin client. Blocks up to ``bootstrap_timeout_ms``; raises if no broker answers."""
    return _open(KafkaAdminClient, settings.admin_options(), monotonic)


def _open(kind: Callable[..., C], options: Mapping[str, Any], monotonic: Callable[[], float]) -> Opened[C]:
    quiet_kafka_logging()
    made: list[KafkaNetClient] = []

    def catch(*args: Any, **kwargs: Any) -> KafkaNetClient:
        made.append(KafkaNetClient(*args, **kwargs))
        return made[-1]

    try:
        client = kind(**options, kafka_client=catch)
    except BaseException:
        for net in made:
            with contextlib.suppress(Exception):
                net.close()
        raise
    return Opened(client, made[-1], monotonic)
