"""Reasons as the ledger stores them: one JSON text."""

from __future__ import annotations

from jknbridge.compact import dumps, loads
from jknbridge.reasons import Reason


def reason_text(reason: Reason | None) -> str | None:
    return None if reason is None else dumps(reason.to_json()).decode()


def stored_reason(text: str | None) -> Reason | None:
    return None if text is None else Reason.from_json(loads(text))
