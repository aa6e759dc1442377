"""Tests of coded values and identifiers: ``system``, ``ucum``, ``code``, ``canonical`` (satusehat §7, §9, §20.1).

One coding of an allowed system is enough, others may stand beside it. Where an element repeats, each concept needs
one; of identifiers one in the whole list, and none with another organisation's id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from jknbridge_adapters.satusehat.national_codes import KNOWN
from jknbridge_adapters.satusehat.paths import Found, Walk
from jknbridge_adapters.satusehat.rules import Rule
from jknbridge_adapters.satusehat.ucum import is_unit
from jknbridge_adapters.satusehat.violations import Case, Violation, filled, value_issue

_UNIT_CODES_TESTED: Final = 10012
"""The codes themselves are tested here only; elsewhere ``ml``, ``DEG`` and ``ea`` passed (§9)."""
_CODE_NOT_FOUND: Final = "Code not found: '{code}' in system: {system}"


def system(rule: Rule, case: Case, walk: Walk) -> Iterator[Violation]:
    if rule.path.split(".")[0] == "identifier":
        yield from _identifiers(rule, case, walk)
        return
    allowed = rule.system_of(case.sender.organization)
    for found in walk.found:
        codings = _codings(found)
        if not any(coding.get("system") in allowed for _, coding in codings):
            if rule.match == "text-ok" and not codings and isinstance(found.value, dict) and found.value.get("text"):
                continue
            where, coding = codings[0] if codings else (found.where, {})
            yield _invalid_system(rule, where, coding)
        elif case.closed_lists:
            for where, coding in codings:
                known = KNOWN.get(coding.get("system") or "")
                if known is not None and coding.get("code") not in known:
                    yield value_issue(rule, f"{where}.code", filled(_CODE_NOT_FOUND, **_named(coding)))


def ucum(rule: Rule, case: Case, walk: Walk) -> Iterator[Violation]:
    yield from system(rule, case, walk)
    if rule.number == _UNIT_CODES_TESTED:
        for found in walk.found:
            if found.parent.get("system") in rule.systems and not is_unit(str(found.value)):
                text = filled(_CODE_NOT_FOUND, code=found.value, system=rule.systems[0])
                yield value_issue(rule, found.where, text)


def code(rule: Rule, case: Case, walk: Walk) -> Iterator[Violation]:
    for found in walk.found:
        if not isinstance(found.value, str) or found.value not in rule.codes:
            text = filled(_CODE_NOT_FOUND, code=found.value, system=rule.systems[0])
            yield value_issue(rule, found.where, text)


def canonical(rule: Rule, case: Case, walk: Walk) -> Iterator[Violation]:
    forms = [re.compile(re.escape(form).replace(r"\{nnnn\}", r"\d{4}")) for form in rule.systems]
    for found in walk.found:
        if not any(isinstance(found.value, str) and form.fullmatch(found.value) for form in forms):
            text = filled(_CODE_NOT_FOUND, code=found.value, system=rule.systems[0].rpartition("/")[0])
            yield value_issue(rule, found.where, text)


def _codings(found: Found) -> list[tuple[str, dict[str, Any]]]:
    """The codings of a concept; a Coding or Quantity is its own; beside a plain value stands its system."""
    value = found.value
    if not isinstance(value, dict):
        return [(found.where.rpartition(".")[0], {"system": found.parent.get("system"), "code": value})]
    if "coding" in value:
        codings = value["coding"] if isinstance(value["coding"], list) else [value["coding"]]
        return [(f"{found.where}.coding[{i}]", c) for i, c in enumerate(codings) if isinstance(c, dict)]
    return [(found.where, value)] if "system" in value or "code" in value else []


def _named(coding: dict[str, Any]) -> dict[str, Any]:
    return {"code": coding.get("code"), "system": coding.get("system")}


def _invalid_system(rule: Rule, where: str, coding: dict[str, Any]) -> Violation:
    if rule.text.startswith("Code not found"):
        return value_issue(rule, f"{where}.code", filled(rule.text, **_named(coding)))
    text = filled("Invalid coding system: {system}", system=coding.get("system"))
    return value_issue(rule, f"{where}.system", text)


def _identifiers(rule: Rule, case: Case, walk: Walk) -> Iterator[Violation]:
    """At least one of an allowed system, and none of these systems with another organisation's id (§7)."""
    holders = [(found.where, found.value if isinstance(found.value, dict) else found.parent) for found in walk.found]
    systems = [(where, str(holder.get("system", ""))) for where, holder in holders]
    if not systems:
        return
    own = rule.system_of(case.sender.organization)
    foreign = [
        (where, sent)
        for where, sent in systems
        if sent not in own and any(pattern.fullmatch(sent) for pattern in rule.org_scoped)
    ]
    if foreign and not case.sender.mpdn:
        for where, sent in foreign:
            text = f"Wrong organization ID provided by system URL: {sent}"
            yield value_issue(rule, _system_place(where), text)
    elif not foreign and not any(sent in own for _, sent in systems):
        where, sent = systems[0]
        yield value_issue(rule, _system_place(where), f"Invalid identifier system: {sent}")


def _system_place(where: str) -> str:
    return where if where.endswith(".system") else f"{where}.system"
