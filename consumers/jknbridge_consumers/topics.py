"""The topics jknbridge reads and writes, what each needs, and whether the broker has them so (DESIGN §5; ``doctor``).

:func:`check` only looks. :func:`ensure` also creates what is missing. Neither changes an existing topic, and neither
fails: hospitals give programs no right to create topics or to read their settings, so "not allowed" is a finding like
any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from kafka.admin import ConfigResource, ConfigResourceType

from jknbridge.contacts import TOPIC as KONTAK
from jknbridge.reasons import Reason
from jknbridge_consumers import reasons as _reasons  # noqa: F401  registers the texts used below
from jknbridge_consumers.client import open_admin
from jknbridge_consumers.dead_letters import dead_letter_topic
from jknbridge_consumers.kafka_settings import KafkaSettings

HASIL = "jkn.hasil.v1"
FHIR_TOPICS = (
    "fhir.encounter",
    "fhir.patient",
    "fhir.condition",
    "fhir.observation",
    "fhir.procedure",
    "fhir.medicationrequest",
    "fhir.allergyintolerance",
    "fhir.servicerequest",
    "fhir.appointment",
)
"""What a source reads unless its ``topics`` say otherwise."""

Severity = Literal["baik", "peringatan", "gagal"]


@dataclass(frozen=True, slots=True)
class TopicNeed:
    """One topic: who fills it, and the settings without which a promise would not hold."""

    name: str
    ours: bool
    """We write it, so we may create it; the EMR's own topics we never create."""
    configs: Mapping[str, str] = field(default_factory=dict)
    partitions: int = 6


@dataclass(frozen=True, slots=True)
class Finding:
    """One line for ``doctor``."""

    severity: Severity
    topic: str
    reason: Reason


def needed(sources: Iterable[str], settings: KafkaSettings) -> list[TopicNeed]:
    """Every topic of a worker that reads ``sources``: these, their dead letters, results and contacts."""
    read = sorted(set(sources))
    size = {"max.message.bytes": str(settings.max_request_size)}
    return [
        *(TopicNeed(topic, ours=False) for topic in read),
        # A dead letter is the original record with more headers; it waits for a person, so it must outlive a holiday.
        *(
            TopicNeed(dead_letter_topic(topic), ours=True, configs={**size, "retention.ms": _days(90)})
            for topic in read
        ),
        TopicNeed(KONTAK, ours=True, configs={"cleanup.policy": "compact"}),
        TopicNeed(HASIL, ours=True, configs={**size, "cleanup.policy": "delete"}),
    ]


def check(settings: KafkaSettings, needs: Sequence[TopicNeed]) -> list[Finding]:
    """What the broker has of ``needs``, one finding or more per topic."""
    return _with_admin(settings, needs, create=False)


def ensure(settings: KafkaSettings, needs: Sequence[TopicNeed], *, replication: int = -1) -> list[Finding]:
    """:func:`check`, creating topics of ours that are missing. ``replication`` -1: the broker's default."""
    return _with_admin(settings, needs, create=True, replication=replication)


def _with_admin(
    settings: KafkaSettings, needs: Sequence[TopicNeed], *, create: bool, replication: int = -1
) -> list[Finding]:
    try:
        admin = open_admin(settings).client
    except Exception as error:
        return [Finding("gagal", "*", Reason.of("kafka.topics_hidden", error=_name(error)))]
    try:
        found = {
            topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics() if not topic["error_code"]
        }
        findings: list[Finding] = []
        for need in needs:
            if need.name in found:
                findings += _existing(admin, need, found[need.name])
            elif create and need.ours:
                findings.append(_create(admin, need, replication))
            else:
                findings.append(Finding("gagal", need.name, Reason.of("kafka.topic_absent", topic=need.name)))
        return findings
    except Exception as error:
        return [Finding("gagal", "*", Reason.of("kafka.topics_hidden", error=_name(error)))]
    finally:
        admin.close()


def _existing(admin: Any, need: TopicNeed, partitions: int) -> list[Finding]:
    fine = Finding("baik", need.name, Reason.of("kafka.topic_fine", topic=need.name, partitions=partitions))
    if not need.configs:
        return [fine]
    try:
        resource = ConfigResource(ConfigResourceType.TOPIC, need.name)
        answer = admin.describe_configs([resource], config_filter="all")
        configs: Mapping[str, Any] = answer["topic"][need.name]
    except Exception as error:
        hidden = Reason.of("kafka.topic_settings_hidden", topic=need.name, error=_name(error))
        return [Finding("peringatan", need.name, hidden)]
    wrong = []
    for name, wanted in need.configs.items():
        value = str(configs.get(name, {}).get("value", "?"))
        if not _satisfies(name, value, wanted):
            text = Reason.of("kafka.topic_setting", topic=need.name, name=name, found=value, wanted=wanted)
            wrong.append(Finding("peringatan", need.name, text))
    return wrong or [fine]


def _create(admin: Any, need: TopicNeed, replication: int) -> Finding:
    wanted = {"num_partitions": need.partitions, "replication_factor": replication, "configs": dict(need.configs)}
    try:
        admin.create_topics({need.name: wanted})
    except Exception as error:
        return Finding("gagal", need.name, Reason.of("kafka.topic_not_created", topic=need.name, error=_name(error)))
    return Finding("baik", need.name, Reason.of("kafka.topic_created", topic=need.name, partitions=need.partitions))


def _satisfies(name: str, found: str, wanted: str) -> bool:
    """Sizes and times are minima (-1: no limit); a policy must contain what is wanted (``compact,delete`` compacts)."""
    if name == "cleanup.policy":
        return wanted in [part.strip() for part in found.split(",")]
    try:
        return int(found) == -1 or int(found) >= int(wanted)
    except ValueError:
        return False


def _days(days: int) -> str:
    return str(days * 24 * 3600 * 1000)


def _name(error: BaseException) -> str:
    return type(error).__name__
