"""What PCare shows for one day, for reconciliation (DESIGN §4 step 9): registrations, and what we hold of visits
and drugs.

Frugal: D4 names every registration and says which were served, so K5 is asked only where D4 does not vouch for a
visit that we hold, and O2 only for visits with drugs of ours. A reading that cannot be believed gives no rows at
all: from "no rows" the host would conclude that staff deleted them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from jknbridge.reasons import Reason
from jknbridge.targets import Call, CredentialRefused, Day, DayRow, Held, Later
from jknbridge_adapters.pcare.isi import tanggal
from jknbridge_adapters.pcare.probe import registration_of
from jknbridge_adapters.pcare.reading import Reader, Row, Unread, at, served, shown


class _Unbelieved(Exception):
    def __init__(self, reason: Reason, cause: Later | CredentialRefused | None = None) -> None:
        super().__init__(reason.code)
        self.reason = reason
        self.cause = cause


async def read_day(reader: Reader, day: date, held: Sequence[Held]) -> Day:
    """All registrations of the day, with the visits and drug lines that we hold and PCare still shows."""
    try:
        registrations = await _registrations(reader, day, held)
        visits = await _visits(reader, registrations, held)
        if visits and not registrations:  # no visit stands without its registration: that one list is down
            raise _Unbelieved(Reason.of("pcare.bacaan_kosong"))
        drugs = await _drugs(reader, held)
    except _Unbelieved as stopped:
        return Day(None, stopped.reason, stopped.cause)
    return Day((*(_registration_row(row, day) for row in registrations), *visits, *drugs))


async def _registrations(reader: Reader, day: date, held: Sequence[Held]) -> tuple[Row, ...]:
    reading = await reader.registrations(day)
    if isinstance(reading, Unread):
        raise _Unbelieved(reading.reason, reading.cause)
    ours = _of(held, "pendaftaran")
    if reading.empty and ours and not await reader.alive(_text(ours[0], "noKartu")):
        raise _Unbelieved(Reason.of("pcare.bacaan_kosong"))
    return reading.rows


async def _visits(reader: Reader, registrations: Sequence[Row], held: Sequence[Held]) -> list[DayRow]:
    found = []
    for call in _of(held, "kunjungan"):
        registration = registration_of(registrations, _text(call, "noKartu"), _text(call, "kdPoli"))
        if registration is not None and served(registration):
            found.append(DayRow("kunjungan", dict(call.values), (), shown(registration)))
            continue
        reading = await reader.history(_text(call, "noKartu"))
        if isinstance(reading, Unread):
            raise _Unbelieved(reading.reason, reading.cause)
        number = call.values.get("noKunjungan")
        row = next((row for row in reading.rows if at(row, "noKunjungan") == number), None)
        if row is not None:
            found.append(DayRow("kunjungan", {"noKunjungan": at(row, "noKunjungan")}, (), shown(row)))
        elif reading.empty and registration is None and not await reader.alive(_text(call, "noKartu")):
            raise _Unbelieved(Reason.of("pcare.bacaan_kosong"))
    return found


async def _drugs(reader: Reader, held: Sequence[Held]) -> list[DayRow]:
    ours: dict[str, list[Call]] = {}
    for call in _of(held, "obat"):
        ours.setdefault(_text(call, "noKunjungan"), []).append(call)
    found = []
    for visit, calls in ours.items():
        reading = await reader.drugs(visit)
        if isinstance(reading, Unread):
            raise _Unbelieved(reading.reason, reading.cause)
        if reading.empty and not await reader.alive(_text(calls[0], "noKartu")):
            raise _Unbelieved(Reason.of("pcare.bacaan_kosong"))
        found += [DayRow("obat", _drug(row), (), dict(row)) for row in reading.rows]
    return found


def _registration_row(row: Row, day: date) -> DayRow:
    natural = (at(row, "peserta", "noKartu"), tanggal(day), at(row, "poli", "kdPoli"))
    return DayRow("pendaftaran", {"noUrut": at(row, "noUrut")}, natural, shown(row))


def _drug(row: Row) -> Mapping[str, str]:
    return {name: value for name in ("kdObatSK", "kdRacikan") if (value := at(row, name))}


def _of(held: Sequence[Held], kind: str) -> list[Call]:
    return [one.call for one in held if one.call.kind.name == kind]


def _text(call: Call, name: str) -> str:
    return str(call.payload.get(name) or call.sent.get(name) or "")
