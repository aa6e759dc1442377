"""What an adapter says about a journey: one verdict for each submission it knows of (DESIGN §1).

Values only. A verdict is computed without a clock, I/O or ledger, so that equal resources, receipts and facts always
give equal verdicts. Open :mod:`jknbridge.targets` next: what an adapter declares and how its client acts.

The five verdicts, by what they let the courier do:

=================  ==================================================================================
``Wanted``         the target should hold this payload: send, revise, replace or nothing
``Waiting``        something is missing that an event or a fact may still bring: touches nothing
``Parked``         a person must act first: touches nothing
``Unwanted``       evidence says the target must not hold it: withdraw what we made
``NotApplicable``  a gate of the target refuses it (class, payer, first day): nothing to do, with the rule
=================  ==================================================================================

An accepted submission that no verdict mentions any more is left alone and listed as ``yatim``. Silence withdraws
nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, TypeAlias

from jknbridge.contacts import ContactDraft
from jknbridge.reasons import Reason

Payload: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ref:
    """A value that another submission's receipt will hold, e.g. ``Ref("pcare.pendaftaran", key, "noUrut")``.

    ``receipt`` is a receipt kind (``<target>.<kind>``), never an adapter's name: whoever yields that receipt is meant.
    """

    receipt: str
    key: str
    field: str


@dataclass(frozen=True, slots=True)
class Code:
    """A local code that the facility's mapping turns into the target's, e.g. ``Code("pcare.poli", "Location/umum")``.

    Without a mapping the submission is parked on the mapping work list, unless ``if_unmapped`` says what stands then
    (and ``note`` tells the reader of the submission that it was used).
    """

    list: str
    local: str
    display: str | None = None
    if_unmapped: str | None = None
    note: Reason | None = None


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that is missing: why it matters, and where in FHIR it is looked for."""

    reason: Reason
    where: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The target should hold ``payload`` under this identity.

    ``claim``: the parts of the target's natural key (may hold :class:`Code`); empty where the target has none.
    ``after``: submissions that must be present first beyond those the payload refers to.
    ``parent``: the submission under which this is one of several equal rows (obat under kunjungan).
    ``settle``: which settle time applies (``"none"``, or the setting's name, e.g. ``"kunjungan"``).
    ``adopt``: receipt values the EMR already carries; used only once a read of the target shows them.
    ``notes``: what the submission says about itself (e.g. a 0 that means "not measured" by setting).
    """

    kind: str
    key: str
    payload: Payload
    service_date: date
    claim: tuple[Any, ...] = ()
    after: tuple[Ref, ...] = ()
    parent: Ref | None = None
    settle: str = "none"
    not_before: datetime | None = None
    deadline: datetime | None = None
    adopt: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[Reason, ...] = ()
    contact: ContactDraft | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Not yet sendable; an event, a fact or a later status may complete it. Touches nothing that was accepted."""

    kind: str
    key: str
    needs: tuple[Need, ...]


@dataclass(frozen=True, slots=True)
class Parked:
    """A person must act before this can be said at all. Touches nothing that was accepted."""

    kind: str
    key: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Unwanted:
    """The target must not hold this, and ``evidence`` says which resource says so (cancelled, deleted, moved …)."""

    kind: str
    key: str
    evidence: Literal["cancelled", "entered-in-error", "deleted", "moved", "changed"]
    reason: Reason


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """This journey is none of the target's business; ``rule`` names the gate that says so."""

    kind: str
    key: str
    rule: Reason


Verdict: TypeAlias = Wanted | Waiting | Parked | Unwanted | NotApplicable


def walk(value: Any) -> Iterator[Ref | Code]:
    """Yield every :class:`Ref` and :class:`Code` inside a payload or claim, depth first."""
    if isinstance(value, Ref | Code):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from walk(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from walk(item)


def to_json(value: Any) -> Any:
    """A payload as plain JSON: ``{"$ref": [...]}`` and ``{"$code": [...]}`` stand for what is resolved at sending."""
    if isinstance(value, Ref):
        return {"$ref": [value.receipt, value.key, value.field]}
    if isinstance(value, Code):
        note = value.note.to_json() if value.note else None
        return {"$code": [value.list, value.local, value.display, value.if_unmapped, note]}
    if isinstance(value, Mapping):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    return value


def from_json(value: Any) -> Any:
    """The inverse of :func:`to_json`."""
    if isinstance(value, dict):
        if len(value) == 1:
            if "$ref" in value:
                return Ref(*value["$ref"])
            if "$code" in value:
                list_, local, display, if_unmapped, note = value["$code"]
                return Code(list_, local, display, if_unmapped, Reason.from_json(note) if note else None)
        return {key: from_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [from_json(item) for item in value]
    return value
