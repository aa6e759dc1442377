"""The platform's validation rules as data (satusehat §6, §20.1): a typed loader and an index by resource type.

``rules.csv`` is the published rule dictionary, corrected by what the platform accepted; ``rules_undecided.csv`` lists
the rows that neither a single request nor the store's state can decide, each with its reason. How a row is tested is
in ``rules_check.py``; nothing here judges anything.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Final, Literal

Match = Literal["", "any", "text-ok", "display-ok", "off"]


@dataclass(frozen=True)
class Clause:
    """One condition of ``when``. Without values: the element is present."""

    path: str
    values: frozenset[str]
    negated: bool


@dataclass(frozen=True)
class Rule:
    """One row. ``element`` is empty for the rules that are not about an element (20002 to 20021)."""

    number: int
    element: str
    checks: tuple[str, ...]
    meaning: str
    systems: tuple[str, ...]
    match: Match
    codes: frozenset[str]
    targets: frozenset[str]
    dates: frozenset[str]
    after: str
    """The element that a date must be later than."""
    when: tuple[Clause, ...]
    text: str

    @cached_property
    def type(self) -> str:
        """The resource type; empty for the general numbers of the older table and for 20002 to 20021."""
        return "" if self.element.startswith("(") else self.element.partition(".")[0]

    @cached_property
    def path(self) -> str:
        """The element below the resource."""
        return self.element.partition(".")[2]

    @cached_property
    def concept(self) -> str:
        """What the tests walk to: a system row that names ``coding`` or ``coding.code`` means the concept around it."""
        if "system" not in self.checks:
            return self.path
        return self.path.removesuffix(".code").removesuffix(".coding") if ".coding" in self.path else self.path

    def system_of(self, organization: str) -> frozenset[str]:
        """The allowed systems, the sender's organisation filled in."""
        return self._filled.get(organization) or self._fill(organization)

    @cached_property
    def _filled(self) -> dict[str, frozenset[str]]:
        return {}

    def _fill(self, organization: str) -> frozenset[str]:
        self._filled[organization] = frozenset(s.replace("{org}", organization) for s in self.systems)
        return self._filled[organization]

    @cached_property
    def org_scoped(self) -> tuple[re.Pattern[str], ...]:
        """The allowed systems that name an organisation, whichever it is."""
        return tuple(
            re.compile(re.escape(s).replace(r"\{org\}", "(?P<org>[^/]*)")) for s in self.systems if "{org}" in s
        )


@dataclass(frozen=True)
class Undecided:
    """A row that cannot be judged locally, and why."""

    number: int
    reason_id: str
    reason_en: str


def _clause(text: str) -> Clause:
    path, _, values = text.partition("=")
    negated = path.endswith("!")
    return Clause(path.rstrip("!"), frozenset(values.split("|")) if values else frozenset(), negated)


def _rule(row: Mapping[str, str]) -> Rule:
    dates = row["dates"].split()
    return Rule(
        number=int(row["rule_number"]),
        element=row["element"],
        checks=tuple(row["check"].split("+")),
        meaning=row["meaning"],
        systems=tuple(row["allowed_systems"].split()),
        match=row["match"],  # type: ignore[arg-type]  # the table's own words; a test holds them to the type
        codes=frozenset(row["codes"].split()),
        targets=frozenset(row["targets"].split()),
        dates=frozenset(word for word in dates if not word.startswith("after:")),
        after=next((word.removeprefix("after:") for word in dates if word.startswith("after:")), ""),
        when=tuple(_clause(text) for text in row["when"].split()),
        text=row["text"],
    )


def _read(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(files(__package__).joinpath(name).read_text("utf-8").splitlines()))


RULES: Final[tuple[Rule, ...]] = tuple(_rule(row) for row in _read("rules.csv"))
BY_NUMBER: Final[Mapping[int, Rule]] = {rule.number: rule for rule in RULES}
UNDECIDED: Final[Mapping[int, Undecided]] = {
    int(row["rule_number"]): Undecided(int(row["rule_number"]), row["reason_id"], row["reason_en"])
    for row in _read("rules_undecided.csv")
}


def _by_type() -> dict[str, tuple[Rule, ...]]:
    index: dict[str, list[Rule]] = {}
    for rule in RULES:
        if rule.type and rule.number not in UNDECIDED:
            index.setdefault(rule.type, []).append(rule)
    return {kind: tuple(rules) for kind, rules in index.items()}


BY_TYPE: Final[Mapping[str, tuple[Rule, ...]]] = _by_type()
"""Rows that can be judged, by resource type, in the table's order."""


def rules_for(resource_type: str, element: str = "") -> tuple[Rule, ...]:
    """Rows of a type, or of one element of it (``Encounter.period.start``)."""
    rules = BY_TYPE.get(resource_type, ())
    return tuple(rule for rule in rules if rule.element == element) if element else rules
