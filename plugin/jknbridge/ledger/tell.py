"""What others are told when a submission changes: contacts (a desired set of their own) and results for the EMR.

Both go through the outbox in the transaction of the change, so that neither can be lost or invented (DESIGN §2.6, §4
step 6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, insert, select

from jknbridge import contacts, events
from jknbridge.clock import utc
from jknbridge.contacts import ContactDraft, Kontak, PCareReceipt
from jknbridge.ledger import schema as s
from jknbridge.ledger.intake import put_out
from jknbridge.ledger.sql import update_by_id
from jknbridge.ledger.texts import stored_reason

if TYPE_CHECKING:
    from jknbridge.ledger.work import Row, Sheet

_contact_of = select(s.contact).where(s.contact.c.submission_id == bindparam("id"))
_TOLD = ("none", "parked", "withdrawn", "expired")
_OVER = ("obsolete", "not_applicable")


def tell_contact(sheet: Sheet, row: Row, before: Mapping[str, Any]) -> None:
    """Record, revise or retract the contact that hangs on ``row``, if its state is not what was last told.

    While the target's answer is in doubt (``held`` unknown) nothing is told: neither that it counts nor that it is
    gone."""
    if row["held"] == "unknown" or (row["held"] == "absent" and before.get("held") == "absent"):
        return
    present = row["held"] == "present"
    draft = _acknowledged(sheet, row) if present else _counted(sheet, row, before)
    if not draft:
        return
    stored = sheet.connection.execute(_contact_of, {"id": row["id"]}).first()
    state = "recorded" if present else "retracted"
    if stored is None and state == "retracted":
        return
    body = _body(sheet, row, ContactDraft.from_json(draft), row["how"] or before.get("how") or "made")
    print_ = sheet.desk.vault.fingerprint({**body, "state": state})
    if stored is None or stored.fingerprint != print_:
        _publish(sheet, row, stored, body, state, print_)


_WHO = ("card", "service_date", "sick")


def _acknowledged(sheet: Sheet, row: Row) -> dict[str, Any] | None:
    """The contact that the target stands for: the newest, but of the participant, day and kind that it has accepted.
    Another one that is still to be revised, replaced or only proposed has not been acknowledged by anybody.
    """
    wanted, accepted = _contact_in(sheet, row, "desired_box"), _contact_in(sheet, row, "accepted_box")
    if accepted is None:
        return wanted if row["desired_fp"] == row["accepted_fp"] else None
    if wanted and all(wanted[name] == accepted[name] for name in _WHO):
        return wanted
    return {**accepted, "encounter_status": (wanted or accepted)["encounter_status"]}


def _counted(sheet: Sheet, row: Row, before: Mapping[str, Any]) -> dict[str, Any] | None:
    """The contact that was counted until now, for taking it back."""
    return _contact_in(sheet, {**row, **before}, "accepted_box") or _contact_in(sheet, row, "desired_box")


def _contact_in(sheet: Sheet, row: Row, column: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = (sheet.open(row, column) or {}).get("contact")
    return found


def _publish(sheet: Sheet, row: Row, stored: Any, body: dict[str, Any], state: str, print_: str) -> None:
    revision = 1 if stored is None else stored.revision + 1
    contact_id = sheet.desk.vault.hmac("contact", row["instance"], row["kind"], row["key"])[:32]
    event = Kontak.model_validate({**body, "id": contact_id, "revision": revision, "state": state})
    type_ = contacts.TYPE_RECORDED if state == "recorded" else contacts.TYPE_RETRACTED
    put_out(
        sheet.connection,
        sheet.desk.vault,
        contacts.TOPIC,
        contact_id.encode(),
        event.model_dump_json().encode(),
        events.headers(f"{contact_id}.{revision}", type_, f"urn:jknbridge:{sheet.desk.ledger_id}"),
        sheet.desk.now,
    )
    values = {
        "revision": revision,
        "state": state,
        "fingerprint": print_,
        "kind": event.kind,
        "month": event.month,
        "facility": event.facility,
    }
    if stored is None:
        sheet.connection.execute(insert(s.contact), {**values, "id": contact_id, "submission_id": row["id"]})
    else:
        update_by_id(sheet.connection, s.contact, stored.id, values)


def _body(sheet: Sheet, row: Row, draft: ContactDraft, how: str) -> dict[str, Any]:
    values: dict[str, str] = {}
    kind = sheet.desk.kind_of(row["target"], row["kind"])
    for other in sheet.rows:
        needed = kind is not None and other["kind"] in kind.needs and other["instance"] == row["instance"]
        if needed and other["key"] == row["key"]:
            values |= sheet.values(other)
    values |= sheet.values(row)
    receipt = PCareReceipt(noUrut=values.get("noUrut"), noKunjungan=values.get("noKunjungan"), how=how)
    return {
        "kind": draft.kind,
        "sick": draft.sick,
        "place": draft.place,
        "mode": draft.mode,
        "service_date": draft.service_date.isoformat(),
        "month": draft.service_date.isoformat()[:7],
        "facility": row["facility"],
        "participant": sheet.desk.pseudonym(draft.card),
        "registered_here": draft.registered_here,
        "active": draft.active,
        "encounter_status": draft.encounter_status,
        "pcare": receipt.model_dump(),
    }


def tell_result(sheet: Sheet, row: Row) -> None:
    """Tell the EMR what became of a submission, once per state a person would care about."""
    over = row["work"] in _OVER and row["told_fp"] is not None  # what was told before is not so any more
    if not over and (row["work"] not in _TOLD or (row["work"] == "none" and row["held"] == "absent")):
        return
    reason = stored_reason(row["reason"])
    source, resource = row["key"].split("/", 1)
    values = sheet.values(row) if row["held"] == "present" else {}
    state = {
        "source": source,
        "resource": resource.split("#")[0],
        "facility": row["facility"],
        "target": row["target"],
        "kind": row["kind"],
        "held": row["held"],
        "work": row["work"],
        "values": {name: str(value) for name, value in values.items()},
        "how": row["how"] if row["held"] == "present" else None,
        "reason": reason.to_json() if reason else None,
    }
    print_ = sheet.desk.vault.fingerprint(state)
    if print_ == row["told_fp"]:
        return
    row["told_fp"] = print_
    key = sheet.desk.vault.hmac("hasil", row["instance"], row["kind"], row["key"])[:32]
    event = events.Hasil.model_validate({**state, "id": key, "at": utc(sheet.desk.now)})
    put_out(
        sheet.connection,
        sheet.desk.vault,
        events.RESULT_TOPIC,
        key.encode(),
        event.model_dump_json().encode(),
        events.headers(print_[:32], events.RESULT_TYPE, f"urn:jknbridge:{sheet.desk.ledger_id}"),
        sheet.desk.now,
    )
