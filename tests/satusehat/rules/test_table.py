"""The rule table as data: every row read, every row decided or listed with the reason why not."""

from typing import get_args

from jknbridge_adapters.satusehat.paths import compile_path
from jknbridge_adapters.satusehat.rules import BY_NUMBER, BY_TYPE, RULES, UNDECIDED, Match, rules_for
from jknbridge_adapters.satusehat.rules_check import TESTS

BY_ELEMENT = {rule.number for rules in BY_TYPE.values() for rule in rules}
PLATFORM = {rule.number for rule in RULES if rule.checks == ("platform",)}


def test_every_row_is_decided_or_listed_with_a_reason():
    assert len(RULES) == len(BY_NUMBER) == 567
    assert (len(BY_ELEMENT), len(PLATFORM), len(UNDECIDED)) == (541, 20, 7)
    assert set(BY_NUMBER) == BY_ELEMENT | PLATFORM | set(UNDECIDED) | {10254}
    assert not BY_ELEMENT & set(UNDECIDED)
    assert all(row.reason_id and row.reason_en for row in UNDECIDED.values())


def test_every_word_of_the_table_is_known():
    for rule in RULES:
        assert set(rule.checks) <= set(TESTS) | {"platform"}, rule
        assert rule.match in get_args(Match), rule
        assert rule.dates <= {"full", "day-ok", "no-future", "from-2014"}, rule
        if rule.number not in BY_ELEMENT:
            continue
        assert compile_path(rule.concept)
        if {"system", "ucum", "canonical"} & set(rule.checks):
            assert rule.systems, rule
        if {"code", "money"} & set(rule.checks):
            assert rule.codes, rule
        if "reference" in rule.checks:
            assert rule.targets, rule


def test_index():
    assert {rule.number for rule in rules_for("Encounter", "Encounter.period.start")} == {10123}
    assert rules_for("Basic") == ()
    assert [clause.values for clause in BY_NUMBER[10386].when] == [frozenset({"CH", "HM", "MB", "LAB", "CP"})]
