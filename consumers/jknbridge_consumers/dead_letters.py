"""Headers of a record on ``<topic>-dlt``: Spring's ``kafka_dlt-*`` names, plus ``x-jkn-*`` (DESIGN §4 step 1).

The dead letter's key and value are the original bytes; where they came from and why they are here stand in headers, so
that the tools that already read Spring's dead letters read ours. Byte formats are Spring's own
(``DeadLetterPublishingRecoverer``): partition as a big-endian int32, offset and timestamp as int64, the rest UTF-8
text.

No patient data (DESIGN §2.9): a header is a place that logs and consoles show. Reasons are texts from a table; of the
original headers only the CloudEvents attributes and the content type are kept, without which the record could not be
read again, and those only if they do not hold a run of digits as long as a card number.
"""

from __future__ import annotations

import re
import struct

from jknbridge.fhir.records import Record
from jknbridge.reasons import Reason

_KEPT = re.compile(r"ce_[a-z0-9]{1,20}|content-type", re.IGNORECASE)
_LIKE_A_CARD = re.compile(rb"[0-9]{11}")  # noKartu has 13 digits, NIK 16; an epoch second has 10
_TIMESTAMP_TYPES = {None: "NoTimestampType", 0: "CreateTime", 1: "LogAppendTime"}

FQCN = "org.jknbridge.DeadLetter"
"""Stands where Spring puts the exception's class: ours is a reason, not an exception."""


def dead_letter_topic(topic: str) -> str:
    """``<topic>-dlt``."""
    return f"{topic}-dlt"


def dead_letter_headers(
    record: Record, reason: Reason, *, group: str, timestamp_type: int | None = None
) -> list[tuple[str, bytes]]:
    """Where ``record`` came from and why it is a dead letter.

    ``group`` is the consumer group that read it; ``timestamp_type`` the record's own (0 created, 1 log append; ``None``
    where the broker did not say).
    """
    headers = [
        (name, value) for name, value in record.headers if _KEPT.fullmatch(name) and not _LIKE_A_CARD.search(value)
    ]
    headers += [
        ("kafka_dlt-original-topic", record.topic.encode()),
        ("kafka_dlt-original-partition", struct.pack(">i", record.partition)),
        ("kafka_dlt-original-offset", struct.pack(">q", record.offset)),
        ("kafka_dlt-original-timestamp", struct.pack(">q", record.timestamp_ms)),
        ("kafka_dlt-original-timestamp-type", _TIMESTAMP_TYPES[timestamp_type].encode()),
        ("kafka_dlt-original-consumer-group", group.encode()),
        ("kafka_dlt-exception-fqcn", FQCN.encode()),
        ("kafka_dlt-exception-message", reason.en.encode()),
        ("x-jkn-reason", reason.code.encode()),
        ("x-jkn-reason-id", reason.id.encode()),
        ("x-jkn-reason-en", reason.en.encode()),
        ("x-jkn-who", reason.who.encode()),
    ]
    return headers
