"""Doubts → findings: what a read of PCare says about a request whose outcome nobody knows (pcare §14.3; DESIGN §2.3).

Each list is read once for all doubts that it answers (a day's registrations, a card's history, a visit's drugs).
*Absent* is said only of a complete read, and ``controlled`` only where the same minute's reads showed something
known to exist. An empty list that contradicts what is known is *cannot tell*: in an outage PCare answers 204 (§22
#6).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from jknbridge.reasons import Reason
from jknbridge.targets import Absent, Ambiguous, CannotTell, Doubt, Finding, Found, Verb
from jknbridge_adapters.pcare.compose import compose
from jknbridge_adapters.pcare.obat import NOT_IN_DPHO
from jknbridge_adapters.pcare.reading import Reader, Reading, Row, Unread, at, served, shown


class Probe:
    """One round of findings. Reads are shared within the round and never beyond it."""

    def __init__(self, reader: Reader, facility: str, *, at_once: int) -> None:
        self._reader = reader
        self._facility = facility
        self._gate = asyncio.Semaphore(at_once)
        self._reads: dict[tuple[str, str], asyncio.Task[Reading]] = {}

    async def findings(self, doubts: Sequence[Doubt]) -> list[Finding]:
        return list(await asyncio.gather(*(_KINDS[doubt.call.kind.name](self, doubt) for doubt in doubts)))

    # --- registrations: D4 ----------------------------------------------------------------------------------------

    async def pendaftaran(self, doubt: Doubt) -> Finding:
        call = doubt.call
        reading = await self._day(str(call.payload.get("tglDaftar") or call.sent.get("tglDaftar")))
        if isinstance(reading, Unread):
            return CannotTell(reading.reason, reading.cause)
        wanted = _keys(doubt)
        rows = [row for row in reading.rows if _is_registration(row, wanted)]
        if call.verb is Verb.DELETE:
            number = call.values.get("noUrut")
            rows = [row for row in rows if at(row, "noUrut") == number]
        if len(rows) > 1:
            return Ambiguous(tuple(shown(row) for row in rows), Reason.of("pcare.beberapa_pendaftaran"))
        if rows:
            same = _same_registration(call.payload, rows[0])
            return Found({"noUrut": at(rows[0], "noUrut")}, shown(rows[0]), same)
        if not reading.empty:
            known = {control.get("noUrut") for control in doubt.controls}
            return Absent(any(at(row, "noUrut") in known for row in reading.rows))
        if doubt.controls:
            return CannotTell(Reason.of("pcare.bacaan_kosong"))
        if call.verb is Verb.DELETE and not await self._alive(wanted["noKartu"]):
            return CannotTell(Reason.of("pcare.bacaan_kosong"))
        return Absent(call.verb is Verb.DELETE)

    # --- visits: K5, and D4's status as witness

    async def kunjungan(self, doubt: Doubt) -> Finding:
        call, wanted = doubt.call, _keys(doubt)
        reading = await self._history(wanted["noKartu"])
        if isinstance(reading, Unread):
            return CannotTell(reading.reason, reading.cause)
        number = call.values.get("noKunjungan")
        by_number = call.verb is not Verb.ADD
        rows = [
            row
            for row in reading.rows
            if (at(row, "noKunjungan") == number if by_number else self._is_visit(row, wanted))
        ]
        if len(rows) > 1:
            return Ambiguous(tuple(shown(row) for row in rows), Reason.of("pcare.beberapa_pendaftaran"))
        if rows:
            return Found(
                {"noKunjungan": at(rows[0], "noKunjungan")}, shown(rows[0]), _same_visit(call.payload, rows[0])
            )
        known = {control.get("noKunjungan") for control in doubt.controls}
        if any(at(row, "noKunjungan") in known for row in reading.rows):
            return Absent(True)
        return await self._witness(wanted)

    async def _witness(self, wanted: Mapping[str, str]) -> Finding:
        """No such visit in the history. The registration's status says whether there is one all the same."""
        reading = await self._day(wanted["tglDaftar"])
        if isinstance(reading, Unread):
            return CannotTell(reading.reason, reading.cause)
        registration = next((row for row in reading.rows if _is_registration(row, wanted)), None)
        if registration is not None and served(registration):
            return CannotTell(Reason.of("pcare.bacaan_kosong"))
        return Absent(registration is not None)

    def _is_visit(self, row: Row, wanted: Mapping[str, str]) -> bool:
        """Own provider, day and poli, never ``list[0]`` (§22 #7)."""
        return (
            at(row, "tglKunjungan") == wanted["tglDaftar"]
            and at(row, "poli", "kdPoli") == wanted["kdPoli"]
            and at(row, "providerPelayanan", "kdProvider") == self._facility
        )

    # --- drugs: O2 against the snapshot

    async def obat(self, doubt: Doubt) -> Finding:
        call = doubt.call
        visit = str(call.payload.get("noKunjungan") or call.sent.get("noKunjungan"))
        reading = await self._drugs(visit)
        if isinstance(reading, Unread):
            return CannotTell(reading.reason, reading.cause)
        before = {at(row, "kdObatSK") for row in call.snapshot or ()}
        ours = {receipt.get("kdObatSK", "") for receipt in doubt.ours}
        here = {at(row, "kdObatSK") for row in reading.rows}
        if call.verb is Verb.DELETE:
            number = call.values.get("kdObatSK", "")
            found = next((row for row in reading.rows if at(row, "kdObatSK") == number), None)
            if found is not None:
                return Found(_drug_values(found), dict(found))
        else:
            new = [row for row in reading.rows if at(row, "kdObatSK") not in before | ours]
            new = [row for row in new if _same_drug(doubt, row)]
            if len(new) > 1:
                return Ambiguous(tuple(dict(row) for row in new), Reason.of("pcare.beberapa_obat"))
            if new:
                return Found(_drug_values(new[0]), dict(new[0]))
        if here & (before | ours):
            return Absent(True)
        if before and reading.empty:
            return CannotTell(Reason.of("pcare.bacaan_kosong"))
        return await self._visit_shown(doubt, visit)

    async def _visit_shown(self, doubt: Doubt, visit: str) -> Finding:
        """No known line to go by: the visit itself in K5 is the control. Without it an empty list proves nothing."""
        card = str(doubt.call.payload.get("noKartu") or doubt.call.sent.get("noKartu") or "")
        reading = await self._history(card) if card else None
        if reading is None or isinstance(reading, Unread):
            if isinstance(reading, Unread):
                return CannotTell(reading.reason, reading.cause)
            return CannotTell(Reason.of("pcare.bacaan_kosong"))
        if any(at(row, "noKunjungan") == visit for row in reading.rows):
            return Absent(True)
        return CannotTell(Reason.of("pcare.bacaan_kosong"))

    # --- shared reads

    async def _day(self, text: str) -> Reading:
        try:
            day = datetime.strptime(text, "%d-%m-%Y").date()  # noqa: DTZ007 (a calendar date)
        except ValueError:
            return Unread(Reason.of("pcare.bacaan_gagal", kode="-"))
        return await self._once("day", text, lambda: self._reader.registrations(day))

    async def _history(self, card: str) -> Reading:
        return await self._once("history", card, lambda: self._reader.history(card))

    async def _drugs(self, visit: str) -> Reading:
        return await self._once("drugs", visit, lambda: self._reader.drugs(visit))

    async def _alive(self, card: str) -> bool:
        async with self._gate:
            return await self._reader.alive(card)

    async def _once(self, what: str, key: str, read: Callable[[], Awaitable[Reading]]) -> Reading:
        async def gated() -> Reading:
            async with self._gate:
                return await read()

        task = self._reads.get((what, key))
        if task is None:
            task = self._reads[what, key] = asyncio.create_task(gated())
        return await task


_KINDS: Mapping[str, Callable[[Probe, Doubt], Awaitable[Finding]]] = {
    "pendaftaran": Probe.pendaftaran,
    "kunjungan": Probe.kunjungan,
    "obat": Probe.obat,
}


def registration_of(rows: Sequence[Row], card: str, poli: str) -> Row | None:
    """The day's registration of a card in a poli."""
    return next((row for row in rows if _is_registration(row, {"noKartu": card, "kdPoli": poli})), None)


def day_of(text: str) -> date:
    return datetime.strptime(text, "%d-%m-%Y").date()  # noqa: DTZ007 (a calendar date)


def _keys(doubt: Doubt) -> dict[str, str]:
    """What names the registration, as it was sent: a correction meanwhile must not mislead the look."""
    source = doubt.call.payload if doubt.call.verb is Verb.ADD else {**doubt.call.payload, **doubt.call.sent}
    return {name: str(source.get(name) or "") for name in ("noKartu", "tglDaftar", "kdPoli")}


def _is_registration(row: Row, wanted: Mapping[str, str]) -> bool:
    return at(row, "peserta", "noKartu") == wanted["noKartu"] and at(row, "poli", "kdPoli") == wanted["kdPoli"]


def _same_registration(payload: Mapping[str, Any], row: Row) -> bool:
    return row.get("kunjSakit") == payload.get("kunjSakit") and at(row, "tkp", "kdTkp") == payload.get("kdTkp")


_VISIT_FIELDS: Mapping[str, tuple[str, ...]] = {
    "kdDokter": ("dokter", "kdDokter"),
    "kdDiag1": ("diagnosa1", "kdDiag"),
    "kdDiag2": ("diagnosa2", "kdDiag"),
    "kdDiag3": ("diagnosa3", "kdDiag"),
    "kdSadar": ("kesadaran", "kdSadar"),
    "kdStatusPulang": ("statusPulang", "kdStatusPulang"),
    "tglPulang": ("tglPulang",),
    "keluhan": ("keluhan",),
}
"""What K5 shows of what was sent (§6.7)."""


def _same_visit(payload: Mapping[str, Any], row: Row) -> bool:
    return all(at(row, *path) == at(payload, name) for name, path in _VISIT_FIELDS.items())


def _same_drug(doubt: Doubt, row: Row) -> bool:
    """Equal drug, dosage and amounts (§14.3). Numbers may come as text."""
    body = compose(doubt.call)
    if isinstance(body, Reason):
        return False
    if body["obatDPHO"]:
        same = at(row, "obat", "kdObat") == body["kdObat"]
    else:
        same = at(row, "obat", "nmObat") == body["nmObatNonDPHO"] and at(row, "obat", "kdObat") in ("", NOT_IN_DPHO)
    return same and all(_number(row.get(name)) == _number(body[name]) for name in _AMOUNTS)


_AMOUNTS = ("signa1", "signa2", "jmlObat", "jmlPermintaan")


def _number(value: object) -> float | None:
    try:
        return float(str(value).replace(",", "."))
    except ValueError:
        return None


def _drug_values(row: Row) -> dict[str, str]:
    return {name: value for name in ("kdObatSK", "kdRacikan") if (value := at(row, name))}
