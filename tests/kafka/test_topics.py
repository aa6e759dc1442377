"""What ``doctor`` says of topics. The mock cluster neither creates topics by request nor tells their settings, which is
what a broker with strict ACLs looks like: every answer must be a finding, none an exception."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jknbridge_consumers.broker import MockBroker
from jknbridge_consumers.kafka_settings import KafkaSettings
from jknbridge_consumers.topics import FHIR_TOPICS, TopicNeed, _satisfies, check, ensure, needed


def test_what_is_needed() -> None:
    by_name = {need.name: need for need in needed(FHIR_TOPICS, KafkaSettings())}
    assert len(by_name) == 2 * len(FHIR_TOPICS) + 2
    assert by_name["jkn.kbk.kontak.v1"].configs["cleanup.policy"] == "compact"
    assert not by_name["fhir.encounter"].ours
    assert by_name["fhir.encounter-dlt"].ours
    assert by_name["fhir.encounter-dlt"].configs["max.message.bytes"] == str(16 * 1024 * 1024)


def test_each_answer_is_a_finding(settings: KafkaSettings, topic: str) -> None:
    needs = [
        TopicNeed(topic, ours=False),
        TopicNeed("absent.theirs", ours=False),
        TopicNeed("absent.ours", ours=True),
        TopicNeed(topic, ours=True, configs={"cleanup.policy": "compact"}),
    ]
    assert [(finding.severity, finding.reason.code) for finding in ensure(settings, needs)] == [
        ("baik", "kafka.topic_fine"),
        ("gagal", "kafka.topic_absent"),
        ("gagal", "kafka.topic_not_created"),
        ("peringatan", "kafka.topic_settings_hidden"),
    ]
    assert [finding.reason.code for finding in check(settings, needs[:3])] == [
        "kafka.topic_fine",
        "kafka.topic_absent",
        "kafka.topic_absent",
    ]


def test_no_broker_is_one_finding(proxy: Any, settings_for: Callable[..., KafkaSettings]) -> None:
    (finding,) = check(settings_for(proxy.bootstrap, "g", bootstrap_timeout_ms=200), needed(["t"], KafkaSettings()))
    assert (finding.severity, finding.reason.code) == ("gagal", "kafka.topics_hidden")


def test_settings_are_judged_as_minima() -> None:
    assert _satisfies("cleanup.policy", "compact,delete", "compact")
    assert not _satisfies("cleanup.policy", "delete", "compact")
    assert _satisfies("max.message.bytes", "20000000", "16777216")
    assert not _satisfies("max.message.bytes", "1048588", "16777216")
    assert _satisfies("retention.ms", "-1", "1000")


def test_the_mock_broker_makes_topics_twice_without_harm(broker: MockBroker, topic: str) -> None:
    broker.create_topics([topic, topic])
