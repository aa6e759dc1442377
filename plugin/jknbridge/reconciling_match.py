"""What one reading of a day means beside what we hold: a pure comparison (DESIGN §4 step 9).

==========  =====================================================================================================
same        the target shows our receipt, under the natural key it was given for
changed     it shows our receipt under another natural key, or our natural key under another receipt
gone        it shows neither
strange     a row that is none of these: foreign, unless the ledger knows that something of ours is under way
==========  =====================================================================================================

Whether a *gone* or *strange* may be believed is not decided here: that needs the ledger as it stands afterwards
(:mod:`jknbridge.reconciling_ledger`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from jknbridge.targets import Call, DayRow


@dataclass(frozen=True, slots=True)
class Ours:
    """A submission that was held as present when the reading began. ``natural``: payload field → value, in the claim's
    order; empty where the kind has no natural key."""

    submission: int
    journey: int
    receipt: int
    key: str
    call: Call
    natural: Mapping[str, str]

    @property
    def kind(self) -> str:
        return self.call.kind.name


@dataclass(frozen=True, slots=True)
class Changed:
    """``fields``: the names in which the target's row differs from our receipt or natural key."""

    ours: Ours
    row: DayRow
    fields: tuple[str, ...]


@dataclass(slots=True)
class Comparison:
    same: list[Ours] = field(default_factory=list)
    changed: list[Changed] = field(default_factory=list)
    gone: list[Ours] = field(default_factory=list)
    strange: list[DayRow] = field(default_factory=list)


def compare(rows: Sequence[DayRow], held: Sequence[Ours]) -> Comparison:
    """Lay ``rows`` beside ``held``. A row answers for one submission at most; receipts speak before natural keys."""
    found = Comparison()
    left = list(rows)
    unmatched: list[Ours] = []
    for ours in held:
        row = next((r for r in left if r.kind == ours.kind and same_values(r.values, ours.call.values)), None)
        if row is None:
            unmatched.append(ours)
            continue
        left.remove(row)
        if fields := _other_natural(row, ours):
            found.changed.append(Changed(ours, row, fields))
        else:
            found.same.append(ours)
    for ours in unmatched:
        row = next((r for r in left if r.kind == ours.kind and _is_natural(r, ours)), None)
        if row is None:
            found.gone.append(ours)
            continue
        left.remove(row)
        names = tuple(sorted(n for n in row.values if row.values[n] != ours.call.values.get(n)))
        found.changed.append(Changed(ours, row, names))
    found.strange = left
    return found


def same_values(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether two receipts name the same row: equal in every value that both have, and they have one in common."""
    shared = one.keys() & other.keys()
    return bool(shared) and all(str(one[name]) == str(other[name]) for name in shared)


def _other_natural(row: DayRow, ours: Ours) -> tuple[str, ...]:
    if len(row.natural) != len(ours.natural):
        return ()
    pairs = zip(ours.natural.items(), row.natural, strict=True)
    return tuple(name for (name, value), shown in pairs if shown != value)


def _is_natural(row: DayRow, ours: Ours) -> bool:
    return bool(row.natural) and tuple(ours.natural.values()) == row.natural
