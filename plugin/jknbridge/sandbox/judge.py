"""The verdict over the logs: doubles and blind repeats. A pure function of the rows, and the definition of both words.

double: two live rows of one natural identity at one facility, through whatever hands. (Where a target has no natural
identity nobody but the clinic knows whether two equal drug lines were wanted; the ledger's tests count those.)

blind repeat: an add sent again after a doubtful answer without *absent* in between, or a delete without *still there*.

* Doubtful: the client did not get the whole, readable answer, or it was a 5xx or a 408. A refusal delivered whole
  surely had no effect, so a repeat after it is none. Neither is a second equal edit: a PUT may be repeated.
* Absent: reads delivered since then that cover the identity (every row of its list: pages of equal total that
  together leave none out) and did not show it. Shown although the natural identity was in doubt: it is there, and an
  add would still be blind. Shown without natural identity: the doubt is over, another equal line may be wanted.
* The judge goes by what the client was shown, not by what was true: a bridge that asks and is lied to is not blind.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from jknbridge.sandbox.ground_truth import EffectRow, RequestRow
from jknbridge.sandbox.target import Shown


@dataclass(frozen=True, slots=True)
class Finding:
    """`first` and `second` are sequence numbers: of effects for a double, of requests for a blind repeat."""

    target: str
    facility: str
    operation: str
    identity: str
    first: int
    second: int

    def render(self) -> dict[str, Any]:
        return {
            "target": self.target, "facility": self.facility, "operation": self.operation,
            "identity": self.identity, "first": self.first, "second": self.second,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    double: tuple[Finding, ...]
    blind_repeats: tuple[Finding, ...]

    def render(self) -> dict[str, Any]:
        return {
            "double": [finding.render() for finding in self.double],
            "blind_repeats": [finding.render() for finding in self.blind_repeats],
        }


def judge(requests: Sequence[RequestRow], effects: Sequence[EffectRow]) -> Verdict:
    return Verdict(tuple(_doubles(effects)), tuple(_blind_repeats(requests)))


def _doubles(effects: Sequence[EffectRow]) -> list[Finding]:
    live: dict[tuple[str, str, str], list[int]] = {}
    found = []
    for row in effects:
        effect = row.effect
        if not effect.natural:
            continue
        seqs = live.setdefault((row.target, effect.facility, effect.identity), [])
        if effect.operation.endswith(".add"):
            if seqs:
                found.append(Finding(row.target, effect.facility, effect.operation, effect.identity, seqs[-1], row.seq))
            seqs.append(row.seq)
        elif effect.operation.endswith(".delete") and seqs:
            seqs.pop()
    return found


@dataclass(slots=True)
class _Doubt:
    seq: int
    natural: bool
    total: int = -1
    pages: list[tuple[int, int]] = field(default_factory=list)

    def absent_after(self, shown: Shown) -> bool:
        """Whether this read, with those before it, left no row of the list unseen."""
        if shown.total != self.total:
            self.total, self.pages = shown.total, []
        self.pages.append((shown.first, shown.last))
        reached = 0
        for first, last in sorted(self.pages):
            if first > reached:
                return False
            reached = max(reached, last)
        return reached >= shown.total


_Key = tuple[str, str]  # verb, identity: one thing may be added by several operations (alone, or in a batch)


def _blind_repeats(requests: Sequence[RequestRow]) -> list[Finding]:
    doubts: dict[tuple[str, str], dict[_Key, _Doubt]] = {}
    found = []
    for row in sorted(requests, key=lambda row: row.seq):
        place = doubts.setdefault((row.target, row.facility), {})
        if not row.writes:
            if row.delivered:
                for shown in row.shown:
                    _look(place, shown)
            continue
        verb = row.operation.rpartition(".")[2]
        if verb not in ("add", "delete"):
            continue
        for identity in row.identities:
            key = (verb, identity)
            earlier = place.get(key)
            if earlier is not None:
                found.append(Finding(row.target, row.facility, row.operation, identity, earlier.seq, row.seq))
            if _doubtful(row):
                place[key] = _Doubt(row.seq, row.natural)
            elif row.status is not None and row.status < 300:
                opposite = "delete" if verb == "add" else "add"
                place.pop(key, None)
                place.pop((opposite, identity), None)
    return found


def _doubtful(row: RequestRow) -> bool:
    return not row.delivered or row.status is None or row.status >= 500 or row.status == 408


def _look(place: dict[_Key, _Doubt], shown: Shown) -> None:
    for key, doubt in list(place.items()):
        verb, identity = key
        if not _covers(shown.scope, identity):
            continue
        if identity in shown.identities:
            doubt.total, doubt.pages = -1, []
            if verb == "delete" or not doubt.natural:
                del place[key]
        elif verb == "add" and doubt.absent_after(shown):
            del place[key]


def _covers(scope: str, identity: str) -> bool:
    """A prefix, or ``prefix*suffix`` where a read is by something that does not stand first in the identity."""
    prefix, star, suffix = scope.partition("*")
    return identity.startswith(prefix) and (not star or identity.endswith(suffix))
