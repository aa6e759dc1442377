"""What a broker's "no" to one record means for its outbox row, as a table (DESIGN §4 step 7).

Only refusals of the record or its topic stand here. Everything else (timeouts, lost connections, a producer that must
be replaced) is the broker's trouble and no row's fault: :func:`judge` says ``None``, and the publisher waits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kafka import errors

from jknbridge.reasons import Reason
from jknbridge_consumers import reasons as _reasons  # noqa: F401  registers the texts used below


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a row was not published. ``final``: trying again without a person's change cannot help."""

    reason: Reason
    final: bool


# exception → (reason, final)
TABLE: dict[type[BaseException], tuple[str, bool]] = {
    errors.MessageSizeTooLargeError: ("kafka.too_large", True),
    errors.RecordListTooLargeError: ("kafka.too_large", True),
    errors.UnknownTopicOrPartitionError: ("kafka.topic_missing", False),
    errors.TopicAuthorizationFailedError: ("kafka.topic_refused", False),
    errors.PolicyViolationError: ("kafka.topic_refused", False),
    errors.InvalidRecordError: ("kafka.topic_refused", False),
    errors.InvalidTimestampError: ("kafka.topic_refused", False),
    errors.InvalidTopicError: ("kafka.malformed", True),
    # send() itself: neither key nor value, a topic name that cannot be, headers that are not (str, bytes)
    ValueError: ("kafka.malformed", True),
    TypeError: ("kafka.malformed", True),
}


def judge(error: BaseException, topic: str, size: int) -> Refusal | None:
    """The refusal an exception stands for, or ``None`` where the broker, not the row, is in trouble."""
    for kind, (code, final) in TABLE.items():
        if isinstance(error, kind):
            parameters: dict[str, Any] = {"topic": topic, "size": size, "error": type(error).__name__}
            return Refusal(Reason.of(code, **parameters), final)
    return None


def topic_missing(topic: str) -> Refusal:
    """The broker answered, and does not have the topic."""
    return Refusal(Reason.of("kafka.topic_missing", topic=topic), final=False)
