"""What left on Kafka, read back with a real consumer: contacts (newest revision each) and dead letters; Angka Kontak.

Read as any other program would: whole topics, no group, highest revision per id wins (DESIGN §2.6).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kafka import TopicPartition

from jknbridge.contacts import TOPIC, Kontak
from jknbridge_consumers.client import open_consumer
from jknbridge_consumers.dead_letters import dead_letter_topic
from jknbridge_consumers.demo.people import Clinic
from jknbridge_consumers.kafka_settings import KafkaSettings


@dataclass(frozen=True, slots=True)
class ReadBack:
    """``contacts``: the newest state of each id. ``events``: all contact records. ``dead_letters``: on all ``-dlt``."""

    contacts: Sequence[Kontak]
    events: int
    dead_letters: int


def read_back(settings: KafkaSettings, topics: Iterable[str]) -> ReadBack:
    graves = [dead_letter_topic(topic) for topic in topics]
    found = _whole(settings, [TOPIC, *graves])
    events = [Kontak.model_validate_json(value) for value in found[TOPIC] if value is not None]
    newest: dict[str, Kontak] = {}
    for event in events:
        if event.id not in newest or event.revision > newest[event.id].revision:
            newest[event.id] = event
    return ReadBack(list(newest.values()), len(events), sum(len(found[topic]) for topic in graves))


def _whole(settings: KafkaSettings, topics: Sequence[str]) -> dict[str, list[bytes | None]]:
    """Every record of these topics from beginning to end."""
    values: dict[str, list[bytes | None]] = {topic: [] for topic in topics}
    reader = settings.model_copy(update={"group_id": f"{settings.group_id}-pembaca", "client_id": "demo-pembaca"})
    consumer: Any = open_consumer(reader).client
    try:
        places = [TopicPartition(t, p) for t in topics for p in consumer.partitions_for_topic(t) or ()]
        ends = consumer.end_offsets(places)
        places = [place for place in places if ends[place] > 0]
        consumer.assign(places)
        for place in places:
            consumer.seek(place, 0)
        while any(consumer.position(place) < ends[place] for place in places):
            for place, records in consumer.poll(timeout_ms=500).items():
                values[place.topic] += [record.value for record in records]
    finally:
        consumer.close()
    return values


# --- Angka Kontak -----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Rate:
    """One clinic's contact rate for the day: distinct participants that count, and contacts that do not, by gate."""

    clinic: Clinic
    participants: set[str] = field(default_factory=set)
    excluded: Counter[str] = field(default_factory=Counter)

    @property
    def per_thousand(self) -> float:
        return len(self.participants) * 1000 / self.clinic.registered


GATES: Mapping[str, str] = {
    "belum selesai": "Encounter not finished (gate 0.2)",
    "tamu": "registered elsewhere (gate 0.3)",
    "tidak aktif": "not active (gate 0.3)",
}


def gate(contact: Kontak) -> str | None:
    """Why a recorded contact does not count for Angka Kontak (kontak §4, gates 0.2 and 0.3), or ``None``."""
    if contact.encounter_status != "finished":
        return "belum selesai"
    if contact.registered_here is not True:
        return "tamu"
    return None if contact.active is True else "tidak aktif"


def rates(contacts: Iterable[Kontak], clinics: Iterable[Clinic]) -> list[Rate]:
    found = {clinic.code: Rate(clinic) for clinic in clinics}
    for contact in contacts:
        rate = found.get(contact.facility)
        if rate is None or contact.state != "recorded":
            continue
        closed = gate(contact)
        if closed is None:
            rate.participants.add(contact.participant)
        else:
            rate.excluded[closed] += 1
    return list(found.values())
