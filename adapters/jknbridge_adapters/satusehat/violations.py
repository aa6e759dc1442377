"""What a check of the rules takes and gives: the sender, the store's view, the case at hand, a violation.

``Violation`` carries the platform's own words, so that the sandbox answers them and the adapter can look up by number
what to tell staff. The wording where the table has none follows satusehat §6, §16.1 and §20.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from jknbridge_adapters.satusehat.paths import Walk
from jknbridge_adapters.satusehat.rules import Rule


@dataclass(frozen=True, slots=True)
class Sender:
    """Who writes. ``mpdn``: the national system whose client may send for any organisation (§7)."""

    organization: str
    mpdn: bool = False


@dataclass(frozen=True, slots=True)
class Violation:
    """``code`` is the OperationOutcome's issue code, ``element`` its expression, ``message`` its text."""

    rule: int | None
    code: str
    element: str
    message: str


class StoreView(Protocol):
    """What a check may ask of the platform's state. Without one, rules about other resources are not judged."""

    def exists(self, resource_type: str, resource_id: str) -> bool: ...

    def has_active_episode(self, patient: str, kind: str) -> bool:
        """Whether an active EpisodeOfCare of this type (its code) exists for ``Patient/<id>``, whoever owns it."""


@dataclass(frozen=True, slots=True)
class Case:
    """One resource before the rules: folded (paths.py), with its sender and the time."""

    root: dict[str, Any]
    type: str
    sender: Sender
    now: float
    view: StoreView | None
    closed_lists: bool


Test = Callable[[Rule, Case, Walk], Iterator[Violation]]


def numbered(text: str, rule: int) -> str:
    return f"{text} (RuleNumber: {rule})"


def value_issue(rule: Rule, element: str, text: str) -> Violation:
    return Violation(rule.number, "value", element, numbered(text, rule.number))


def filled(text: str, **values: Any) -> str:
    """The table's text with its placeholders filled; ``str.format`` would trip over braces in values."""
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", "" if value is None else str(value))
    return text
