"""From ready work to intents: references and codes resolved, claim taken, request durable, all in one transaction.

What cannot go yet is put where it waits *for something*: a receipt, a mapping, a claim, a dependant. Nothing here
sends, and nothing is sent that was not written here first (DESIGN §2.2)."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select

from jknbridge.compact import dumps, loads
from jknbridge.courier.calls import Prepared, call_box
from jknbridge.instances import Instances
from jknbridge.ledger import schema as s
from jknbridge.ledger.sql import upsert
from jknbridge.ledger.texts import reason_text
from jknbridge.ledger.work import Desk, Row, Sheet, sheets_of, withdrawing
from jknbridge.reasons import Reason, register_all
from jknbridge.settings import RemSettings
from jknbridge.targets import Adapter, Call, Verb
from jknbridge.verdicts import Code, Ref, from_json, walk

register_all(
    {
        "kirim.menunggu": (
            "Menunggu {what} diterima lebih dulu",
            "Waits until {what} has been accepted",
            "BPJS",
        ),
        "kirim.pemetaan": (
            "Kode {list} untuk {local} belum dipetakan: tambahkan dengan `jknbridge mapping set`",
            "No mapping in {list} for {local}: add one with `jknbridge mapping set`",
            "klinik",
        ),
        "kirim.klaim": (
            "Kunjungan lain ({other}) sudah memegang kunci yang sama (peserta, tanggal, poli)",
            "Another record ({other}) already holds the same natural key (participant, date, poli)",
            "klinik",
        ),
        "kirim.rem": (
            "Rem: terlalu banyak penarikan dalam satu jam ({n}); ditahan sampai seseorang melepasnya",
            "Brake: too many withdrawals within an hour ({n}); held until a person releases them",
            "IT",
        ),
        "kirim.kedaluwarsa": (
            "Batas waktunya lewat sebelum dapat dikirim",
            "Its deadline passed before it could be sent",
            "klinik",
        ),
    }
)


@dataclass(slots=True)
class Taken:
    """Intents to send now; calls that want a snapshot of their parent's rows first; instances whose brake is on."""

    intents: list[Prepared] = field(default_factory=list)
    snapshots: list[Prepared] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TakeContext:
    """``free``: how many more requests each instance may start. ``ours``: submissions already in this worker's hands.
    ``lanes``: lanes of those. ``cautious``: the ledger was restored from a backup, so whatever is to be added is looked
    up first.
    """

    instances: Instances
    free: Mapping[str, int]
    ours: frozenset[int]
    lanes: frozenset[str]
    brake: RemSettings
    worker: str
    late_effect: float
    cautious: bool = False
    snapshots: Mapping[int, Sequence[Mapping[str, Any]]] = field(default_factory=dict)


class _Waits(Exception):
    """This row cannot go yet: ``work`` it turns to, why, and what wakes it (or ``until`` when it is left alone)."""

    def __init__(
        self,
        work: str,
        reason: Reason | None,
        wait_on: str | None = None,
        hold: str | None = None,
        until: float | None = None,
    ) -> None:
        super().__init__(reason.code if reason else work)
        self.work, self.reason, self.wait_on, self.hold, self.until = work, reason, wait_on, hold, until


_c = s.submission.c
_lanes_under_way = select(_c.lane).where(_c.lane.is_not(None), _c.work.in_(("sending", "in_doubt")))
_ready = (
    select(_c.id, _c.journey_id, _c.lane)
    .where(_c.work.in_(("ready", "retry")), _c.due_at <= bindparam("now"), _c.instance == bindparam("instance"))
    .where((_c.settle_at.is_(None)) | (_c.settle_at <= bindparam("now")) | (_c.verb == "delete"))
    .where((_c.not_before.is_(None)) | (_c.not_before <= bindparam("now")) | (_c.verb == "delete"))
    # What cannot go while its lane is in use or is in somebody's hands must not fill the places of what can.
    .where(
        (_c.lane.is_(None)) | (_c.lane.not_in(_lanes_under_way) & _c.lane.not_in(bindparam("lanes", expanding=True)))
    )
    .where(_c.id.not_in(bindparam("ours", expanding=True)))
    .order_by(_c.due_at, _c.id)
    .limit(bindparam("most"))
)
_busy_lanes = (
    select(_c.lane)
    .where(_c.lane.in_(bindparam("lanes", expanding=True)), _c.work.in_(("sending", "in_doubt")))
    .distinct()
)
_receipt = (
    select(s.receipt.c.values_box, s.receipt.c.key_id)
    .join(s.submission, _c.id == s.receipt.c.submission_id)
    .where(_c.facility == bindparam("facility"), _c.key == bindparam("key"), s.receipt.c.kind == bindparam("kind"))
    .where(s.receipt.c.ended_at.is_(None), _c.held == "present", ~withdrawing)
)
_own_claims = select(s.claim.c.natural_hmac).where(s.claim.c.submission_id == bindparam("id"))
_claimed = select(s.claim.c.submission_id).where(
    s.claim.c.instance == bindparam("instance"), s.claim.c.natural_hmac == bindparam("natural")
)
_withdrawals = (  # how many others: what is tried again is one withdrawal
    select(func.count(s.request_submission.c.submission_id.distinct()))
    .join(s.request, s.request.c.id == s.request_submission.c.request_id)
    .where(
        s.request.c.instance == bindparam("instance"),
        s.request.c.verb == "delete",
        s.request.c.created_at > bindparam("since"),
        s.request_submission.c.submission_id != bindparam("id"),
    )
)
_accepted = (  # by when it was accepted: what a faulty release has only touched must not widen the brake
    select(func.count(s.receipt.c.submission_id.distinct()))
    .join(s.submission, _c.id == s.receipt.c.submission_id)
    .where(_c.instance == bindparam("instance"), _c.held == "present", s.receipt.c.created_at > bindparam("since"))
)
_issued = select(s.receipt.c.values_box, s.receipt.c.key_id).where(
    s.receipt.c.submission_id == bindparam("id"), s.receipt.c.ended_at.is_not(None)
)
_insert_request, _insert_link = insert(s.request), insert(s.request_submission)


def take(connection: Connection, desk: Desk, context: TakeContext) -> Taken:
    """Turn due work into intents, as many as each instance may start."""
    taken = Taken()
    used: Counter[str] = Counter()
    for instance, places in context.free.items():
        key = context.instances.by_name[instance].settings.limit_key
        free = places - used[key]
        if free <= 0:
            continue
        hands = {"ours": sorted(context.ours), "lanes": sorted(context.lanes)}
        due = {"now": desk.now, "instance": instance, "most": free * 2}
        rows = connection.execute(_ready, due | hands).all()
        busy: set[str] = set()
        sheets = sheets_of(connection, desk, {row.journey_id for row in rows})
        for row in rows:
            if free <= 0:
                break
            if row.lane in busy:
                continue
            sheet = sheets[row.journey_id]
            if _take_one(connection, sheet, sheet.row(row.id), context, taken):
                free -= 1
                used[key] += 1
                if row.lane:
                    busy |= {row.lane}
        for sheet in sheets.values():
            sheet.settle()
    return taken


def take_one(connection: Connection, desk: Desk, context: TakeContext, prepared: Prepared) -> Taken:
    """The same for one submission whose snapshot was read: all is looked at again, for much may have changed
    meanwhile.
    """
    taken = Taken()
    journey = connection.execute(select(_c.journey_id).where(_c.id == prepared.submission)).scalar_one()
    sheet = Sheet(connection, desk, journey)
    row = sheet.row(prepared.submission)
    if row["lane"] != prepared.lane:
        return taken  # moved under another parent: it wants that one's snapshot
    if not (row["lane"] and row["lane"] in _lanes_in_use(connection, [row["lane"]])):
        _take_one(connection, sheet, row, context, taken)
        sheet.settle()
    return taken


def _lanes_in_use(connection: Connection, lanes: Sequence[str]) -> set[str]:
    return set(connection.execute(_busy_lanes, {"lanes": sorted(set(lanes))}).scalars()) if lanes else set()


def _take_one(connection: Connection, sheet: Sheet, row: Row, context: TakeContext, taken: Taken) -> bool:
    """One submission; True if it now occupies one of the free places."""
    if row["work"] not in ("ready", "retry") or row["verb"] is None:
        return False
    safe = (row["doubt_at"] or 0.0) + context.late_effect
    if row["verb"] == "edit" and row["doubt_at"] is not None and safe > sheet.desk.now:
        # an earlier, doubtful PUT could still take effect and overwrite this one
        row["due_at"], row["work"] = safe, "retry"
        return False
    try:
        call = _call(connection, sheet, row, context)
    except _Waits as waits:
        row["work"], row["wait_on"], row["due_at"] = waits.work, waits.wait_on, waits.until
        row["reason"] = reason_text(waits.reason)
        if waits.hold:
            row["hold"], row["hold_fp"] = waits.hold, row["desired_fp"]
        return False
    if call is None:
        return False
    operation = call.kind.operation(call.verb)
    assert operation is not None
    looked_up = context.cautious and row["doubt_at"] is None  # begins its life in doubt, so nothing is sent for it yet
    if operation.snapshot and row["id"] not in context.snapshots and not looked_up:
        taken.snapshots.append(Prepared("", row["id"], row["journey_id"], call, row["lane"]))
        return True
    prepared = _intend(connection, sheet, row, call, context)
    if prepared is not None:
        taken.intents.append(prepared)
    return prepared is not None


def _call(connection: Connection, sheet: Sheet, row: Row, context: TakeContext) -> Call | None:
    instance = context.instances.by_name[row["instance"]]
    kind = context.instances.kind_of(row["target"], row["kind"])
    if kind is None:  # its adapter does not bring it any more: left as it is, and out of the others' way
        raise _Waits("retry", None, until=sheet.desk.now + 3600.0)
    verb = Verb(row["verb"])
    accepted = sheet.open(row, "accepted_box") or {}
    values = sheet.values(row)
    box = sheet.open(row, "desired_box") or {}
    if verb is not Verb.DELETE:  # the row keeps the day of what is held until another is sent for
        row["service_date"] = box.get("service_date") or row["service_date"]
    day = date.fromisoformat(row["service_date"]) if row["service_date"] else None
    common: dict[str, Any] = {
        "request": uuid.uuid4().hex,
        "instance": instance,
        "kind": kind,
        "verb": verb,
        "values": values,
        "sent": accepted.get("resolved", {}),
        "service_date": day,
        "snapshot": context.snapshots.get(row["id"]),
    }
    if verb is Verb.DELETE:
        _brake(connection, sheet, row, context.brake)
        return Call(payload=accepted.get("resolved", {}), **common)
    if row["deadline"] is not None and row["deadline"] < sheet.desk.now and verb is Verb.ADD:
        raise _Waits("expired", Reason.of("kirim.kedaluwarsa"))
    resolved, notes = _resolve(connection, sheet, row, box)
    call = Call(payload=resolved, **common)
    if verb is Verb.EDIT and resolved == accepted.get("resolved"):
        row["accepted_fp"], row["accepted_box"] = row["desired_fp"], sheet.seal(row, {**accepted, **box})
        row["work"] = "none"
        return None  # other local codes, the same at the target: nothing to send
    body = _composed(context.instances.adapters[row["target"]], call)
    if isinstance(body, Reason):
        raise _Waits("parked", body, hold="refused")
    if verb is Verb.ADD:
        _claim(connection, sheet, row, box, context.late_effect)
    if notes:
        row["notes"] = notes
    return call


def _composed(adapter: Adapter, call: Call) -> Mapping[str, Any] | Reason:
    """The body as the adapter composes it. One that raises parks its own submission, and no other waits for it."""
    try:
        return adapter.compose(call)
    except (Exception, asyncio.CancelledError, SystemExit) as error:  # on the writer's thread: nobody else survives it
        return Reason.of("galat.adaptor", target=adapter.target, error=type(error).__name__)


def _resolve(connection: Connection, sheet: Sheet, row: Row, box: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    """The payload with every reference and code replaced. Raises :class:`_Waits` for the first that is missing."""
    payload, after = from_json(box["payload"]), from_json(box["after"])
    known: dict[Ref | Code, Any] = {}
    notes = list(from_notes(row["notes"]))
    for item in walk([payload, after, from_json(box["claim"])]):
        if item in known:
            continue
        if isinstance(item, Ref):
            known[item] = _value(connection, sheet, row, item)
        else:
            known[item] = _code(connection, sheet, row, item)
            if item.note is not None and known[item] == item.if_unmapped and item.note not in notes:
                notes.append(item.note)
    text = dumps([note.to_json() for note in notes]).decode() if notes else None
    return _replaced(payload, known), text


def from_notes(text: str | None) -> list[Reason]:
    return [Reason.from_json(item) for item in loads(text)] if text else []


def _replaced(value: Any, known: Mapping[Ref | Code, Any]) -> Any:
    if isinstance(value, Ref | Code):
        return known[value]
    if isinstance(value, Mapping):
        return {key: _replaced(item, known) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(item, known) for item in value]
    return value


def _value(connection: Connection, sheet: Sheet, row: Row, ref: Ref) -> str:
    here = sheet.receipt_values(row["facility"], ref.receipt, ref.key)
    if ref.field in here:
        return str(here[ref.field])
    found = connection.execute(_receipt, {"facility": row["facility"], "key": ref.key, "kind": ref.receipt}).first()
    if found is not None:
        key = sheet.desk.keys.by_id(connection, found.key_id)
        values = sheet.desk.vault.open(found.values_box, key.wrapped)
        if ref.field in values:
            return str(values[ref.field])
    waits = Reason.of("kirim.menunggu", what=ref.receipt)
    raise _Waits("waiting", waits, f"receipt|{row['facility']}|{ref.receipt}|{ref.key}")


def _code(connection: Connection, sheet: Sheet, row: Row, code: Code) -> str:
    found = sheet.desk.mapped(connection, row["facility"], code.list, code.local)
    if found is not None:
        return str(found)
    if code.if_unmapped is not None:
        return code.if_unmapped
    line = {
        "facility": row["facility"],
        "list": code.list,
        "local": code.local,
        "display": code.display,
        "first_seen": sheet.desk.now,
    }
    upsert(connection, s.mapping_work, [line], ("facility", "list", "local"))
    reason = Reason.of("kirim.pemetaan", list=code.list, local=code.local)
    raise _Waits("parked", reason, f"code|{row['facility']}|{code.list}|{code.local}")


def _claim(connection: Connection, sheet: Sheet, row: Row, box: dict[str, Any], late_effect: float) -> None:
    natural = natural_hmac(sheet, row, box, connection)
    if natural is None:
        return
    if any(claim != natural for claim in connection.execute(_own_claims, {"id": row["id"]}).scalars()):
        # an earlier, doubtful add could still take effect under the former key, where nothing refuses this one
        if row["doubt_at"] is not None and (safe := row["doubt_at"] + late_effect) > sheet.desk.now:
            raise _Waits("retry", None, until=safe)
        sheet.release_claim(row)
    owner = connection.execute(_claimed, {"instance": row["instance"], "natural": natural}).scalar()
    if owner is None:
        connection.execute(
            insert(s.claim),
            {
                "instance": row["instance"],
                "natural_hmac": natural,
                "submission_id": row["id"],
                "taken_at": sheet.desk.now,
            },
        )
    elif owner != row["id"]:
        other = connection.execute(select(_c.key).where(_c.id == owner)).scalar_one()
        raise _Waits("waiting", Reason.of("kirim.klaim", other=other), f"claim|{row['instance']}|{natural}")


def natural_hmac(sheet: Sheet, row: Row, box: dict[str, Any], connection: Connection) -> str | None:
    """The HMAC of the resolved natural key, or ``None`` where the kind has none."""
    parts = from_json(box["claim"])
    if not parts:
        return None
    known: dict[Ref | Code, Any] = {
        item: _code(connection, sheet, row, item) for item in walk(parts) if isinstance(item, Code)
    }
    return sheet.desk.vault.hmac("claim", row["instance"], row["kind"], *(str(p) for p in _replaced(parts, known)))


def _brake(connection: Connection, sheet: Sheet, row: Row, brake: RemSettings) -> None:
    if row["permit"] in ("withdraw", "replace", "once"):
        return
    now = sheet.desk.now
    hour = {"instance": row["instance"], "since": now - 3600, "id": row["id"]}
    spent = connection.execute(_withdrawals, hour).scalar_one()
    accepted = connection.execute(_accepted, {"instance": row["instance"], "since": now - 86400}).scalar_one()
    if spent >= max(brake.paling_sedikit, int(accepted * brake.persen / 100)):
        raise _Waits("parked", Reason.of("kirim.rem", n=spent), hold="brake")


def _was_ours(connection: Connection, sheet: Sheet, row: Row, values: Mapping[str, str]) -> bool:
    """Whether the number the EMR carries is one of ours that has ended, written back: nothing there to be looked up."""
    for receipt in connection.execute(_issued, {"id": row["id"]}):
        known = sheet.desk.vault.open(receipt.values_box, sheet.desk.keys.by_id(connection, receipt.key_id).wrapped)
        if all(known.get(name) == value for name, value in values.items()):
            return True
    return False


def _intend(connection: Connection, sheet: Sheet, row: Row, call: Call, context: TakeContext) -> Prepared | None:
    """Write the intent. What the EMR says is there already, and everything after a restore, is looked up before it is
    sent for: the request begins its life in doubt."""
    now = sheet.desk.now
    desired = sheet.open(row, "desired_box") or {}
    adopt = desired.get("adopt") if call.verb is Verb.ADD else None
    if adopt and _was_ours(connection, sheet, row, adopt):
        adopt = None
    look = bool(adopt) or (context.cautious and call.verb is Verb.ADD and row["doubt_at"] is None)
    if adopt:
        call = replace(call, values=dict(adopt))
    elif look:
        call = replace(call, snapshot=() if call.snapshot is None else call.snapshot)
        row["doubt_at"] = now - context.late_effect  # whatever the lost part of the ledger sent has landed by now
    connection.execute(
        _insert_request,
        {
            "id": call.request,
            "instance": row["instance"],
            "verb": call.verb.value,
            "state": "in_doubt" if look else "sending",
            "fingerprint": sheet.desk.vault.fingerprint(dict(call.payload)),
            "call_box": sheet.seal(row, call_box(call, desired, row["desired_inputs"], adopting=bool(adopt))),
            "key_id": row["key_id"],
            "created_at": now,
            "probe_at": now if look else None,
            "worker": context.worker,
        },
    )
    connection.execute(
        _insert_link, {"request_id": call.request, "submission_id": row["id"], "fingerprint": row["desired_fp"] or ""}
    )
    row["work"] = "in_doubt" if look else "sending"
    row["due_at"] = row["wait_on"] = row["reason"] = None
    row["tries"] += 1
    row["first_try_at"] = row["first_try_at"] or now
    return None if look else Prepared(call.request, row["id"], row["journey_id"], call, row["lane"])
