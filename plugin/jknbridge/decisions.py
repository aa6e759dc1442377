"""What a person may decide about a submission: try again, let go, settle a doubt by hand (DESIGN §1, §2.3).

Functions over a connection and a :class:`~jknbridge.ledger.work.Desk`, run inside one ledger write: they change rows
and settle the sheet, and the courier of whatever process is running takes it from there. Nothing is sent here, and
nothing here sends blindly: a doubt that is tried again is *asked* again. Every decision leaves an audit row in the
same transaction.

=========  ===================================================================================================
retry      whatever waits, was refused or is to be asked again: now. *gone* only with ``add_again``
release    a brake: the withdrawal goes. A doubt that was given to a person: the target is asked once more
settle     a person looked in BPJS's own page: it is there (with its number), or it is not
=========  ===================================================================================================

Proposals are in :mod:`jknbridge.proposals`, mappings in :mod:`jknbridge.mappings`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from sqlalchemy import Connection, insert, select, update

from jknbridge.courier.outcomes import Case
from jknbridge.errors import NeedsPerson
from jknbridge.ledger import schema as s
from jknbridge.ledger.sql import update_by_id
from jknbridge.ledger.work import Desk, Row, Sheet
from jknbridge.reasons import Reason, register_all
from jknbridge.targets import Verb

register_all(
    {
        "putus.tidak_ada": (
            "{what} {id} tidak ada di buku besar",
            "There is no {what} {id} in the ledger",
            "IT",
        ),
        "putus.beberapa": (
            "Ada beberapa {what} bernama {id}: sebutkan sumbernya, atau nomornya",
            "Several are called {id} ({what}): name the source, or the number",
            "IT",
        ),
        "putus.sedang_dikirim": (
            "Sedang dikirim; tunggu jawabannya",
            "It is being sent; wait for the answer",
            "BPJS",
        ),
        "putus.tidak_perlu": (
            "Tidak ada yang perlu diulang: keadaannya {held}/{work}",
            "Nothing to try again: it stands at {held}/{work}",
            "klinik",
        ),
        "putus.hilang": (
            "Data ini hilang di sisi sana (dihapus di laman BPJS). Ditambahkan lagi hanya dengan --tambah-lagi",
            "It is gone at the target (removed in BPJS's page). It is added again only with --tambah-lagi",
            "klinik",
        ),
        "putus.rem": (
            "Ditahan oleh rem: lepaskan dengan `jknbridge submissions release`",
            "Held by the brake: let it go with `jknbridge submissions release`",
            "IT",
        ),
        "putus.kedaluwarsa": (
            "Batas waktunya sudah lewat; tidak dapat dikirim lagi",
            "Its deadline has passed; it can no longer be sent",
            "klinik",
        ),
        "putus.tidak_ditahan": (
            "Tidak ditahan oleh rem atau keraguan; untuk mencoba lagi pakai `jknbridge submissions retry`",
            "Held neither by the brake nor by a doubt; to try again use `jknbridge submissions retry`",
            "IT",
        ),
        "putus.tidak_ragu": (
            "Tidak sedang diragukan, jadi tidak ada yang diputuskan",
            "It is not in doubt, so there is nothing to settle",
            "klinik",
        ),
        "putus.ulang_sendiri": (
            "Perubahan yang diragukan diulang sendiri dengan isi yang sama; tidak perlu diputuskan",
            "A doubtful revision is repeated with the same body by itself; there is nothing to settle",
            "BPJS",
        ),
        "putus.nomor": (
            "Sebutkan nomor di sisi sana: {fields}",
            "Name the number at the target: {fields}",
            "klinik",
        ),
        "putus.nomor_dipakai": (
            "Nomor itu sudah menjadi tanda terima pengiriman {id}",
            "That number is the receipt of submission {id} already",
            "klinik",
        ),
        "putus.nomor_emr": (
            "Nomor ini dari EMR: perbaiki di EMR, atau sebutkan nomor yang benar dengan --ada",
            "This number came from the EMR: correct it there, or give the right one with --ada",
            "klinik",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Person:
    """Who decides, and why. ``why`` may be absent where nobody was asked (a script)."""

    who: str
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """How a submission stands after a decision."""

    submission: int
    target: str
    kind: str
    key: str
    held: str
    work: str

    @classmethod
    def of(cls, row: Row) -> Decided:
        return cls(row["id"], row["target"], row["kind"], row["key"], row["held"], row["work"])


def refuse_to(code: str, **params: object) -> NoReturn:
    """Raise what a person reads in both languages."""
    reason = Reason.of(code, **params)
    raise NeedsPerson(f"{reason.id} / {reason.en}")


def audit(connection: Connection, now: float, person: Person, action: str, subject: str) -> None:
    """Who, when, why: one row for each decision, in its transaction."""
    row = {"at": now, "who": person.who[:128], "action": action, "object": subject[:500], "why": person.why}
    connection.execute(insert(s.audit), row)


def audit_row(connection: Connection, desk: Desk, person: Person, action: str, row: Row, with_: str = "") -> None:
    subject = f"submission {row['id']} {row['target']}.{row['kind']} {row['key']} {with_}"
    audit(connection, desk.now, person, action, subject.strip())


def sheet_of(connection: Connection, desk: Desk, submission: int) -> tuple[Sheet, Row]:
    """The sheet of the journey a submission belongs to, and its row."""
    journey = connection.execute(select(s.submission.c.journey_id).where(s.submission.c.id == submission)).scalar()
    if journey is None:
        refuse_to("putus.tidak_ada", what="pengiriman", id=submission)
    sheet = Sheet(connection, desk, journey)
    return sheet, sheet.row(submission)


# --- try again --------------------------------------------------------------------------------------------------------


def retry(connection: Connection, desk: Desk, submission: int, person: Person, *, add_again: bool = False) -> Decided:
    """Try one submission again now; facts its journey got no answer for are asked again too."""
    sheet, row = sheet_of(connection, desk, submission)
    _retry(sheet, row, add_again=add_again)
    _ask_again(connection, desk, row["journey_id"])
    audit_row(connection, desk, person, "retry", row)
    sheet.settle()
    return Decided.of(row)


def retry_journey(connection: Connection, desk: Desk, journey: int, person: Person) -> list[Decided]:
    """Translate a journey anew, ask its open facts again, and try again what can be without another decision."""
    if connection.execute(select(s.journey.c.id).where(s.journey.c.id == journey)).scalar() is None:
        refuse_to("putus.tidak_ada", what="kunjungan", id=journey)
    sheet = Sheet(connection, desk, journey)
    tried = [row for row in sheet.rows if _may_retry(row)]
    for row in tried:
        _retry(sheet, row, add_again=False)
    _ask_again(connection, desk, journey)
    audit(connection, desk.now, person, "retry", f"journey {journey}")
    sheet.settle()
    return [Decided.of(row) for row in tried]


_OPEN = ("waiting", "parked", "ready", "retry", "in_doubt", "not_applicable")


def _may_retry(row: Row) -> bool:
    return row["hold"] in ("refused", "adopt", "doubt") or (row["hold"] is None and row["work"] in _OPEN)


def _retry(sheet: Sheet, row: Row, *, add_again: bool) -> None:
    match row["hold"]:
        case "gone" if not add_again:
            refuse_to("putus.hilang")
        case "brake":
            refuse_to("putus.rem")
        case "doubt":
            _ask_the_target(sheet, row)
            return
        case None if row["work"] == "sending":
            refuse_to("putus.sedang_dikirim")
        case None if row["work"] == "expired":
            refuse_to("putus.kedaluwarsa")
        case None if row["work"] not in _OPEN:
            refuse_to("putus.tidak_perlu", held=row["held"], work=row["work"])
    if row["work"] == "in_doubt":
        _ask_the_target(sheet, row)
        return
    row["hold"] = row["hold_fp"] = row["wait_on"] = row["first_try_at"] = None
    row["tries"] = 0
    if row["work"] in ("ready", "retry"):
        row["due_at"] = sheet.desk.now


def _ask_again(connection: Connection, desk: Desk, journey: int) -> None:
    """Facts without an answer are asked now, and the journey is translated once more whatever they say."""
    used = select(s.fact_use.c.fact_id).where(s.fact_use.c.journey_id == journey)
    fresh: dict[str, Any] = {"state": "asked", "due_at": desk.now, "tries": 0, "reason": None, "answered_at": None}
    open_ = s.fact.c.state.in_(("not_known", "asked"))
    connection.execute(update(s.fact).where(s.fact.c.id.in_(used), open_).values(**fresh))
    due = {"due_at": desk.now, "changes": s.journey.c.changes + 1}
    connection.execute(update(s.journey).where(s.journey.c.id == journey).values(**due))


# --- let go -----------------------------------------------------------------------------------------------------------


def release(connection: Connection, desk: Desk, submission: int, person: Person) -> Decided:
    """Let a withdrawal that the brake holds go on, or have the target asked again about a doubt."""
    sheet, row = sheet_of(connection, desk, submission)
    if row["hold"] == "brake":
        _let_go(row)
    elif row["hold"] == "doubt":
        _ask_the_target(sheet, row)
    else:
        refuse_to("putus.tidak_ditahan")
    audit_row(connection, desk, person, "release", row)
    sheet.settle()
    return Decided.of(row)


def release_brake(connection: Connection, desk: Desk, instance: str, person: Person) -> list[Decided]:
    """Everything the brake holds at one target instance, as the one decision it is (DESIGN §1 "Brake")."""
    c = s.submission.c
    query = select(c.journey_id).where(c.instance == instance, c.hold == "brake").distinct().order_by(c.journey_id)
    gone: list[Decided] = []
    for journey in connection.execute(query).scalars().all():
        sheet = Sheet(connection, desk, journey)
        held = [row for row in sheet.rows if row["hold"] == "brake" and row["instance"] == instance]
        for row in held:
            _let_go(row)
        sheet.settle()
        gone += [Decided.of(row) for row in held]
    audit(connection, desk.now, person, "release", f"rem {instance} ({len(gone)})")
    return gone


def _let_go(row: Row) -> None:
    row["hold"] = row["hold_fp"] = row["wait_on"] = None
    row["permit"] = row["permit"] or "once"


# --- doubts -----------------------------------------------------------------------------------------------------------

_r = s.request.c
_UNDECIDED = {"doubt": ("ambiguous", "cannot_tell"), "adopt": ("absent",)}


def doubtful_request(connection: Connection, row: Row) -> Row | None:
    """The request a submission is in doubt about: the open one, or the one a person was left with."""
    undecided = _r.outcome.in_(_UNDECIDED.get(row["hold"] or "", ()))
    query = (
        select(s.request)
        .join(s.request_submission, s.request_submission.c.request_id == _r.id)
        .where(s.request_submission.c.submission_id == row["id"], (_r.state == "in_doubt") | undecided)
        .order_by(_r.created_at.desc())
        .limit(1)
    )
    found = connection.execute(query).first()
    return None if found is None else dict(found._mapping)


def _reopen(sheet: Sheet, row: Row, request: Row) -> None:
    """The doubt as it stood before it was given to a person, to be probed now."""
    if request["state"] != "in_doubt":
        box = sheet.open(request, "call_box")
        was = "duplicate" if box["duplicate"] else None if box["adopting"] else "unknown"
        values = {"state": "in_doubt", "outcome": was, "probes": 0, "finding_box": None, "reason": row["reason"]}
        update_by_id(sheet.connection, s.request, request["id"], values)
    update_by_id(sheet.connection, s.request, request["id"], {"probe_at": sheet.desk.now})


def _ask_the_target(sheet: Sheet, row: Row) -> None:
    request = doubtful_request(sheet.connection, row)
    if request is not None:
        _reopen(sheet, row, request)
        row["work"] = "in_doubt"
    elif row["hold"] == "doubt" and row["held"] == "present":
        row["work"], row["check_at"] = "none", sheet.desk.now  # a surplus was seen: look whether it still stands
    else:
        refuse_to("putus.tidak_ragu")
    row["hold"] = row["hold_fp"] = None


def settle_present(
    connection: Connection, desk: Desk, submission: int, values: Mapping[str, str], person: Person
) -> Decided:
    """A person saw it at the target. ``values``: its number there, in the target's own field names (an add only)."""
    case = _case(connection, desk, submission)
    if case.verb is Verb.DELETE:  # still there: the withdrawal starts anew
        case.close("decided")
        case.row["held"] = "present"
        _at_rest(case.row)
    else:
        _check_number(case, values)
        ours = case.doubted_before()
        case.close("decided")
        case.present(dict(values), "found" if ours else "adopted")
    shown = " ".join(f"{name}={value}" for name, value in values.items())
    audit_row(connection, desk, person, "settle ada", case.row, shown)
    case.settle()
    return Decided.of(case.row)


def settle_absent(connection: Connection, desk: Desk, submission: int, person: Person) -> Decided:
    """A person looked, and it is not at the target: an add may be sent again, a withdrawal is done."""
    case = _case(connection, desk, submission)
    if case.row["hold"] == "adopt":
        refuse_to("putus.nomor_emr")
    case.close("decided")
    if case.verb is Verb.DELETE:
        case.gone("withdrawn")
    else:
        case.row["held"] = "absent"
        _at_rest(case.row)
    audit_row(connection, desk, person, "settle tidak-ada", case.row)
    case.settle()
    return Decided.of(case.row)


def _case(connection: Connection, desk: Desk, submission: int) -> Case:
    sheet, row = sheet_of(connection, desk, submission)
    if row["work"] == "sending":
        refuse_to("putus.sedang_dikirim")
    request = doubtful_request(connection, row)
    if request is None:
        refuse_to("putus.tidak_ragu")
    if request["verb"] == Verb.EDIT:
        refuse_to("putus.ulang_sendiri")
    _reopen(sheet, row, request)
    return Case(connection, desk, request["id"])


def _at_rest(row: Row) -> None:
    row["work"], row["tries"] = "none", 0
    row["hold"] = row["hold_fp"] = row["wait_on"] = row["due_at"] = row["first_try_at"] = row["reason"] = None


def _check_number(case: Case, values: Mapping[str, str]) -> None:
    """The number must be one of this kind's, and not the receipt of something else of that day."""
    row, desk = case.row, case.desk
    kind = desk.kind_of(row["target"], row["kind"])
    fields = kind.receipt if kind else ()
    if not values or not fields or set(values) - set(fields) or fields[0] not in values:
        refuse_to("putus.nomor", fields=", ".join(f"--ada {name}=…" for name in fields))
    c = s.submission.c
    query = (
        select(c.id, s.receipt.c.values_box, s.receipt.c.key_id)
        .join(s.receipt, s.receipt.c.submission_id == c.id)
        .where(c.instance == row["instance"], c.kind == row["kind"], c.service_date == row["service_date"])
        .where(s.receipt.c.ended_at.is_(None), c.id != row["id"])
    )
    for other in case.connection.execute(query):
        held = desk.vault.open(other.values_box, desk.keys.by_id(case.connection, other.key_id).wrapped)
        if row["lane"] is None and held.get(fields[0]) == values[fields[0]]:
            refuse_to("putus.nomor_dipakai", id=other.id)
