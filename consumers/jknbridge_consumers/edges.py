"""The one place where Kafka and the host meet: the intake's and the publisher's protocols, answered from the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import structlog

from jknbridge.fhir.records import Record
from jknbridge.host import Host
from jknbridge.ledger import offsets, outbox
from jknbridge.reasons import Reason
from jknbridge_consumers.dead_letters import dead_letter_headers
from jknbridge_consumers.intake import IntakeThread
from jknbridge_consumers.intake_host import LedgerMark, Witness
from jknbridge_consumers.kafka_settings import KafkaSettings
from jknbridge_consumers.positions import Partition, SourceStopped, Start, parse_start
from jknbridge_consumers.publisher import OutRow, Publisher
from jknbridge_consumers.refusals import Refusal

log = structlog.get_logger("jknbridge.kafka")


class LedgerIntake:
    """Answers what the intake asks of its host. Called on the intake's thread."""

    def __init__(self, host: Host, group: str) -> None:
        self._host = host
        self._group = group
        self._at_start = host.ledger.read_now(offsets.sequence)
        self._placed: set[str] = set()

    def store(self, batch: Sequence[Record], /) -> LedgerMark:
        taken = self._host.take_in(batch, self._headers)
        return LedgerMark(self._host.ledger.id, taken.sequence)

    def _headers(self, record: Record, reason: Reason) -> list[tuple[str, bytes]]:
        return dead_letter_headers(record, reason, group=self._group)

    def positions(self, partitions: Sequence[Partition], /) -> Mapping[Partition, int | None]:
        topics = {topic for topic, _ in partitions}
        self._placed |= topics
        self._host.witness_seen(topics)
        return self._host.ledger.read_now(lambda c: offsets.positions(c, partitions))

    def knows_topic(self, topic: str, /) -> bool:
        return self._host.ledger.read_now(lambda c: offsets.knows_topic(c, topic))

    def placed(self, placed: Mapping[Partition, int], /) -> None:
        self._host.ledger.write_now(lambda c: offsets.placed(c, placed))

    def witnessed(self, found: Mapping[Partition, Witness], /) -> None:
        """Kafka remembers a later sequence of this very ledger: it was restored from a backup, so every add is looked
        up first (DESIGN §2.1). The positions are the ledger's own, so reading goes back by itself.
        """
        ours = self._host.ledger.read_now(offsets.sequence)
        later = [
            w
            for (topic, _), w in found.items()
            # a topic met for the first time is compared with the start: other topics were read since
            if w.mark
            and w.mark.ledger == self._host.ledger.id
            and w.mark.sequence > (ours if topic in self._placed else self._at_start)
        ]
        if later:
            log.error("ledger_behind_its_witness", ledger=ours, witness=max(w.mark.sequence for w in later if w.mark))
            now = self._host.clock.now()
            self._host.ledger.write_now(lambda c: offsets.be_cautious(c, now))

    def source_stopped(self, stopped: SourceStopped, /) -> None:
        log.error("source_stopped", topic=stopped.topic, partition=stopped.partition, reason=stopped.reason.id)
        place = (stopped.topic, stopped.partition)
        self._host.ledger.write_now(lambda c: offsets.stopped(c, place, stopped.reason))


class LedgerOutbox:
    """Answers what the publisher asks. Called on the publisher's thread."""

    def __init__(self, host: Host, retry: float = 30.0) -> None:
        self._host = host
        self._retry = retry

    def take(self, limit: int, /) -> list[OutRow]:
        vault, now = self._host.ledger.vault, self._host.clock.now()
        rows = self._host.ledger.read_now(lambda c: outbox.take(c, vault, now, limit))
        return [OutRow(row.id, row.topic, row.key, row.value, row.headers) for row in rows]

    def published(self, ids: Sequence[int], /) -> None:
        now = self._host.clock.now()
        self._host.ledger.write_now(lambda c: outbox.published(c, ids, now))

    def failed(self, ids: Sequence[int], refusal: Refusal, /) -> None:
        again = self._host.clock.now() + self._retry
        self._host.ledger.write_now(lambda c: outbox.failed(c, ids, refusal.reason, refusal.final, again))


class IntakeEdge:
    """Events in, for as long as the worker runs."""

    name = "kafka-in"

    def __init__(self, host: Host, settings: KafkaSettings) -> None:
        starts: dict[str, Start | None] = {}
        for source in host.settings.sumber.values():
            starts |= dict.fromkeys(source.topics, parse_start(source.mulai_dari))
        self._thread = IntakeThread(settings, starts, LedgerIntake(host, settings.group_id))
        self._reads = bool(starts)
        self._host = host
        self._asked: dict[Partition, int | None] = {}

    def start(self) -> None:
        if self._reads:
            self._thread.start()

    def notify(self) -> None:
        """Something in the ledger changed: perhaps a person decided from where a stopped partition is to be read."""
        stopped = [(s.topic, s.partition) for s in self._thread.status.stopped]
        if stopped:
            now = self._host.ledger.read_now(lambda c: offsets.positions(c, stopped))
            if now != self._asked:
                self._asked = now
                self._thread.reconsider()

    def stop(self) -> None:
        self._thread.stop()

    def status(self) -> dict[str, Any]:
        status = asdict(self._thread.status)
        status["lag"] = {f"{topic}-{number}": lag for (topic, number), lag in status["lag"].items()}
        return status


class PublishEdge:
    """Contacts, results and dead letters out, for as long as the worker runs."""

    name = "kafka-out"

    def __init__(self, host: Host, settings: KafkaSettings) -> None:
        self._publisher = Publisher(settings, LedgerOutbox(host))

    def start(self) -> None:
        self._publisher.start()

    def notify(self) -> None:
        self._publisher.notify()

    def stop(self) -> None:
        self._publisher.stop()

    def status(self) -> dict[str, Any]:
        return asdict(self._publisher.status)


def edges(host: Host) -> list[IntakeEdge | PublishEdge]:
    settings = host.settings.bagian["kafka"]
    assert isinstance(settings, KafkaSettings)
    # Publishing stops last, so that what the intake's last batch put in the outbox can still leave.
    return [IntakeEdge(host, settings), PublishEdge(host, settings)]
