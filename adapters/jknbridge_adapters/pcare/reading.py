"""Reading PCare's lists so that what is *not* in them can be believed (pcare §1, §5.3, §6.7, §8, §22 #4, #6, #20).

A list read either gives all its rows, or says why it cannot be believed. A day's list is paged while others add and
delete, so pages overlap by one row, ``count`` must be equal on every page, and the rows must add up; otherwise it
is read again, and then it is *cannot tell*. Not for deciding what a row means for a submission: that is
``probe.py`` and ``daily.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

from jknbridge.fhir import look
from jknbridge.reasons import Reason
from jknbridge.targets import CredentialRefused, Later
from jknbridge_adapters.bpjs.envelope import Envelope
from jknbridge_adapters.bpjs.session import Session
from jknbridge_adapters.pcare import outcomes
from jknbridge_adapters.pcare.isi import tanggal

Row: TypeAlias = Mapping[str, Any]

PAGE = 100
_MOST_PAGES = 200
_TRIES = 3
_START_INDEX = "startindex"


@dataclass(frozen=True, slots=True)
class Rows:
    """A complete reading; without rows it may still be an outage's 204, so whoever concludes wants a control."""

    rows: tuple[Row, ...]

    @property
    def empty(self) -> bool:
        return not self.rows


@dataclass(frozen=True, slots=True)
class Unread:
    """The read failed or cannot be believed; ``cause`` is what the call itself came to, where it was a failed call."""

    reason: Reason
    cause: Later | CredentialRefused | None = None


Reading: TypeAlias = Rows | Unread


class _Shifted(Exception):
    """Pages that do not join: the list changed between them."""


class _Failed(Exception):
    def __init__(self, unread: Unread) -> None:
        super().__init__(unread.reason.code)
        self.unread = unread


class Reader:
    """The reads of one target instance. Remembers which paging base the service showed (§22 #20)."""

    def __init__(self, session: Session, *, page: int = PAGE) -> None:
        self._session = session
        self._page = page
        self._base = 0

    async def registrations(self, day: date) -> Reading:
        """D4: every registration of the facility on that day."""
        return await self.paged("pendaftaran", "tglDaftar", tanggal(day))

    async def history(self, card: str) -> Reading:
        """K5: the participant's visits, possibly at other facilities too (§22 #7)."""
        return await self.whole("kunjungan", "peserta", card)

    async def drugs(self, visit: str) -> Reading:
        """O2: the drug lines of one visit."""
        return await self.whole("obat", "kunjungan", visit)

    async def alive(self, card: str) -> bool:
        """Whether a participant known to BPJS is shown: the target's reads work at this minute."""
        reply = await self._session.read("peserta", card)
        if isinstance(reply, Later) or outcomes.of_read(reply) is not None:
            return False
        return look.text(reply.envelope.response, "noKartu") == card

    async def paged(self, *segments: str) -> Reading:
        """A list with ``/{start}/{limit}``, complete or not believed."""
        for _ in range(_TRIES):
            try:
                return Rows(tuple(await self._pages(segments)))
            except _Shifted:
                continue
            except _Failed as failed:
                return failed.unread
        return Unread(Reason.of("pcare.bacaan_goyah"))

    async def whole(self, *segments: str) -> Reading:
        try:
            rows, count = await self._list(segments)
        except _Failed as failed:
            return failed.unread
        return Rows(tuple(rows)) if count in (None, len(rows)) else Unread(Reason.of("pcare.bacaan_goyah"))

    async def _pages(self, segments: Sequence[str]) -> list[Row]:
        collected: list[Row] = []
        total: int | None = None
        for _ in range(_MOST_PAGES):
            start = max(len(collected) - 1, 0)
            rows, count = await self._list((*segments, str(start + self._base), str(self._page)))
            if total is not None and count != total:
                raise _Shifted
            total = count
            if not collected:
                collected = rows
            else:
                self._join(collected, rows)
            if total is None and len(rows) >= self._page:
                raise _Shifted  # a full page that does not say of how many: there may be more
            if total is None or len(collected) >= total or len(rows) <= (1 if start else 0):
                break
        if total is not None and len(collected) != total:
            raise _Shifted
        return collected

    def _join(self, collected: list[Row], rows: list[Row]) -> None:
        """Lay the next page over the last row already there."""
        if not rows:
            raise _Shifted
        if rows[0] != collected[-1]:
            if self._base == 0 and len(collected) > 1 and rows[0] == collected[-2]:
                self._base = 1  # rows are counted from one: seen on some lists (§1, §22 #20)
            raise _Shifted
        collected += rows[1:]

    async def _list(self, segments: Sequence[str]) -> tuple[list[Row], int | None]:
        reply = await self._session.read(*segments)
        if isinstance(reply, Later):
            raise _Failed(Unread(reply.reason, reply))
        if self._base == 0 and _START_INDEX in outcomes.said(reply.envelope):
            self._base = 1
            raise _Shifted
        problem = outcomes.of_read(reply)
        if problem is not None:
            raise _Failed(Unread(problem.reason, problem))
        return _rows(reply.envelope)


def _rows(answer: Envelope) -> tuple[list[Row], int | None]:
    if answer.found_nothing:
        return [], 0
    response = answer.response
    listed = response.get("list") if isinstance(response, Mapping) else response
    if not isinstance(listed, list) or not all(isinstance(row, Mapping) for row in listed):
        raise _Failed(Unread(Reason.of("pcare.bacaan_gagal", kode=answer.code)))
    count = response.get("count") if isinstance(response, Mapping) else None
    return list(listed), _number(count)


def _number(value: Any) -> int | None:
    """A count, which may come as text (bpjs-auth §11 #10)."""
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def at(row: Row, *path: str) -> str:
    """A value inside a row as text, ``""`` where it is not there: numbers come as text too (bpjs-auth §11 #10)."""
    value: Any = row
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return "" if value is None else str(value)


def served(row: Row) -> bool:
    """Whether a registration's status says that a visit exists (§5.3: contains ``dilayani``)."""
    status = at(row, "status").lower()
    return "dilayani" in status and "belum" not in status


def shown(row: Row) -> dict[str, Any]:
    """A row as it is kept for a person: of the participant only the card number."""
    kept = dict(row)
    if "peserta" in kept:
        kept["peserta"] = {"noKartu": at(row, "peserta", "noKartu")}
    return kept
