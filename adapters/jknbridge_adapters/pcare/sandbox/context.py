"""What a handler gets and the helpers that all share: lists with paging, the empty forms, today, effects.

A handler is `def add(ctx: Context) -> Reply`. It may raise `Refuse` from any depth.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final

from jknbridge.sandbox.options import Options
from jknbridge.sandbox.target import Effect, Shown
from jknbridge_adapters.bpjs.sandbox import Reply
from jknbridge_adapters.pcare.sandbox.fields import Entries, Field, check
from jknbridge_adapters.pcare.sandbox.people import ZONES, Facility
from jknbridge_adapters.pcare.sandbox.reference import Row
from jknbridge_adapters.pcare.sandbox.state import State, Visit

DUPLICATE: Final = "Peserta sudah di-entri di poli yang sama pada hari yang sama."
START_INDEX: Final = "StartIndex cannot be less than zero"


class Refuse(Exception):
    """Ends a handler with this reply."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply


@dataclass(slots=True)
class Context:
    state: State
    options: Options
    facility: Facility
    now: float
    params: Row
    body: Row
    operation: str
    as_of: float | None = None
    shifted: bool = False
    effects: list[Effect] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)

    @property
    def today(self) -> date:
        """The facility's calendar, or the server's (pcare §22 #3)."""
        zone = ZONES["WIB" if self.options["today"] == "WIB" else self.facility.zone]
        return datetime.fromtimestamp(self.now, UTC).astimezone(zone).date()

    def checked(self, fields: Sequence[Field], *, single: bool = False) -> Row:
        """The body's fields, or the refusal that names every one amiss."""
        clean, entries = check(self.body, fields, coerce=self.options["json_types"] == "coerced")
        self.refuse_if(entries, single=single)
        return clean

    def refuse_if(self, entries: Entries, *, single: bool = False) -> None:
        if entries:
            raise Refuse(Reply.refused(*entries, single=single))

    def refer(self, *names: str, single: bool = False) -> None:
        """Refuses these fields with the reference text; some sources saw it under 500 (bpjs-auth §8)."""
        if names:
            raise self.unknown(*names, single=single)

    def unknown(self, *names: str, single: bool = False) -> Refuse:
        """That refusal, to be raised."""
        entries = [(name, f"{name} Tidak sesuai dengan referensi sistem.") for name in names]
        if self.options["reference_code"] == 500:
            return Refuse(Reply(500, entries[0][1].rstrip(".")))
        return Refuse(Reply.refused(*entries, single=single))

    def own_visit(self, no_kunjungan: Any) -> Visit:
        """The caller's visit of that number, as it is now, or the refusal."""
        visit = self.state.visits.get(str(no_kunjungan))
        if visit is None or visit.facility != self.facility.code:
            raise self.unknown("noKunjungan")
        return visit

    def did(
        self, identity: str, key: str, payload: Any, *, natural: bool = True, operation: str = "", **receipt: str
    ) -> None:
        name = operation or self.operation
        self.effects.append(Effect(self.facility.code, name, identity, key, payload, natural, receipt))

    def saw(self, scope: str, identities: Sequence[str], first: int, last: int, total: int) -> None:
        self.shown.append(Shown(scope, tuple(identities), first, last, total))

    def nothing(self) -> Reply:
        """A list without rows, in whichever of the three forms (pcare §1)."""
        form = self.options["empty_list"]
        if form == "204":
            return Reply.bodiless(204)
        return Reply.ok(None if form == "null" else {"count": 0, "list": []})

    def whole(self, rows: Sequence[Row]) -> Reply:
        return Reply.ok({"count": len(rows), "list": list(rows)}) if rows else self.nothing()

    def page(
        self,
        rows: Sequence[Any],
        render: Callable[[Any], Row],
        *,
        scope: str = "",
        identities: Callable[[Any], Sequence[str]] | None = None,
        stranger: Row | None = None,
    ) -> Reply:
        """The page that the path's `{start}/{limit}` asks for; `count` is the total.

        With `shifted` a stranger's row stands before all others and is gone again for the next page.
        """
        try:
            start = int(self.params["start"]) - self.options["paging_base"]
            limit = int(self.params["limit"])
        except ValueError:
            start, limit = -1, 0
        if start < 0 or limit < 0:
            return Reply(400, START_INDEX)
        before = 1 if self.shifted and stranger is not None else 0
        first = max(start - before, 0)
        last = min(max(start + limit - before, 0), len(rows))
        part = rows[first:last]
        if identities is not None:
            self.saw(scope, [name for row in part for name in identities(row)], first, last, len(rows))
        listed = [render(row) for row in part]
        if before and start == 0 and limit and stranger is not None:
            listed.insert(0, stranger)
        if not rows and not listed:
            return self.nothing()
        return Reply.ok({"count": len(rows) + before, "list": listed})
