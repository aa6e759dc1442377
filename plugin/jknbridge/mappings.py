"""Local codes to the targets': the mapping and its work list (DESIGN §4 step 5).

A mapping belongs to a facility and a code list; facility ``*`` stands for all, and a facility's own goes before it.
Setting one releases what waited for it. What was accepted under another code stays as it is, unless ``revise`` is
asked for: then the old code counts as a difference like any other, with its windows, proposals and brake.

Not for the target's own code lists: an adapter syncs those.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select

from jknbridge.decisions import Decided, Person, audit
from jknbridge.errors import NeedsPerson
from jknbridge.ledger import schema as s
from jknbridge.ledger.sql import upsert
from jknbridge.ledger.work import Desk, Row, Sheet
from jknbridge.verdicts import Code, from_json

ALL = "*"
COLUMNS = ("faskes", "daftar", "lokal", "kode", "keterangan")

_m, _w, _c = s.mapping.c, s.mapping_work.c, s.submission.c
_lookup = select(_m.facility, _m.code).where(
    _m.facility.in_((bindparam("facility"), ALL)), _m.list == bindparam("list"), _m.local == bindparam("local")
)


@dataclass(frozen=True, slots=True)
class Line:
    """One mapping, or with an empty ``code`` one open place on the work list."""

    facility: str
    list: str
    local: str
    code: str
    display: str | None = None


@dataclass(slots=True)
class Applied:
    """What setting mappings came to. ``released``: submissions that waited; ``revised``: accepted ones that now differ;
    ``unasked``: lines that nobody waited for and the work list did not hold (often a slip of the pen)."""

    written: int = 0
    unchanged: int = 0
    skipped: int = 0
    released: list[Decided] = field(default_factory=list)
    revised: list[Decided] = field(default_factory=list)
    unasked: list[Line] = field(default_factory=list)


def lookup(connection: Connection, facility: str, list_: str, local: str) -> str | None:
    """The target's code for a local one: the facility's own mapping, else the one for all."""
    rows = connection.execute(_lookup, {"facility": facility, "list": list_, "local": local})
    found = {row.facility: row.code for row in rows}
    return found.get(facility, found.get(ALL))


def mapped(connection: Connection, *, facility: str | None = None, list_: str | None = None) -> list[Line]:
    query = select(s.mapping).order_by(_m.facility, _m.list, _m.local)
    query = query if facility is None else query.where(_m.facility == facility)
    query = query if list_ is None else query.where(_m.list == list_)
    return [Line(row.facility, row.list, row.local, row.code) for row in connection.execute(query)]


def work_list(connection: Connection, *, facility: str | None = None, list_: str | None = None) -> list[Row]:
    """Local codes without a mapping, oldest first, each with how many submissions wait for it."""
    query = select(s.mapping_work).order_by(_w.first_seen, _w.facility, _w.list, _w.local)
    query = query if facility is None else query.where(_w.facility == facility)
    query = query if list_ is None else query.where(_w.list == list_)
    waiting = select(_c.wait_on).where(_c.wait_on.like("code|%"))
    counts: dict[str, int] = {}
    for name in connection.execute(waiting).scalars():
        counts[name] = counts.get(name, 0) + 1
    return [
        {**row._mapping, "waiting": counts.get(f"code|{row.facility}|{row.list}|{row.local}", 0)}
        for row in connection.execute(query)
    ]


def put(connection: Connection, desk: Desk, lines: Iterable[Line], person: Person, *, revise: bool = False) -> Applied:
    """Set mappings, take them off the work list and release what waited for them."""
    applied = Applied()
    for line in lines:
        if not line.code:
            applied.skipped += 1
            continue
        before = connection.execute(
            select(_m.code).where(_m.facility == line.facility, _m.list == line.list, _m.local == line.local)
        ).scalar()
        if before == line.code:
            applied.unchanged += 1
        else:
            _write(connection, desk, line, person)
            applied.written += 1
            change = f"{before or '-'} → {line.code}"
            audit(connection, desk.now, person, "mapping set", f"{line.facility} {line.list} {line.local}: {change}")
        asked = _off_work_list(connection, line)
        released = _release(connection, desk, line)
        applied.released += released
        if before is None and not asked and not released:
            applied.unasked.append(line)
        if revise:
            applied.revised += _revise(connection, desk, line)
    return applied


def remove(connection: Connection, desk: Desk, facility: str, list_: str, local: str, person: Person) -> bool:
    """Take a mapping away. What was accepted under it stays; what is still to be sent will wait for a new one."""
    place = _m.facility == facility, _m.list == list_, _m.local == local
    gone = connection.execute(delete(s.mapping).where(*place)).rowcount
    if gone:
        audit(connection, desk.now, person, "mapping remove", f"{facility} {list_} {local}")
    return bool(gone)


def _write(connection: Connection, desk: Desk, line: Line, person: Person) -> None:
    row = {
        "facility": line.facility,
        "list": line.list,
        "local": line.local,
        "code": line.code,
        "set_at": desk.now,
        "set_by": person.who[:128],
    }
    upsert(connection, s.mapping, [row], ("facility", "list", "local"), ("code", "set_at", "set_by"))


def _off_work_list(connection: Connection, line: Line) -> bool:
    place = [_w.list == line.list, _w.local == line.local]
    if line.facility != ALL:
        place.append(_w.facility == line.facility)
    return bool(connection.execute(delete(s.mapping_work).where(*place)).rowcount)


def _release(connection: Connection, desk: Desk, line: Line) -> list[Decided]:
    """Wake what waits for this code, in the one facility or in all of them."""
    end = f"|{line.list}|{line.local}"
    waiting = select(_c.journey_id, _c.wait_on).where(_c.wait_on.like("code|%"))
    names: dict[int, set[str]] = {}
    for row in connection.execute(waiting):
        facility = row.wait_on.removeprefix("code|").removesuffix(end)
        if row.wait_on == f"code|{facility}{end}" and line.facility in (ALL, facility):
            names.setdefault(row.journey_id, set()).add(row.wait_on)
    woken: list[Decided] = []
    for journey, waits in names.items():
        sheet = Sheet(connection, desk, journey)
        rows = [row for row in sheet.rows if row["wait_on"] in waits]
        for name in waits:
            sheet.wake(name)
        sheet.settle()
        woken += [Decided.of(row) for row in rows]
    return woken


# --- accepted under another code --------------------------------------------------------------------------------------


def _revise(connection: Connection, desk: Desk, line: Line) -> list[Decided]:
    """Make accepted submissions that were sent with another code differ from what is desired, field by field.

    The accepted payload keeps a code as ``{list, local}``, so a new target code alone is no difference. Here the fields
    concerned are put down as they really went out; what follows (revise, replace, propose) is the usual step.
    """
    held = select(_c.journey_id).where(_c.held == "present", _c.desire == "wanted").distinct()
    if line.facility != ALL:
        held = held.where(_c.facility == line.facility)
    changed: list[Decided] = []
    for journey in connection.execute(held.order_by(_c.journey_id)).scalars().all():
        sheet = Sheet(connection, desk, journey)
        touched = [row for row in sheet.rows if _differs_now(sheet, row, line)]
        if touched:
            sheet.settle()
            changed += [Decided.of(row) for row in touched]
    return changed


def _differs_now(sheet: Sheet, row: Row, line: Line) -> bool:
    if row["held"] != "present" or row["desire"] != "wanted" or line.facility not in (ALL, row["facility"]):
        return False
    if lookup(sheet.connection, row["facility"], line.list, line.local) != line.code:
        return False  # the facility's own mapping goes before the one for all
    box = sheet.open(row, "accepted_box")
    if not box or "resolved" not in box:
        return False
    payload, resolved = box["payload"], box["resolved"]
    sent = {
        name: resolved[name]
        for name, value in payload.items()
        if name in resolved and any(old != line.code for old in _sent_as(from_json(value), resolved[name], line))
    }
    if not sent:
        return False
    box["payload"] = {**payload, **sent}
    row["accepted_box"] = sheet.seal(row, box)
    row["accepted_fp"] = sheet.desk.vault.fingerprint(box["payload"])
    row["accepted_inputs"] = None  # a person asked for the difference, so equal inputs do not settle it
    return True


def _sent_as(payload: Any, resolved: Any, line: Line) -> Iterator[Any]:
    """What stood in the sent body wherever the payload names this local code."""
    if isinstance(payload, Code):
        if (payload.list, payload.local) == (line.list, line.local):
            yield resolved
    elif isinstance(payload, Mapping) and isinstance(resolved, Mapping):
        for name, value in payload.items():
            yield from _sent_as(value, resolved.get(name), line)
    elif isinstance(payload, list | tuple) and isinstance(resolved, list | tuple):
        for one, other in zip(payload, resolved, strict=False):
            yield from _sent_as(one, other, line)


# --- files ------------------------------------------------------------------------------------------------------------


def to_csv(lines: Iterable[Line]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows((line.facility, line.list, line.local, line.code, line.display or "") for line in lines)
    return out.getvalue()


def from_csv(text: str) -> list[Line]:
    """Read what :func:`to_csv` wrote, or what a spreadsheet made of it (byte-order mark, semicolons). Raises
    :class:`NeedsPerson` naming the line that cannot be used."""
    text = text.removeprefix("\ufeff")
    head = text.partition("\n")[0]
    rows = csv.DictReader(io.StringIO(text), delimiter=";" if head.count(";") > head.count(",") else ",")
    missing = [name for name in COLUMNS[:4] if name not in (rows.fieldnames or ())]
    if missing:
        raise NeedsPerson(f"kolom tidak ada / missing columns: {', '.join(missing)}")
    lines = []
    for number, row in enumerate(rows, start=2):
        values = [(row[name] or "").strip() for name in COLUMNS[:4]]
        if not any(values):
            continue
        if not all(values[:3]):
            raise NeedsPerson(f"baris {number}: faskes, daftar dan lokal wajib diisi / line {number}: all three needed")
        facility, list_, local, code = values
        lines.append(Line(facility, list_, local, code, (row.get("keterangan") or "").strip() or None))
    return lines
