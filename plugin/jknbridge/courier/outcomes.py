"""From an answer to a state: what each outcome of a request means for its submission (DESIGN §2.3, §4 step 6).

All of it runs in one transaction with the receipt, the outbox rows and the wake-ups that follow.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, update

from jknbridge.ledger import schema as s
from jknbridge.ledger.sql import update_by_id
from jknbridge.ledger.texts import reason_text
from jknbridge.ledger.work import Desk, Row, Sheet
from jknbridge.reasons import Reason, register_all
from jknbridge.settings import WaktuSettings
from jknbridge.targets import Accepted, CredentialRefused, Duplicate, Later, Outcome, Refused, Verb

register_all(
    {
        "kirim.terlalu_lama": (
            "Sudah dicoba berulang kali tanpa hasil: {last}. Periksa, lalu jalankan `jknbridge submissions retry`",
            "Tried for a long time without success: {last}. Look into it, then run `jknbridge submissions retry`",
            "IT",
        ),
        "kirim.kredensial": (
            "Kredensial ditolak: {why}. Semua pengiriman dengan kredensial ini berhenti sampai rahasianya diganti",
            "The credential was refused: {why}. Nothing is sent with it until its secret changes",
            "IT",
        ),
    }
)

_request = (
    select(
        s.request,
        s.submission.c.journey_id,
        s.request_submission.c.submission_id,
        s.request_submission.c.fingerprint.label("desired"),
    )
    .join(s.request_submission, s.request_submission.c.request_id == s.request.c.id)
    .join(s.submission, s.submission.c.id == s.request_submission.c.submission_id)
    .where(s.request.c.id == bindparam("id"))
)
_claimed = select(s.claim.c.natural_hmac).where(s.claim.c.submission_id == bindparam("id"))
_look_again = (
    update(s.journey)
    .where(s.journey.c.id == bindparam("_id"))
    .values(due_at=bindparam("now"), changes=s.journey.c.changes + 1)
)
_last_ended = (  # a doubt before that was about an earlier life of the submission
    select(func.coalesce(func.max(s.receipt.c.ended_at), 0.0))
    .where(s.receipt.c.submission_id == bindparam("id"))
    .scalar_subquery()
)
_earlier_doubt = (
    select(s.request.c.id)
    .join(s.request_submission, s.request_submission.c.request_id == s.request.c.id)
    .where(s.request_submission.c.submission_id == bindparam("id"), s.request.c.verb == bindparam("verb"))
    .where(s.request.c.outcome.in_(("unknown", "repeated")), s.request.c.created_at >= _last_ended)
    .limit(1)
)


class Case:
    """One request with its submission, opened for a decision."""

    def __init__(self, connection: Connection, desk: Desk, request_id: str) -> None:
        self.connection = connection
        self.desk = desk
        self.request: Row = dict(connection.execute(_request, {"id": request_id}).one()._mapping)
        self.fingerprint: str = self.request["desired"]
        self.sheet = Sheet(connection, desk, self.request["journey_id"])
        self.row = self.sheet.row(self.request["submission_id"])
        self.box: dict[str, Any] = self.sheet.open(self.request | {"key_id": self.request["key_id"]}, "call_box")
        self.verb = Verb(self.request["verb"])

    def close(self, outcome: str, reason: Reason | None = None) -> None:
        values = {
            "state": "closed",
            "outcome": outcome,
            "reason": reason_text(reason),
            "ended_at": self.desk.now,
            "probe_at": None,
        }
        update_by_id(self.connection, s.request, self.request["id"], values)

    def doubted_before(self) -> bool:
        """Whether a request of ours of this kind may have had its effect: then what is found is ours."""
        if self.request["outcome"] == "unknown" or (self.request["state"] == "in_doubt" and not self.box["duplicate"]):
            return not self.box["adopting"]
        found = self.connection.execute(_earlier_doubt, {"id": self.row["id"], "verb": self.verb.value}).first()
        return found is not None

    # --- states ------------------------------------------------------------------------------------------------------

    def present(self, values: Mapping[str, str], how: str) -> None:
        """The target holds it as this request asked."""
        row = self.row
        row["held"] = "present"
        row["service_date"] = self.box["service_date"] or row["service_date"]
        row["accepted_fp"], row["accepted_inputs"] = self.fingerprint, self.box["inputs"]
        row["accepted_box"] = self.sheet.seal(row, {**self.box["desired"], "resolved": self.box["payload"]})
        if self.verb is Verb.ADD:
            row["how"] = how
            # The claim says which natural key was sent; the mapping it was made of may be gone by now.
            natural = self.connection.execute(_claimed, {"id": row["id"]}).scalars().first()
            self.sheet.give_receipt(row, values, how, self.request["id"], natural)
        elif values:
            merged = {**self.sheet.values(row), **values}
            natural = self.connection.execute(_claimed, {"id": row["id"]}).scalars().first()
            self.sheet.give_receipt(row, merged, row["how"] or how, self.request["id"], natural)
        if row["desire"] != "wanted":
            # Said of a submission without receipt: with one it may be another verdict. The planner is woken by the
            # ledger's new version, as by a command's.
            self.connection.execute(_look_again, {"_id": row["journey_id"], "now": self.desk.now})
        self._rest("none")
        row["permit"] = None

    def gone(self, by: str) -> None:
        """The target does not hold it any more."""
        row = self.row
        row["held"] = "absent"
        row["how"] = row["accepted_fp"] = row["accepted_box"] = row["accepted_inputs"] = None
        self.sheet.end_receipt(row, by)
        self.sheet.release_claim(row)
        self._rest("withdrawn")
        if row["permit"] == "withdraw":
            row["permit"] = None

    def _rest(self, work: str) -> None:
        row = self.row
        row["work"] = work
        row["tries"] = 0
        row["first_try_at"] = row["due_at"] = row["hold"] = row["hold_fp"] = row["reason"] = None

    def in_doubt(self, reason: Reason, probe_at: float, *, duplicate: bool = False) -> None:
        row = self.row
        row["work"] = "in_doubt"
        if self.verb is not Verb.EDIT and not duplicate:
            row["held"] = "unknown"
        if not duplicate:
            row["doubt_at"] = self.desk.now
        row["reason"] = reason_text(reason)
        row["due_at"] = None
        values: dict[str, Any] = {
            "state": "in_doubt",
            "outcome": "duplicate" if duplicate else "unknown",
            "reason": row["reason"],
            "ended_at": self.desk.now,
            "probe_at": probe_at,
        }
        if duplicate:
            values["call_box"] = self.sheet.seal(self.request, {**self.box, "duplicate": True})
        update_by_id(self.connection, s.request, self.request["id"], values)

    def again(self, at: float, reason: Reason | None, outcome: str) -> None:
        """Surely without effect: the same work once more, later. What is held stays as it was."""
        self.close(outcome, reason)
        self.row["work"], self.row["due_at"], self.row["reason"] = "retry", at, reason_text(reason)

    def hold(self, why: str, reason: Reason, outcome: str) -> None:
        """Only a person may go on. The claim is given back where nothing of ours can be at the target."""
        self.close(outcome, reason)
        row = self.row
        row["work"], row["hold"], row["hold_fp"], row["reason"] = "parked", why, row["desired_fp"], reason_text(reason)
        row["due_at"] = None
        if row["held"] == "absent" and why == "refused":
            self.sheet.release_claim(row)

    def settle(self) -> bool:
        return self.sheet.settle()


def settle(connection: Connection, desk: Desk, request_id: str, outcome: Outcome, waktu: WaktuSettings) -> bool:
    """Apply the outcome of a request that was under way. Returns whether there may be new work."""
    case = Case(connection, desk, request_id)
    if case.request["state"] != "sending":
        return False  # decided meanwhile, by a probe or a person
    match outcome:
        case Accepted():
            case.close("accepted")
            if case.verb is Verb.DELETE:
                case.gone("withdrawn")
            else:
                look_for_surplus(case, waktu)
                case.present(outcome.values, "made")
        case Duplicate():
            case.in_doubt(outcome.reason, desk.now, duplicate=True)
        case Refused():
            _back_to_before(case)
            case.hold("refused", outcome.reason, "refused")
        case Later():
            _back_to_before(case)
            if case.verb is Verb.EDIT and case.request["repeat_of"]:
                case.in_doubt(outcome.reason, desk.now + backoff(case.row["tries"], waktu))  # the first is still open
            else:
                _later(case, outcome, waktu)
        case CredentialRefused():
            _back_to_before(case)
            case.row["tries"] = max(case.row["tries"] - 1, 0)
            case.again(desk.now, Reason.of("kirim.kredensial", why=outcome.reason.id), "credential")
        case _:
            again = backoff(case.row["tries"], waktu) if case.request["repeat_of"] else min(1.0, waktu.visibility)
            case.in_doubt(outcome.reason, desk.now + again)
    return case.settle()


def _back_to_before(case: Case) -> None:
    """An add surely without effect leaves the target as it was: absent, unless an earlier one is still unexplained."""
    if case.verb is Verb.ADD and case.row["held"] != "present":
        case.row["held"] = "absent"


def _later(case: Case, outcome: Later, waktu: WaktuSettings) -> None:
    now = case.desk.now
    first = case.row["first_try_at"] or now
    if now - first > waktu.retry_for:
        case.hold("refused", Reason.of("kirim.terlalu_lama", last=outcome.reason.id), "later")
        return
    at = outcome.at.timestamp() if outcome.at else now + max(outcome.after or 0.0, backoff(case.row["tries"], waktu))
    case.again(at, outcome.reason, "later")


def backoff(tries: int, waktu: WaktuSettings) -> float:
    """Doubling from ``retry_first`` up to ``retry_cap``, with jitter between half and the whole of it."""
    return float(min(waktu.retry_first * 2 ** min(max(tries - 1, 0), 30), waktu.retry_cap) * random.uniform(0.5, 1.0))


def look_for_surplus(case: Case, waktu: WaktuSettings) -> None:
    """After a doubt about an add without natural key a second look is due: a late effect may have made a surplus, of a
    request that was repeated, or beside a row typed by hand that was taken for ours."""
    kind = case.desk.kind_of(case.row["target"], case.row["kind"])
    if kind is not None and case.verb is Verb.ADD and not kind.add.natural_key and case.row["doubt_at"] is not None:
        case.row["check_at"] = case.desk.now + waktu.late_effect


def close_credential(connection: Connection, limit_key: str, secret_hmac: str, reason: Reason, now: float) -> None:
    """One refused log-in closes the credential for all workers until its secret changes (DESIGN §4 step 4)."""
    known = connection.execute(select(s.credential.c.limit_key).where(s.credential.c.limit_key == limit_key)).first()
    values = {"secret_hmac": secret_hmac, "reason": reason_text(reason), "closed_at": now}
    if known is None:
        connection.execute(insert(s.credential), {"limit_key": limit_key, **values})
    else:
        connection.execute(s.credential.update().where(s.credential.c.limit_key == limit_key).values(**values))
