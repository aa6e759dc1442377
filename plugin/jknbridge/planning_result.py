"""What ``plan`` found, as values: printed by the command, serialised as they stand with ``--json``. No behaviour but
sums."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jknbridge.reasons import Reason


@dataclass(slots=True)
class Wait:
    """One thing a submission waits for; ``where`` it is looked for in FHIR."""

    reason: Reason
    where: str = ""


@dataclass(slots=True)
class SubmissionPlan:
    """One verdict and what would follow from it.

    ``body``: what would be sent, where nothing is missing for it. ``held``, ``work``: as they would stand.
    ``difference``: send, revise, replace, withdraw, proposal, under_way or nothing; ``action`` names what a proposal
    proposes.
    """

    kind: str
    key: str
    verdict: str
    held: str = "absent"
    work: str = "none"
    difference: str = "nothing"
    action: str | None = None
    reason: Reason | None = None
    evidence: str | None = None
    waits: list[Wait] = field(default_factory=list)
    notes: list[Reason] = field(default_factory=list)
    service_date: str | None = None
    payload: Any = None
    claim: Any = None
    body: Any = None
    adopt: Any = None
    contact: Any = None
    receipt: Any = None
    how: str | None = None
    settle: str | None = None
    not_before: str | None = None
    deadline: str | None = None


@dataclass(slots=True)
class TargetPlan:
    """One journey at one target. ``state``: submissions, not_applicable (``reason`` is the rule), silent, or galat (the
    adapter failed). ``gates``: the settings that apply, e.g. mode and first day."""

    target: str
    state: str
    instance: str | None = None
    reason: Reason | None = None
    gates: Mapping[str, str] = field(default_factory=dict)
    submissions: list[SubmissionPlan] = field(default_factory=list)


@dataclass(slots=True)
class FactPlan:
    """A question an adapter asked: ``asked`` (needed, not answered yet), ``known`` or ``not_known``."""

    instance: str
    kind: str
    subject: Any
    as_of: str
    state: str
    reason: Reason | None = None


@dataclass(slots=True)
class JourneyPlan:
    source: str
    anchor: str
    facility: str | None
    zone: str
    resources: list[str]
    targets: list[TargetPlan] = field(default_factory=list)
    facts: list[FactPlan] = field(default_factory=list)


@dataclass(slots=True)
class DeadLetter:
    """``entry``: which of the bad entries of a Bundle, from 0; ``None`` for a whole record."""

    reason: Reason
    entry: int | None = None


@dataclass(slots=True)
class InputPlan:
    """One record: what became of its entries, and what R4B says of its resources (paths only, never values)."""

    file: str
    line: int | None
    entries: dict[str, int]
    ignored: dict[str, int]
    ignored_types: dict[str, int]
    dead: list[DeadLetter]
    findings: dict[str, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Plan:
    """``ledger``: whether an existing ledger was laid beside the files. ``adds_up``: the sums of DESIGN §2.7 hold."""

    ledger: bool
    source: str
    notes: list[Reason]
    records: dict[str, int]
    entries: dict[str, int]
    resources: dict[str, int]
    adds_up: bool
    inputs: list[InputPlan]
    orphans: list[str]
    journeys: list[JourneyPlan]

    @property
    def finding(self) -> bool:
        """Something was dead-lettered, or an adapter failed."""
        failed = any(target.state == "galat" for journey in self.journeys for target in journey.targets)
        return failed or bool(self.records["dead_lettered"] or self.entries["dead_lettered"])
