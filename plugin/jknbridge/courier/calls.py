"""A call as the ledger keeps it: sealed with the request, so that after a crash it can still be asked about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from jknbridge.instances import Instances
from jknbridge.targets import Call, Verb


@dataclass(frozen=True, slots=True)
class Prepared:
    """An intent that is durable and may be sent."""

    request: str
    submission: int
    journey: int
    call: Call
    lane: str | None = None


def call_box(call: Call, desired: dict[str, Any], inputs: str | None, *, adopting: bool = False) -> dict[str, Any]:
    """``desired``: what was wanted when the request left, as adapters said it, and the ``inputs`` they said it from:
    what is accepted if it succeeds.
    """
    return {
        "desired": desired,
        "inputs": inputs,
        "payload": dict(call.payload),
        "values": dict(call.values),
        "sent": dict(call.sent),
        "snapshot": None if call.snapshot is None else [dict(row) for row in call.snapshot],
        "service_date": call.service_date.isoformat() if call.service_date else None,
        "adopting": adopting,
        "duplicate": False,
    }


def call_of(
    box: dict[str, Any], request: str, instance_name: str, target: str, kind: str, verb: str, instances: Instances
) -> Call | None:
    """The call back from its box; ``None`` where the instance or kind is no longer configured."""
    instance = instances.by_name.get(instance_name)
    declared = instances.kind_of(target, kind)
    if instance is None or declared is None:
        return None
    day = box["service_date"]
    return Call(
        request=request,
        instance=instance,
        kind=declared,
        verb=Verb(verb),
        payload=box["payload"],
        values=box["values"],
        sent=box["sent"],
        snapshot=box["snapshot"],
        service_date=date.fromisoformat(day) if day else None,
    )
