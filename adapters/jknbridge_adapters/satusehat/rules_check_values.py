"""Tests of plain values: dates, numbers, texts, money, periods (satusehat §10, §20.1).

A number in quotes is no number, an offset is needed, nothing lies in the future or before 3 June 2014, except where
the row's ``dates`` say otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any, Final

from jknbridge_adapters.satusehat.paths import Walk, values
from jknbridge_adapters.satusehat.rules import Rule
from jknbridge_adapters.satusehat.violations import Case, Test, Violation, numbered, value_issue

FIRST_DAY: Final = datetime(2014, 6, 3, tzinfo=UTC)
_FULL: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_TIME: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d")
_NOT_NEGATIVE: Final = range(10340, 10348)
"""The dictionary says "0 or more" for these numbers of MedicationRequest."""


def instant(value: Any) -> datetime | None:
    """A dateTime with seconds and offset; None for anything else, an impossible date included."""
    if not isinstance(value, str) or not _FULL.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def day(value: Any) -> date | None:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def bad_date(number: int, element: str, value: Any) -> Violation:
    text = numbered(f"Invalid date time value : {value}", number)
    window = "Not Allowed : Future Date or Past Date before 3rd June 2014"
    return Violation(number, "value", element, f"{text}\n{window}")


def bad_form(number: int, element: str, value: Any) -> Violation:
    text = numbered(f"Invalid date time format : {value}", number)
    return Violation(number, "format", element, f"{text}. Format allowed : YYYY-MM-DDThh:mm:ss+00:00")


def date_violation(number: int, dates: frozenset[str], element: str, value: Any, now: float) -> Violation | None:
    moment = instant(value)
    if moment is None:
        plain_day = "day-ok" in dates and day(value) is not None
        return None if plain_day else bad_form(number, element, value)
    if ("no-future" in dates and moment.timestamp() > now) or ("from-2014" in dates and moment < FIRST_DAY):
        return bad_date(number, element, value)
    return None


def datetime_(rule: Rule, case: Case, walk: Walk) -> Iterator[Violation]:
    for found in walk.found:
        violation = date_violation(rule.number, rule.dates, found.where, found.value, case.now)
        if violation is None and rule.after and not _later(found.value, values(case.root, rule.after)):
            violation = bad_date(rule.number, found.where, found.value)
        if violation is not None:
            yield violation


def _later(value: Any, earlier: list[Any]) -> bool:
    """Later than each of these that can be read. A plain date is compared with the calendar day of the other."""
    moment = instant(value)
    for other in earlier:
        before = instant(other)
        if before is None:
            continue
        if moment is not None:
            if moment <= before:
                return False
        elif (plain := day(value)) is not None and plain <= before.date():
            return False
    return True


def period(rule: Rule, case: Case, walk: Walk) -> Iterator[Violation]:
    for found in walk.found:
        start, end = (found.value.get(name) if isinstance(found.value, dict) else None for name in ("start", "end"))
        missing = [name for name, value in (("start", start), ("end", end)) if not value]
        for name in missing:
            yield value_issue(rule, f"{found.where}.{name}", f"Element not found: {rule.element}.{name}")
        first, last = instant(start), instant(end)
        if not missing and (first is None or last is None or last <= first):
            yield bad_date(rule.number, f"{found.where}.end", end)


def number(rule: Rule, case: Case, walk: Walk) -> Iterator[Violation]:
    for found in walk.found:
        negative = rule.number in _NOT_NEGATIVE and is_number(found.value) and found.value < 0
        if negative or not is_number(found.value):
            yield value_issue(rule, found.where, f"Integer formated as a string: '{found.value}'")


def integer(rule: Rule, case: Case, walk: Walk) -> Iterator[Violation]:
    for found in walk.found:
        if not isinstance(found.value, int) or isinstance(found.value, bool):
            yield value_issue(rule, found.where, f"Integer formated as a string: '{found.value}'")


def money(rule: Rule, case: Case, walk: Walk) -> Iterator[Violation]:
    for found in walk.found:
        if found.value not in rule.codes:
            text = f"Code not found: '{found.value}' in system: urn:iso:std:iso:4217"
            yield value_issue(rule, found.where, text)
        elif not is_number(found.parent.get("value")):
            text = f"Integer formated as a string: '{found.parent.get('value')}'"
            yield value_issue(rule, found.where.rpartition(".")[0] + ".value", text)


def _form(says: Callable[[Any], bool], text: str, issue: str = "value") -> Test:
    """A test of the value's form alone. The texts are ours: none of these refusals was seen [?]."""

    def test(rule: Rule, case: Case, walk: Walk) -> Iterator[Violation]:
        for found in walk.found:
            if not says(found.value):
                yield Violation(rule.number, issue, found.where, numbered(f"{text} : {found.value}", rule.number))

    return test


date_ = _form(lambda value: day(value) is not None, "Invalid date format", "format")
time_ = _form(lambda value: isinstance(value, str) and _TIME.fullmatch(value) is not None, "Invalid time format")
boolean = _form(lambda value: isinstance(value, bool), "Invalid boolean value")
string = _form(lambda value: isinstance(value, str), "Invalid string value")
age = _form(lambda value: isinstance(value, dict) and is_number(value.get("value")), "Invalid age value")
