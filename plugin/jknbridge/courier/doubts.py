"""Doubts: what a probe's finding allows (DESIGN §2.3). The rule that keeps a visit from being entered twice stands
here.

===================  ================================================================================================
finding              what follows
===================  ================================================================================================
found                add: present (``found`` if a request of ours may have made it, else ``adopted``).
                     delete: still there; the delete may be sent again once ``visibility`` has passed
absent               add: may be repeated once ``visibility`` has passed where the target refuses a second one by
                     natural key; else only ``late_effect`` after the doubt and with a control in the same read. An add
                     that nobody wants any more is closed only after ``late_effect``. delete: gone
ambiguous            a person, with the rows
cannot tell          asked again; after ``probe_for`` a person
===================  ================================================================================================

A doubtful PUT is not probed: the same body again is its probe (``repeat_safe``), and a different body waits for it.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy import case as chosen

from jknbridge.courier.calls import Prepared, call_of
from jknbridge.courier.outcomes import Case, backoff, look_for_surplus
from jknbridge.instances import Instances
from jknbridge.ledger import schema as s
from jknbridge.ledger.sql import chunks, update_by_id
from jknbridge.ledger.texts import reason_text, stored_reason
from jknbridge.ledger.work import Desk, Sheet
from jknbridge.reasons import Reason, register_all
from jknbridge.settings import WaktuSettings
from jknbridge.targets import Absent, Ambiguous, CannotTell, Doubt, Finding, Found, Verb

register_all(
    {
        "ragu.mogok": (
            "Proses berhenti di tengah pengiriman; hasilnya sedang dicari tahu",
            "The process stopped in mid-send; finding out what came of it",
            "BPJS",
        ),
        "ragu.tidak_ditemukan": (
            "Nomor dari EMR ({values}) tidak ditemukan di sisi sana untuk peserta, tanggal dan poli ini",
            "The number the EMR carries ({values}) is not at the target for this participant, date and poli",
            "klinik",
        ),
        "ragu.orang": (
            "Tidak dapat dipastikan apakah sudah masuk: {last}. Periksa di laman BPJS, lalu putuskan",
            "It cannot be told whether it went in: {last}. Look in BPJS's page, then decide",
            "klinik",
        ),
        "ragu.surplus": (
            "Baris yang sama ada {n} kali setelah pengulangan: hapus yang berlebih lewat laman BPJS",
            "The same row stands {n} times after a repeat: remove the surplus in BPJS's page",
            "klinik",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Open:
    """One open question, ready to be put to the target."""

    request: str
    instance: str
    doubt: Doubt


_r = s.request.c
_due = (
    select(
        s.request,
        *(s.submission.c.target, s.submission.c.kind, s.submission.c.journey_id, s.submission.c.lane),
        s.submission.c.id.label("sid"),
    )
    .join(s.request_submission, s.request_submission.c.request_id == _r.id)
    .join(s.submission, s.submission.c.id == s.request_submission.c.submission_id)
    .where(_r.state == "in_doubt", _r.probe_at <= bindparam("now"), _r.instance == bindparam("instance"))
    .order_by(_r.probe_at)
    .limit(bindparam("most"))
)
_KNOWN = 200  # siblings first: of them none may be missing, and of the others a few are control enough
_controls = (
    select(s.receipt.c.values_box, s.receipt.c.key_id, s.submission.c.id, s.submission.c.lane, s.submission.c.kind)
    .join(s.submission, s.submission.c.id == s.receipt.c.submission_id)
    .where(s.receipt.c.ended_at.is_(None), s.submission.c.instance == bindparam("instance"))
    .where(s.submission.c.service_date == bindparam("day"), s.submission.c.kind == bindparam("kind"))
    .order_by(chosen((s.submission.c.lane == bindparam("lane"), 0), else_=1), s.receipt.c.id)
    .limit(_KNOWN)
)


def recover(connection: Connection, now: float) -> int:
    """At start: what was under way when the process ended is in doubt. Returns how many."""
    reason = reason_text(Reason.of("ragu.mogok"))
    cut = select(s.request_submission.c.submission_id, _r.verb).join(
        s.request, _r.id == s.request_submission.c.request_id
    )
    rows = connection.execute(cut.where(_r.state == "sending")).all()
    for row in rows:
        values: dict[str, object] = {"work": "in_doubt", "doubt_at": now, "reason": reason}
        if row.verb != "edit":
            values["held"] = "unknown"
        update_by_id(connection, s.submission, row.submission_id, values)
    connection.execute(
        update(s.request)
        .where(_r.state == "sending")
        .values(state="in_doubt", outcome="unknown", reason=reason, ended_at=now, probe_at=now)
    )
    return len(rows)


def due(
    connection: Connection, desk: Desk, instances: Instances, instance: str, most: int, probing: Collection[str] = ()
) -> list[Open]:
    """The doubts of one instance to be probed now, but those under way, each with what may serve as control and which
    sibling rows are ours.
    """
    found: list[Open] = []
    for row in connection.execute(_due, {"now": desk.now, "most": most + len(probing), "instance": instance}).all():
        if row.id in probing or len(found) >= most:
            continue
        key = desk.keys.by_id(connection, row.key_id)
        box = desk.vault.open(row.call_box, key.wrapped)
        call = call_of(box, row.id, row.instance, row.target, row.kind, row.verb, instances)
        if call is None:
            continue
        controls, ours = _known(connection, desk, row.instance, box["service_date"], row.kind, row.sid, row.lane)
        found.append(Open(row.id, row.instance, Doubt(call, controls, ours, box["duplicate"])))
    return found


def _known(
    connection: Connection, desk: Desk, instance: str, day: str | None, kind: str, submission: int, lane: str | None
) -> tuple[list[Mapping[str, str]], list[Mapping[str, str]]]:
    values = []
    asked = {"instance": instance, "day": day, "kind": kind, "lane": lane}
    for row in connection.execute(_controls, asked).all():
        if row.id != submission:
            values.append(desk.vault.open(row.values_box, desk.keys.by_id(connection, row.key_id).wrapped))
    return values, values


def found_out(
    connection: Connection, desk: Desk, request_id: str, finding: Finding, read_at: float, waktu: WaktuSettings
) -> bool:
    """Apply a finding whose read began at ``read_at``. Returns whether there may be new work."""
    case = Case(connection, desk, request_id)
    if case.request["state"] != "in_doubt":
        return False
    update_by_id(
        connection,
        s.request,
        request_id,
        {"probes": case.request["probes"] + 1, "last_finding": type(finding).__name__.lower()},
    )
    match finding:
        case Found():
            _found(case, finding, read_at, waktu)
        case Absent():
            _absent(case, finding, read_at, waktu)
        case Ambiguous():
            rows = case.sheet.seal(case.row, [dict(row) for row in finding.rows])
            update_by_id(connection, s.request, request_id, {"finding_box": rows})
            case.hold("doubt", finding.reason, "ambiguous")
        case CannotTell():
            _ask_again(case, finding.reason, waktu)
    return case.settle()


def _since_doubt(case: Case, read_at: float) -> float:
    since: float = case.row["doubt_at"] if case.row["doubt_at"] is not None else case.request["created_at"]
    return read_at - since


def _found(case: Case, finding: Found, read_at: float, waktu: WaktuSettings) -> None:
    if case.verb is Verb.DELETE:
        row = case.row
        kept = row["desire"] == "wanted" and row["desired_fp"] == row["accepted_fp"] and row["rebuild"] is None
        patience = waktu.late_effect if kept else waktu.visibility
        if (waited := _since_doubt(case, read_at)) < patience:
            _look_later(case, patience - waited)
            return
        case.row["held"] = "present"
        case.again(case.desk.now, None, "repeated")
        return
    if case.box["adopting"] and any(finding.values.get(k) != v for k, v in case.box["values"].items()):
        _not_ours(case)
        return
    ours = case.doubted_before()
    case.close("found" if ours else "adopted")
    look_for_surplus(case, waktu)
    case.present(finding.values, "found" if ours else "adopted")


def _shown_since(case: Case, read_at: float) -> float:
    """How long ago what is being withdrawn was accepted: a read that lags does not show it yet."""
    made = [receipt["created_at"] for receipt in case.sheet.receipts() if receipt["submission_id"] == case.row["id"]]
    return read_at - max(made, default=0.0)


def _not_ours(case: Case) -> None:
    case.row["held"] = "absent"
    shown = ", ".join(f"{k} {v}" for k, v in case.box["values"].items())
    case.hold("adopt", Reason.of("ragu.tidak_ditemukan", values=shown), "absent")


def _absent(case: Case, finding: Absent, read_at: float, waktu: WaktuSettings) -> None:
    kind = case.desk.kind_of(case.row["target"], case.row["kind"])
    assert kind is not None
    # A natural key makes a wrongly repeated add harmless. A wrongly ended delete it does not.
    believed = finding.controlled or (kind.add.natural_key and case.verb is Verb.ADD)
    if not believed:
        _ask_again(case, Reason.of("ragu.orang", last="204"), waktu)
        return
    if case.verb is Verb.DELETE:
        if (shown := _shown_since(case, read_at)) < waktu.visibility:
            _look_later(case, waktu.visibility - shown)
            return
        case.close("gone")
        case.gone("withdrawn")
        return
    waited = _since_doubt(case, read_at)
    if case.box["adopting"]:
        if waited < waktu.visibility:
            _look_later(case, waktu.visibility - waited)
        else:
            _not_ours(case)
        return
    if case.box["duplicate"]:
        _ask_again(case, Reason.of("ragu.orang", last="duplikat"), waktu)
        return
    # The target refuses a second one of the *same*: another body may stand under another key, or be taken for this one.
    same = case.row["desire"] == "wanted" and case.row["desired_fp"] == case.fingerprint
    patience = waktu.visibility if kind.add.natural_key and same else waktu.late_effect
    if waited < patience:
        _look_later(case, patience - waited)
        return
    case.row["held"] = "absent"
    _repeat(case, waktu)


def _repeat(case: Case, waktu: WaktuSettings) -> None:
    """The add once more: at once the first time, then later each time, and after ``retry_for`` a person. A client or
    a target that fails in the same way for ever must not be sent into for ever."""
    now, tries = case.desk.now, case.row["tries"]
    if now - (case.row["first_try_at"] or now) > waktu.retry_for:
        last = stored_reason(case.row["reason"])
        case.hold("refused", Reason.of("kirim.terlalu_lama", last=last.id if last else "-"), "repeated")
        return
    case.again(now + (backoff(tries - 1, waktu) if tries > 1 else 0.0), None, "repeated")


def _look_later(case: Case, seconds: float) -> None:
    update_by_id(case.connection, s.request, case.request["id"], {"probe_at": case.desk.now + seconds})


def _ask_again(case: Case, reason: Reason, waktu: WaktuSettings) -> None:
    if (case.request["probes"] + 1) * waktu.probe_every >= waktu.probe_for:
        case.hold("doubt", Reason.of("ragu.orang", last=reason.id), "cannot_tell")
        return
    case.row["reason"] = reason_text(reason)
    update_by_id(
        case.connection,
        s.request,
        case.request["id"],
        {"probe_at": case.desk.now + waktu.probe_every, "reason": reason_text(reason)},
    )


def postpone(connection: Connection, requests: Sequence[str], until: float) -> None:
    """The target could not be reached at all: not an attempt at finding out, only later."""
    for some in chunks(requests):
        connection.execute(update(s.request).where(_r.id.in_(some)).values(probe_at=until))


def repeat(connection: Connection, desk: Desk, request_id: str, instances: Instances, worker: str) -> Prepared | None:
    """The same body again, for an operation that declares it harmless (PUT): the repeat is the probe."""
    case = Case(connection, desk, request_id)
    if case.request["state"] != "in_doubt":
        return None
    new = uuid.uuid4().hex
    row = case.row
    call = call_of(case.box, new, row["instance"], row["target"], row["kind"], case.verb.value, instances)
    if call is None:
        return None
    case.close("repeated")
    values = {name: case.request[name] for name in ("instance", "verb", "fingerprint", "call_box", "key_id")}
    values |= {"id": new, "state": "sending", "created_at": desk.now, "worker": worker, "repeat_of": request_id}
    connection.execute(insert(s.request), values)
    connection.execute(
        insert(s.request_submission),
        {"request_id": new, "submission_id": row["id"], "fingerprint": case.fingerprint},
    )
    row["work"] = "sending"
    row["tries"] += 1
    case.settle()
    return Prepared(new, row["id"], row["journey_id"], call)


# --- the second look after a repeat without natural key --------------------------------------------------------------

_checks = (  # but those whose own request or doubt decides first
    select(s.submission)
    .where(s.submission.c.check_at <= bindparam("now"), s.submission.c.instance == bindparam("instance"))
    .where(s.submission.c.held != "unknown", s.submission.c.work.not_in(("sending", "in_doubt")))
    .order_by(s.submission.c.check_at)
    .limit(bindparam("most"))
)
_first_doubt = (
    select(s.request)
    .join(s.request_submission, s.request_submission.c.request_id == _r.id)
    .where(s.request_submission.c.submission_id == bindparam("id"), _r.verb == "add")
    .where(_r.outcome.in_(("unknown", "repeated", "found")))
    .order_by(_r.created_at)
    .limit(1)
)


def checks_due(
    connection: Connection, desk: Desk, instances: Instances, instance: str, most: int, checking: Collection[int] = ()
) -> list[tuple[int, Open | None]]:
    """Submissions without natural key that were in doubt and are due a look for a surplus row; ``None`` where there is
    nothing to look for any more. Only reads."""
    found: list[tuple[int, Open | None]] = []
    asked = {"now": desk.now, "most": most + len(checking), "instance": instance}
    for row in connection.execute(_checks, asked).all():
        if row.id in checking or len(found) >= most:
            continue
        first = connection.execute(_first_doubt, {"id": row.id}).first()
        if first is None or row.held == "absent":
            found.append((row.id, None))
            continue
        box = desk.vault.open(first.call_box, desk.keys.by_id(connection, first.key_id).wrapped)
        call = call_of(box, first.id, row.instance, row.target, row.kind, "add", instances)
        if call is not None:
            _, ours = _known(connection, desk, row.instance, box["service_date"], row.kind, row.id, row.lane)
            found.append((row.id, Open(first.id, row.instance, Doubt(call, (), ours))))
    return found


def unchecked(connection: Connection, submission: int) -> None:
    """The look is not needed any more: what was repeated is withdrawn."""
    update_by_id(connection, s.submission, submission, {"check_at": None})


def checked(connection: Connection, desk: Desk, submission: int, finding: Finding, waktu: WaktuSettings) -> None:
    """One row: all is well. Several: a person, with the rows. Cannot tell: look again."""
    journey = connection.execute(select(s.submission.c.journey_id).where(s.submission.c.id == submission)).scalar_one()
    sheet = Sheet(connection, desk, journey)
    row = sheet.row(submission)
    if isinstance(finding, CannotTell):
        row["check_at"] = desk.now + waktu.probe_every
    else:
        row["check_at"] = None
    if isinstance(finding, Ambiguous):
        row["work"], row["hold"] = "parked", "doubt"
        row["reason"] = reason_text(Reason.of("ragu.surplus", n=len(finding.rows)))
        first = connection.execute(_first_doubt, {"id": submission}).one()
        rows = sheet.seal(row, [dict(item) for item in finding.rows])
        update_by_id(connection, s.request, first.id, {"finding_box": rows})
    sheet.settle()
