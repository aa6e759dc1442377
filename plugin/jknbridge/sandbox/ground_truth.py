"""What really happened: every effect and every request, in order.

The one place a test, the demo or the judge asks. Written by the server only; rows are rendered as JSON when asked for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from jknbridge.sandbox.target import Answer, Call, Clock, Effect, Known, Shown

BRIDGE, HAND = "bridge", "hand"


def moment(time: float) -> str:
    """UTC with milliseconds, as the logs show it."""
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(slots=True)
class EffectRow:
    seq: int
    time: float
    target: str
    origin: str
    effect: Effect
    request: int | None
    late: bool

    def render(self) -> dict[str, Any]:
        effect = self.effect
        return {
            "seq": self.seq,
            "time": moment(self.time),
            "target": self.target,
            "facility": effect.facility,
            "operation": effect.operation,
            "key": effect.key,
            "payload": effect.payload,
            "origin": self.origin,
            "receipt": dict(effect.receipt),
            "identity": effect.identity,
            "natural": effect.natural,
            "request": self.request,
            "late": self.late,
        }


@dataclass(slots=True)
class RequestRow:
    """One request. `delivered`: the sandbox handed the whole answer, unspoilt, to a connection that was still open."""

    seq: int
    time: float
    target: str
    facility: str
    operation: str
    writes: bool
    method: str
    path: str
    identities: tuple[str, ...] = ()
    natural: bool = True
    status: int | None = None
    fault: str = ""
    delivered: bool = False
    effects: list[int] = field(default_factory=list)
    shown: tuple[Shown, ...] = ()

    def render(self) -> dict[str, Any]:
        return {
            "seq": self.seq,
            "time": moment(self.time),
            "target": self.target,
            "facility": self.facility,
            "operation": self.operation,
            "writes": self.writes,
            "method": self.method,
            "path": self.path,
            "identity": list(self.identities),
            "natural": self.natural,
            "status": self.status,
            "fault": self.fault,
            "delivered": self.delivered,
            "effect": bool(self.effects),
            "effects": list(self.effects),
            "shown": [
                {"scope": s.scope, "identities": list(s.identities), "first": s.first, "last": s.last, "total": s.total}
                for s in self.shown
            ],
        }


class GroundTruth:
    """Both logs. Sequence numbers are shared and never used twice, so that the order between the logs is known."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seq = 0
        self.effects: list[EffectRow] = []
        self.requests: list[RequestRow] = []

    def _next(self) -> int:
        self._seq += 1
        return self._seq

    def asked(self, target: str, known: Known, writes: bool, call: Call) -> RequestRow:
        path = f"{call.raw_path}?{call.query}" if call.query else call.raw_path
        row = RequestRow(
            self._next(), self._clock(), target, known.facility, known.operation, writes, call.method, path,
            known.identities, known.natural,
        )  # fmt: skip
        self.requests.append(row)
        return row

    def answered(self, row: RequestRow, answer: Answer, *, late: bool = False) -> None:
        """What the target did and showed. For a late effect the client saw none of it."""
        row.facility = answer.facility or row.facility
        if not late:
            row.status, row.shown = answer.status, answer.shown
        row.effects += self.happened(row.target, answer.effects, request=row.seq, late=late)

    def happened(
        self, target: str, effects: tuple[Effect, ...], *, request: int | None = None, late: bool = False
    ) -> list[int]:
        """Effects of a request, or (without one) of a hand."""
        origin = HAND if request is None else BRIDGE
        rows = [EffectRow(self._next(), self._clock(), target, origin, effect, request, late) for effect in effects]
        self.effects += rows
        return [row.seq for row in rows]

    def forget(self, target: str | None) -> None:
        self.effects = [row for row in self.effects if target is not None and row.target != target]
        self.requests = [row for row in self.requests if target is not None and row.target != target]

    def counts(self) -> Mapping[str, int]:
        """`<target>.<operation>` → effects."""
        totals: dict[str, int] = {}
        for row in self.effects:
            name = f"{row.target}.{row.effect.operation}"
            totals[name] = totals.get(name, 0) + 1
        return totals
