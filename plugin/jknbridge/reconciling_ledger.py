"""Reconciliation's two transactions: what is held for a day, and what a complete reading of that day changes.

A submission is concluded to be gone only if it is still held under the same receipt, nothing of it is under way, and it
was accepted longer ago than ``visibility`` before the reading began: a target's reads may lag behind its writes (DESIGN
§2.3). Whatever cannot be concluded is left as it is and counted as undecided; the next reading asks again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select

from jknbridge.instances import Instances
from jknbridge.ledger import schema as s
from jknbridge.ledger.texts import reason_text
from jknbridge.ledger.work import Desk, Row, Sheet
from jknbridge.reasons import Reason, register_all
from jknbridge.reconciling_match import Changed, Comparison, Ours, compare, same_values
from jknbridge.settings import RemSettings
from jknbridge.targets import Call, Day, DayRow, Instance, Verb

register_all(
    {
        "rekonsiliasi.hilang": (
            "Sudah tidak ada di sisi sana (dihapus di sana): tidak dikirim ulang kecuali seseorang memintanya",
            "No longer at the target (deleted there): not sent again unless a person asks for it",
            "klinik",
        ),
        "rekonsiliasi.hilang_induk": (
            "Hilang bersama {kind} yang dihapus di sisi sana: tidak dikirim ulang kecuali seseorang memintanya",
            "Gone with the {kind} that was deleted at the target: not sent again unless a person asks for it",
            "klinik",
        ),
        "rekonsiliasi.asing": (
            "Ada di sisi sana, bukan dari kami (diketik tangan): dibiarkan",
            "At the target and not from us (typed by hand): left alone",
            "klinik",
        ),
        "rekonsiliasi.kembali": (
            "Pernah hilang, kini ada lagi di sisi sana (diketik ulang?): `jknbridge submissions retry` mengadopsinya",
            "It was gone and is there again (typed again?): `jknbridge submissions retry` adopts it",
            "klinik",
        ),
        "rekonsiliasi.berubah": (
            "Di sisi sana berbeda dari yang diterima ({fields}): dibiarkan, periksa di laman BPJS",
            "At the target it differs from what was accepted ({fields}): left alone, look in BPJS's page",
            "klinik",
        ),
        "rekonsiliasi.terbaca": (
            "Terbaca lengkap: {same} sama, {gone} hilang, {changed} berubah, {foreign} asing, {undecided} belum pasti",
            "Read in full: {same} same, {gone} gone, {changed} changed, {foreign} foreign, {undecided} undecided",
            "IT",
        ),
        "rekonsiliasi.rem": (
            "Rem: {n} kunjungan tampak hilang sekaligus; tidak disimpulkan. Bila benar: `jknbridge reconcile --lepas`",
            "Brake: {n} visits look gone at once; nothing is concluded. If it is so: `jknbridge reconcile --lepas`",
            "klinik",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Noted:
    """One finding of a day: about ``key`` where a submission of ours is concerned. ``row`` may hold personal data."""

    outcome: str
    kind: str
    values: Mapping[str, str]
    reason: Reason
    key: str | None = None
    submission: int | None = None
    row: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(slots=True)
class Concluded:
    """What one reading came to. ``reason`` sums it up, or says why it was not believed or held by the brake."""

    outcome: str
    reason: Reason
    same: int = 0
    undecided: int = 0
    noted: list[Noted] = field(default_factory=list)

    def count(self, outcome: str) -> int:
        return sum(one.outcome == outcome for one in self.noted)


@dataclass(frozen=True, slots=True)
class Rules:
    """``release``: a person said that as many really are gone, so the brake does not hold them."""

    visibility: float
    brake: RemSettings
    release: bool = False


_c = s.submission.c
_held = (
    select(
        _c.id,
        _c.journey_id,
        _c.kind,
        _c.key,
        _c.key_id,
        _c.accepted_box,
        s.receipt.c.id.label("receipt_id"),
        s.receipt.c.values_box,
        s.receipt.c.key_id.label("receipt_key_id"),
    )
    .join(s.receipt, s.receipt.c.submission_id == _c.id)
    .where(_c.instance == bindparam("instance"), _c.service_date == bindparam("day"), _c.held == "present")
    .where(s.receipt.c.ended_at.is_(None))
    .order_by(_c.id)
)
_receipts = (
    select(s.receipt, _c.key.label("local_key"), _c.kind.label("of_kind"))
    .join(s.submission, _c.id == s.receipt.c.submission_id)
    .where(_c.instance == bindparam("instance"), _c.service_date == bindparam("day"))
)
_claims = (
    select(s.claim.c.natural_hmac, _c.id, _c.key, _c.held, _c.work)
    .join(s.submission, _c.id == s.claim.c.submission_id)
    .where(_c.instance == bindparam("instance"), _c.service_date == bindparam("day"))
)
_under_way = select(_c.kind).where(
    _c.instance == bindparam("instance"),
    _c.service_date == bindparam("day"),
    (_c.work.in_(("sending", "in_doubt"))) | (_c.held == "unknown"),
)
_noted_before = select(s.reconciled.c.outcome, s.reconciled.c.natural_hmac).where(
    s.reconciled.c.instance == bindparam("instance"),
    s.reconciled.c.day == bindparam("day"),
    s.reconciled.c.outcome.in_(("foreign", "changed")),
)


def held_for(connection: Connection, desk: Desk, instances: Instances, instance: Instance, day: date) -> list[Ours]:
    """What we hold at this instance for this service date. A patient who was erased meanwhile drops out."""
    found = []
    for row in connection.execute(_held, {"instance": instance.name, "day": day.isoformat()}).all():
        kind = instances.kind_of(instance.target, row.kind)
        keys = [desk.keys.by_id(connection, key_id) for key_id in (row.key_id, row.receipt_key_id)]
        if kind is None or row.accepted_box is None or any(key.destroyed for key in keys):
            continue
        accepted = desk.vault.open(row.accepted_box, keys[0].wrapped)
        values = desk.vault.open(row.values_box, keys[1].wrapped)
        resolved = accepted.get("resolved", {})
        call = Call("", instance, kind, Verb.ADD, resolved, values, resolved, service_date=day)
        found.append(Ours(row.id, row.journey_id, row.receipt_id, row.key, call, _natural(accepted)))
    return found


def _natural(accepted: Mapping[str, Any]) -> dict[str, str]:
    """The natural key as it was accepted, by payload field: a mapping changed since then does not move it."""
    resolved, payload = accepted.get("resolved", {}), accepted.get("payload", {})
    names = [next((n for n, value in payload.items() if value == part), None) for part in accepted.get("claim", [])]
    if None in names or len(set(names)) != len(names):
        return {}
    return {name: str(resolved.get(name)) for name in names if name is not None}


def unread(connection: Connection, desk: Desk, instance: Instance, day: date, reason: Reason) -> Concluded:
    """The reading could not be believed: noted, and nothing is concluded."""
    _note(connection, desk, instance, day, "unread", reason)
    return Concluded("unread", reason)


def conclude(
    connection: Connection, desk: Desk, instance: Instance, held: Sequence[Ours], day: date, read: Day, began: float,
    rules: Rules,
) -> Concluded:  # fmt: skip
    """Apply a complete reading that began at ``began``, in the caller's transaction."""
    assert read.rows is not None
    compared = compare(read.rows, held)
    ledger = _Ledger(connection, desk, instance, day, began - rules.visibility)
    gone = [ours for ours in compared.gone if ledger.may_go(ours)]
    outcome = Concluded("read", Reason.of("rekonsiliasi.asing"), same=len(compared.same))
    outcome.undecided = len(compared.gone) - len(gone)
    braked = 0 if rules.release else _braked(gone, held, rules.brake)
    if braked:
        outcome.undecided += len(gone)
        gone = []
    outcome.noted += ledger.let_go(gone)
    outcome.noted += [ledger.changed(one) for one in compared.changed]
    foreign = ledger.foreign(compared)
    outcome.noted += foreign
    outcome.undecided += len(compared.strange) - len(foreign) - ledger.known
    counts = {name: outcome.count(name) for name in ("gone", "changed", "foreign")}
    outcome.reason = Reason.of("rekonsiliasi.terbaca", same=outcome.same, undecided=outcome.undecided, **counts)
    _note(connection, desk, instance, day, "same", outcome.reason)
    if braked:
        outcome.outcome, outcome.reason = "unread", Reason.of("rekonsiliasi.rem", n=braked)
        _note(connection, desk, instance, day, "unread", outcome.reason)
    return outcome


def _braked(gone: Sequence[Ours], held: Sequence[Ours], brake: RemSettings) -> int:
    """How many visits look gone, if that is more than may go without a person: an outage's empty list that slipped
    through must not retract a whole day (DESIGN §1 "Brake")."""
    visits, all_ = {ours.journey for ours in gone}, {ours.journey for ours in held}
    most = max(brake.paling_sedikit, int(len(all_) * brake.persen / 100))
    return len(visits) if len(visits) > most else 0


class _Ledger:
    """The ledger as it stands after the reading, for one instance and day. ``settled``: what was accepted before this
    moment must have been visible to the reading."""

    def __init__(self, connection: Connection, desk: Desk, instance: Instance, day: date, settled: float) -> None:
        self.known = 0
        self._connection = connection
        self._desk = desk
        self._instance = instance
        self._day = day
        self._settled = settled
        self._sheets: dict[int, Sheet] = {}
        self._where = {"instance": instance.name, "day": day.isoformat()}
        self._before = {(r.outcome, r.natural_hmac) for r in connection.execute(_noted_before, self._where)}

    # --- gone --------------------------------------------------------------------------------------------------------

    def may_go(self, ours: Ours) -> bool:
        row, receipt = self._row(ours)
        return (
            row is not None
            and row["held"] == "present"
            and row["work"] not in ("sending", "in_doubt")
            and receipt is not None
            and receipt["created_at"] <= self._settled
        )

    def _row(self, ours: Ours) -> tuple[Row | None, Row | None]:
        """The submission and its receipt as they are now, if they still are what was held before the reading."""
        sheet = self._sheet(ours.journey)
        row = next((r for r in sheet.rows if r["id"] == ours.submission), None)
        return row, next((r for r in sheet.receipts() if r["id"] == ours.receipt), None)

    def _sheet(self, journey: int) -> Sheet:
        if journey not in self._sheets:
            self._sheets[journey] = Sheet(self._connection, self._desk, journey)
        return self._sheets[journey]

    def let_go(self, gone: Sequence[Ours]) -> list[Noted]:
        """Held becomes absent; contact and receipt end. Parked, unless nobody wants it any more."""
        ids = {ours.submission for ours in gone}
        reasons = {ours.submission: self._why(ours, ids) for ours in gone}  # before any row is touched
        noted = []
        for ours in gone:
            sheet, reason = self._sheet(ours.journey), reasons[ours.submission]
            _end(sheet, sheet.row(ours.submission), reason)
            noted.append(Noted("gone", ours.kind, ours.call.values, reason, ours.key, ours.submission))
            self._note("gone", reason, kind=ours.kind, submission_id=ours.submission)
        for journey in {ours.journey for ours in gone}:
            self._sheet(journey).settle()
        return noted

    def _why(self, ours: Ours, gone: set[int]) -> Reason:
        sheet = self._sheet(ours.journey)
        for parent in sheet.rows:
            if parent["id"] in gone and any(row["id"] == ours.submission for row in sheet.dependants(parent)):
                return Reason.of("rekonsiliasi.hilang_induk", kind=parent["kind"])
        return Reason.of("rekonsiliasi.hilang")

    # --- changed -----------------------------------------------------------------------------------------------------

    def changed(self, one: Changed) -> Noted:
        reason = Reason.of("rekonsiliasi.berubah", fields=", ".join(one.fields))
        print_ = self._print(one.row)
        self._once("changed", reason, one.row, print_, one.ours.submission)
        ours = one.ours
        return Noted("changed", ours.kind, one.row.values, reason, ours.key, ours.submission, one.row.row)

    # --- foreign -----------------------------------------------------------------------------------------------------

    def foreign(self, compared: Comparison) -> list[Noted]:
        """Rows that are surely not ours. ``known`` counts those that are: ours under a receipt or claim of this day."""
        receipts = self._receipts()
        claims = {row.natural_hmac: row for row in self._connection.execute(_claims, self._where)}
        under_way = set(self._connection.execute(_under_way, self._where).scalars())
        found = []
        for row in compared.strange:
            print_ = self._print(row)
            receipt = next(
                (r for r in receipts if r["of_kind"] == row.kind and same_values(r["values"], row.values)), None
            )
            claim = claims.get(print_) if row.natural else None
            if (receipt is not None and receipt["ours"]) or (claim is not None and _stands(claim)):
                self.known += 1
            elif not row.natural and row.kind in under_way:
                continue  # it may be the one that is in doubt: its own probe decides
            else:
                found.append(self._foreign(row, print_, receipt, claim))
        return found

    def _foreign(self, row: DayRow, print_: str, receipt: Mapping[str, Any] | None, claim: Any) -> Noted:
        again = receipt["submission_id"] if receipt else (claim.id if claim is not None else None)
        key = receipt["local_key"] if receipt else (claim.key if claim is not None else None)
        reason = Reason.of("rekonsiliasi.asing" if again is None else "rekonsiliasi.kembali")
        self._once("foreign", reason, row, print_, again)
        return Noted("foreign", row.kind, row.values, reason, key, again, row.row)

    def _receipts(self) -> list[dict[str, Any]]:
        """Receipts of the day with their values. ``ours``: living, or ended so lately that a reading may still show
        it. The others are those that an earlier reconciliation ended."""
        found = []
        for row in self._connection.execute(_receipts, self._where).mappings().all():
            key = self._desk.keys.by_id(self._connection, row["key_id"])
            if key.destroyed:
                continue
            lately = row["ended_by"] != "reconcile" and (row["ended_at"] or 0.0) >= self._settled
            values = self._desk.vault.open(row["values_box"], key.wrapped)
            found.append({**row, "values": values, "ours": row["ended_at"] is None or lately})
        return [one for one in found if one["ours"] or one["ended_by"] == "reconcile"]

    def _print(self, row: DayRow) -> str:
        """How a row is recognised again: by the claim's HMAC where it has a natural key, else by its values."""
        purpose, parts = ("claim", row.natural) if row.natural else ("row", _flat(row.values))
        return self._desk.vault.hmac(purpose, self._instance.name, row.kind, *parts)

    def _once(self, outcome: str, reason: Reason, row: DayRow, print_: str, submission: int | None) -> None:
        """A row that stands there night after night is noted once."""
        if (outcome, print_) not in self._before:
            self._before.add((outcome, print_))
            box = self._desk.vault.seal({"values": dict(row.values), "row": dict(row.row)}, None)
            self._note(outcome, reason, kind=row.kind, submission_id=submission, natural_hmac=print_, row_box=box)

    def _note(self, outcome: str, reason: Reason, **more: Any) -> None:
        _note(self._connection, self._desk, self._instance, self._day, outcome, reason, **more)


def _stands(claim: Any) -> bool:
    return claim.held != "absent" or claim.work in ("sending", "in_doubt")


def _flat(values: Mapping[str, str]) -> Iterable[str]:
    return (part for name in sorted(values) for part in (name, str(values[name])))


def _end(sheet: Sheet, row: Row, reason: Reason) -> None:
    """The row's own part of being gone. The claim is kept: another Encounter of the same participant, day and poli must
    not add what staff deleted; a person who retries finds it still ours."""
    row["held"] = "absent"
    row["how"] = row["accepted_fp"] = row["accepted_box"] = row["accepted_inputs"] = None
    row["permit"] = row["check_at"] = row["wait_on"] = None
    row["tries"], row["first_try_at"] = 0, None
    sheet.end_receipt(row, "reconcile")
    if row["desire"] == "unwanted":
        row["hold"], row["work"] = None, "withdrawn"
    else:
        row["hold"], row["hold_fp"], row["reason"] = "gone", row["desired_fp"], reason_text(reason)


def _note(
    connection: Connection, desk: Desk, instance: Instance, day: date, outcome: str, reason: Reason, **more: Any
) -> None:
    values = {"instance": instance.name, "day": day.isoformat(), "at": desk.now, "outcome": outcome}
    connection.execute(insert(s.reconciled), {**values, "reason": reason_text(reason), **more})
