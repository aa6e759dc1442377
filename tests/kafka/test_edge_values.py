"""The pure parts of the Kafka edge: where to begin, who stands still, what a refusal means, headers, settings, logs."""

from __future__ import annotations

import logging
import struct
from datetime import UTC, datetime
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, errors
from pydantic import ValidationError

from jknbridge.fhir.records import Record
from jknbridge.reasons import Reason
from jknbridge_consumers.client import last_words, masked, quiet_kafka_logging
from jknbridge_consumers.commits import read_mark, write_mark
from jknbridge_consumers.dead_letters import dead_letter_headers, dead_letter_topic
from jknbridge_consumers.intake_host import LedgerMark
from jknbridge_consumers.kafka_settings import PROMISED, KafkaSettings
from jknbridge_consumers.positions import Seek, SourceStopped, parse_start, place
from jknbridge_consumers.refusals import TABLE, judge
from jknbridge_consumers.watchdog import Watchdog

P = ("fhir.encounter", 2)
CARD = "0009999123456"


# -- where to begin ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "offset", "first"),
    [
        ({"ledger": 7}, 7, False),
        ({"ledger": 5}, 5, False),  # exactly the beginning
        ({"ledger": 9}, 9, False),  # exactly the end: nothing new
        ({"ledger": None, "start": "awal"}, 5, True),
        ({"ledger": None, "start": "sekarang"}, 9, True),
        ({"ledger": None, "start": "sekarang", "topic_known": True}, 5, True),
        ({"ledger": None, "start": None, "topic_known": True}, 5, True),
        ({"ledger": None, "start": datetime(2026, 1, 1, tzinfo=UTC), "at_time": 6}, 6, True),
        ({"ledger": None, "start": datetime(2026, 1, 1, tzinfo=UTC), "at_time": None}, 9, True),
    ],
)
def test_place(options: dict[str, Any], offset: int, first: bool) -> None:
    assert place(P, **{"begin": 5, "end": 9, "start": "awal", **options}) == Seek(offset, first)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"ledger": 10}, "kafka.beyond_end"),
        ({"ledger": 4}, "kafka.before_beginning"),
        ({"ledger": None, "start": None}, "kafka.no_start"),
    ],
)
def test_place_stops_instead_of_guessing(options: dict[str, Any], code: str) -> None:
    answer = place(P, **{"begin": 5, "end": 9, "start": "awal", **options})
    assert isinstance(answer, SourceStopped)
    assert (answer.topic, answer.partition, answer.reason.code) == (*P, code)


def test_parse_start() -> None:
    assert (parse_start("awal"), parse_start("sekarang")) == ("awal", "sekarang")
    moment = parse_start("2026-11-01T00:00:00+07:00")
    assert moment == datetime(2026, 10, 31, 17, tzinfo=UTC)
    for wrong in ("2026-11-01T00:00:00", "kemarin", ""):
        with pytest.raises(ValueError, match="mulai_dari"):
            parse_start(wrong)


# -- who stands still --------------------------------------------------------------------------------------------------


def test_watchdog_bites_only_who_stands_still_below_the_end() -> None:
    dog = Watchdog(patience=60)
    assert dog.look({P: 5}, {P: 9}, now=0) == []
    assert dog.look({P: 5}, {P: 12}, now=59) == []
    assert dog.look({P: 5}, {P: 12}, now=60) == [P]
    assert dog.look({P: 6}, {P: 12}, now=61) == []  # it moved: a new wait
    assert dog.look({P: 6}, {P: 12}, now=120) == []
    assert dog.look({P: 12}, {P: 12}, now=500) == []  # nothing to read is no stall
    assert dog.look({P: 12}, {P: 13}, now=501) == []  # and the wait begins with the record
    assert dog.look({P: 12}, {P: 13}, now=561) == [P]


def test_watchdog_forgets_waits_that_were_ours_and_partitions_that_left() -> None:
    dog = Watchdog(patience=60)
    dog.look({P: 5}, {P: 9}, now=0)
    dog.forget()
    assert dog.look({P: 5}, {P: 9}, now=100) == []
    assert dog.look({}, {P: 9}, now=200) == []  # paused or revoked
    assert dog.look({P: 5}, {P: 9}, now=300) == []


# -- refusals and marks ------------------------------------------------------------------------------------------------


def test_a_refusal_is_about_the_row_everything_else_about_the_broker() -> None:
    for kind, (code, final) in TABLE.items():
        refusal = judge(kind("x"), "jkn.hasil.v1", 12)
        assert refusal is not None
        assert (refusal.reason.code, refusal.final) == (code, final)
    for kind in (errors.KafkaTimeoutError, errors.KafkaConnectionError, errors.OutOfOrderSequenceNumberError, OSError):
        assert judge(kind("x"), "jkn.hasil.v1", 12) is None


def test_marks_come_back_and_foreign_metadata_is_no_mark() -> None:
    mark = LedgerMark("3f2a", 41)
    assert read_mark(write_mark(mark)) == mark
    for foreign in (None, "", "x", "[]", '{"ledger":"a"}', '{"ledger":"a","sequence":"b"}', "7"):
        assert read_mark(foreign) is None


# -- dead letters ------------------------------------------------------------------------------------------------------


def test_dead_letter_headers_are_springs_and_hold_no_card() -> None:
    original = (
        ("ce_type", b"org.hl7.fhir.updated"),
        ("ce_subject", f"Patient/{CARD}".encode()),
        ("content-type", b"application/json"),
        ("trace", b"abc"),
    )
    record = Record("fhir.encounter", 3, 2**40, CARD.encode(), b"not json", original, 1_795_302_035_079)
    headers = dict(dead_letter_headers(record, Reason.of("kafka.no_start", topic="t"), group="jknbridge"))
    assert headers["kafka_dlt-original-topic"] == b"fhir.encounter"
    assert headers["kafka_dlt-original-partition"] == struct.pack(">i", 3)
    assert headers["kafka_dlt-original-offset"] == struct.pack(">q", 2**40)
    assert headers["kafka_dlt-original-timestamp"] == struct.pack(">q", 1_795_302_035_079)
    assert headers["kafka_dlt-original-timestamp-type"] == b"NoTimestampType"
    assert headers["kafka_dlt-original-consumer-group"] == b"jknbridge"
    assert headers["kafka_dlt-exception-fqcn"] == b"org.jknbridge.DeadLetter"
    assert b"mulai_dari" in headers["kafka_dlt-exception-message"]
    assert headers["x-jkn-reason"] == b"kafka.no_start"
    assert "belum pernah dibaca" in headers["x-jkn-reason-id"].decode()
    assert {"ce_type", "content-type"} <= headers.keys()
    assert not {"ce_subject", "trace"} & headers.keys()
    assert CARD.encode() not in b"".join(headers.values())
    logged = dead_letter_headers(record, Reason.of("kafka.no_start", topic="t"), group="g", timestamp_type=1)
    assert dict(logged)["kafka_dlt-original-timestamp-type"] == b"LogAppendTime"
    assert dead_letter_topic("fhir.encounter") == "fhir.encounter-dlt"


# -- settings ----------------------------------------------------------------------------------------------------------


def test_every_option_is_one_kafka_python_knows() -> None:
    settings = KafkaSettings(group_instance_id="w1", tambahan={"fetch_min_bytes": 10, "batch_size": 1000})
    for client, options in (
        (KafkaConsumer, settings.consumer_options()),
        (KafkaProducer, settings.producer_options()),
        (KafkaAdminClient, settings.admin_options()),
    ):
        assert options.keys() <= client.DEFAULT_CONFIG.keys()
    assert settings.consumer_options()["fetch_min_bytes"] == 10
    assert "fetch_min_bytes" not in settings.producer_options()
    assert settings.producer_options()["batch_size"] == 1000


def test_what_promises_rest_on_is_set() -> None:
    consumer = KafkaSettings().consumer_options()
    assert (consumer["enable_auto_commit"], consumer["auto_offset_reset"]) == (False, "none")
    assert consumer["allow_auto_create_topics"] is False
    producer = KafkaSettings().producer_options()
    assert (producer["acks"], producer["enable_idempotence"], producer["compression_type"]) == ("all", True, "lz4")
    assert producer["max_request_size"] == 16 * 1024 * 1024


@pytest.mark.parametrize(
    "name", [*sorted(PROMISED), "group_id", "no_such_option", "ssl_context", "sasl_plain_password"]
)
def test_further_options_are_checked_by_name(name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        KafkaSettings(tambahan={name: "x"})


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"security_protocol": "SASL_SSL"}, "sasl_mechanism"),
        ({"heartbeat_interval_ms": 9_000}, "heartbeat_interval_ms"),
        ({"delivery_timeout_ms": 1_000}, "delivery_timeout_ms"),
        ({"bootstrap_servers": ""}, "bootstrap_servers"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_settings_that_contradict_are_refused(wrong: dict[str, Any], match: str) -> None:
    with pytest.raises(ValidationError, match=match):
        KafkaSettings(**wrong)


def test_secrets_are_masked_and_still_reach_kafka() -> None:
    settings = KafkaSettings(
        bootstrap_servers="a:9092, b:9092",
        api_version="2.3",
        security_protocol="SASL_SSL",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_plain_username="bridge",
        sasl_plain_password="rahasia-1",
        ssl_password="rahasia-2",
        proxy_url="socks5://u:rahasia-3@proxy:1080",
    )
    assert (settings.bootstrap_servers, settings.api_version) == (("a:9092", "b:9092"), (2, 3))
    assert "rahasia" not in repr(settings) + str(settings) + settings.model_dump_json()
    options = settings.producer_options()
    assert (options["sasl_plain_password"], options["ssl_password"]) == ("rahasia-1", "rahasia-2")


def test_every_setting_describes_itself() -> None:
    assert all(setting.description for setting in KafkaSettings.model_fields.values())


# -- logs --------------------------------------------------------------------------------------------------------------


def test_kafka_loggers_do_not_print_records_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("kafka.producer.kafka").setLevel(logging.DEBUG)
    quiet_kafka_logging()
    logging.getLogger("kafka.producer.kafka").debug("Sending (value=%r)", CARD)
    logging.getLogger("kafka.net.manager").error("Connection failed: %s", f"certificate verify failed {CARD}")
    assert CARD not in caplog.text
    assert last_words() == "Connection failed: certificate verify failed ***"


def test_masked_errors_are_one_line_without_long_numbers() -> None:
    assert masked(ValueError(f"bad\nkey {CARD}")) == "ValueError: bad key ***"
