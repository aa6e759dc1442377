"""``check(resource, …) -> violations``: the platform's rules, judged by adapter and sandbox alike (satusehat §20.1).

Pure: no clock, no store of its own. The table's rows go through ``TESTS`` (one function per word of the column
``check``), the rest through the predicates of ``rules_check_hand.py``. All violations are collected, as the platform
does. What needs the platform's state asks a ``StoreView``; without one those rules are silent. References to absent
resources and Bundles have doors of their own: ``rules_check_references.py``, ``rules_check_bundle.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from jknbridge_adapters.satusehat import rules_check_codes as codes
from jknbridge_adapters.satusehat import rules_check_values as plain
from jknbridge_adapters.satusehat.paths import Walk, fold, values, walk
from jknbridge_adapters.satusehat.rules import BY_TYPE, Clause, Rule
from jknbridge_adapters.satusehat.rules_check_hand import HAND
from jknbridge_adapters.satusehat.rules_check_references import reference
from jknbridge_adapters.satusehat.violations import Case, Sender, StoreView, Test, Violation, numbered, value_issue

_REFERENCES: Final = frozenset(
    {"subject", "patient", "encounter", "individual", "location", "serviceProvider", "author", "actor", "basedOn"}
)
"""Last segments of rows with ``required`` alone that name a reference: their text is another one."""
_REQUIRED_TEXTS: Final = ("Element not found", "Reference is mandatory", "Text is empty")


def required(rule: Rule, case: Case, found: Walk) -> Iterator[Violation]:
    for _ in found.gaps:
        text = f"Element not found: {rule.element}"
        if "reference" in rule.checks or rule.element.rpartition(".")[2] in _REFERENCES:
            text = f"Reference is mandatory : {rule.element}"
        if rule.text.startswith(_REQUIRED_TEXTS):
            text = rule.text
        yield value_issue(rule, rule.element, text)


TESTS: Final[Mapping[str, Test]] = {
    "required": required,
    "system": codes.system,
    "ucum": codes.ucum,
    "code": codes.code,
    "canonical": codes.canonical,
    "reference": reference,
    "datetime": plain.datetime_,
    "date": plain.date_,
    "time": plain.time_,
    "number": plain.number,
    "integer": plain.integer,
    "boolean": plain.boolean,
    "string": plain.string,
    "age": plain.age,
    "money": plain.money,
    "period": plain.period,
}
"""By the words of the table's column ``check``."""


def check(
    resource: Mapping[str, Any],
    sender: Sender,
    now: float,
    view: StoreView | None = None,
    *,
    closed_lists: bool = False,
) -> list[Violation]:
    """Every rule that ``resource`` breaks, by number. ``now`` is in seconds since the epoch.

    ``closed_lists`` refuses national codes that were never seen to pass (§9.1: the lists grow, so this is a setting).
    """
    kind = str(resource.get("resourceType", ""))
    case = Case(fold(resource), kind, sender, now, view, closed_lists)
    violations: list[Violation] = []
    for rule in BY_TYPE.get(kind, ()):
        if not all(_holds(clause, case) for clause in rule.when):
            continue
        found = walk(case.root, rule.concept, kind)
        if found.unfit:
            text = numbered("Failed to unmarshal request payload", 20008)
            return [Violation(20008, "structure", found.unfit[0], text)]
        for word in rule.checks:
            violations += TESTS[word](rule, case, found)
    for predicate in HAND.get(kind, ()):
        violations += predicate(case)
    return sorted(violations, key=lambda violation: violation.rule or 0)


def _holds(clause: Clause, case: Case) -> bool:
    if clause.path == "sender":
        return ("mpdn" if case.sender.mpdn else "") not in clause.values
    found = {word for value in values(case.root, clause.path) for word in _words(value)}
    if not clause.values:
        return bool(found)
    return bool(found & clause.values) is not clause.negated


def _words(value: Any) -> list[str]:
    """What a clause compares: a plain value as JSON writes it, of a concept its codes. Never empty for a value."""
    if isinstance(value, bool):
        return ["true" if value else "false"]
    if not isinstance(value, dict):
        return [str(value)]
    codings = value.get("coding", [])
    items = codings if isinstance(codings, list) else [codings]
    return [str(coding.get("code", "")) for coding in items if isinstance(coding, dict)] or [""]
