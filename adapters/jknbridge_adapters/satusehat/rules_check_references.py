"""Tests of references: the row's allowed types (satusehat §20.1), and whether what is referred to exists (§15).

``#contained`` and ``urn:uuid:`` references are not tested: the former stay inside, the latter are resolved by the
Bundle, and one that resolves to nothing is stored as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jknbridge_adapters.satusehat.paths import Walk
from jknbridge_adapters.satusehat.rules import Rule
from jknbridge_adapters.satusehat.violations import Case, StoreView, Violation, value_issue


def reference(rule: Rule, case: Case, walk: Walk) -> Iterator[Violation]:
    problems = [(found.where, _problem(rule, found.value)) for found in walk.found]
    if rule.match == "any" and any(problem is None for _, problem in problems):
        return
    for where, problem in problems:
        if problem is not None:
            yield value_issue(rule, where, problem)


def _problem(rule: Rule, value: Any) -> str | None:
    """The platform's words for a reference that names no type, or one that is not allowed; None if it is right."""
    sent = value.get("reference") if isinstance(value, dict) else None
    if not isinstance(sent, str) or not sent:
        if rule.match == "display-ok" and isinstance(value, dict) and value.get("display"):
            return None
        return f"Reference is mandatory : {rule.element}"
    if sent.startswith(("#", "urn:uuid:")):
        return None
    kind, resource_id = split(sent)
    allowed = "Any" in rule.targets or kind in rule.targets
    return None if allowed and resource_id else f"Wrong reference ID format: {sent}"


def split(sent: str) -> tuple[str, str]:
    """Type and id of ``Type/id``, ``https://host/base/Type/id`` and either with ``/_history/version``."""
    parts = sent.partition("/_history/")[0].rsplit("/", 2)
    return (parts[-2], parts[-1]) if len(parts) > 1 else ("", parts[0])


def literal(resource: Any) -> Iterator[str]:
    """Every ``Type/id`` reference of a resource, contained resources included, each once."""
    seen: set[str] = set()
    nodes = [resource]
    while nodes:
        node = nodes.pop()
        if isinstance(node, dict):
            for name, sent in node.items():
                if isinstance(sent, str) and name.lower() == "reference" and _is_literal(sent) and sent not in seen:
                    seen.add(sent)
                    yield sent
            node = list(node.values())
        nodes += [item for item in reversed(node) if isinstance(item, (dict, list))]


def _is_literal(sent: str) -> bool:
    return "/" in sent and not sent.startswith(("#", "urn:"))


def unknown_targets(resource: Any, view: StoreView) -> list[str]:
    """References to resources that do not exist, in the order they stand."""
    return [sent for sent in literal(resource) if not view.exists(*split(sent))]


def check_references(resource: Any, view: StoreView, *, numbered_form: bool = False) -> list[Violation]:
    """One violation naming every unknown target, as seen live; or rule 20007 for each, as the dictionary has it."""
    unknown = unknown_targets(resource, view)
    if not unknown:
        return []
    if numbered_form:
        return [
            Violation(20007, "value", "", f"Resource not found {'/'.join(split(sent))} (RuleNumber: 20007)")
            for sent in unknown
        ]
    return [Violation(None, "value", "", f"reference target(s) not found: {', '.join(unknown)}")]
