"""Proposals: differences that only a person may let through (DESIGN §1 "When what is desired changes").

Accepting gives the submission a permit and settles its sheet; the courier does the rest. A *replace* of something
that others depend on takes the whole chain down in reverse order and builds it again, so before it is permitted every
step back in is checked: a target that allows the deletion but not the return would lose a visit.

Refusing is remembered with the desired state it was about, so that the same state is not proposed again.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from jknbridge.decisions import Decided, Person, audit, refuse_to, sheet_of
from jknbridge.instances import Instances
from jknbridge.ledger import schema as s
from jknbridge.ledger.sql import update_by_id
from jknbridge.ledger.work import Desk, Row, Sheet
from jknbridge.mappings import lookup
from jknbridge.reasons import Reason, register_all
from jknbridge.settings import Mode
from jknbridge.verdicts import Code, from_json, walk

register_all(
    {
        "usul.tertutup": (
            "Usulan {id} sudah {state}; lihat `jknbridge proposals list`",
            "Proposal {id} is {state} already; see `jknbridge proposals list`",
            "klinik",
        ),
        "usul.basi": (
            "Yang diinginkan sudah berubah sejak usulan ini dibuat; usulan yang baru menggantikannya",
            "What is desired has changed since this proposal was made; a new one takes its place",
            "klinik",
        ),
        "usul.tanpa_hapus": (
            "{kind} (pengiriman {id}) tidak dapat dihapus di sisi sana, jadi rangkaiannya tidak dapat dibangun ulang",
            "{kind} (submission {id}) cannot be deleted at the target, so the chain cannot be built again",
            "klinik",
        ),
        "usul.ditahan": (
            "{kind} (pengiriman {id}) masih menunggu keputusan lain ({hold}); selesaikan itu dahulu",
            "{kind} (submission {id}) still waits for another decision ({hold}); settle that first",
            "klinik",
        ),
        "usul.ragu": (
            "{kind} (pengiriman {id}) sedang dikirim atau diragukan; tunggu sampai jelas",
            "{kind} (submission {id}) is being sent or in doubt; wait until that is known",
            "klinik",
        ),
        "usul.tidak_kembali": (
            "{kind} (pengiriman {id}) tidak dapat ditambahkan lagi: EMR sekarang menyebutnya {desire}",
            "{kind} (submission {id}) could not be added again: the EMR now makes it {desire}",
            "klinik",
        ),
        "usul.pemetaan": (
            "{kind} (pengiriman {id}) tidak dapat ditambahkan lagi tanpa pemetaan {list} untuk {local}",
            "{kind} (submission {id}) could not be added again without a mapping in {list} for {local}",
            "klinik",
        ),
        "usul.batas": (
            "{kind} (pengiriman {id}) tidak dapat ditambahkan lagi: batas waktunya sudah lewat",
            "{kind} (submission {id}) could not be added again: its deadline has passed",
            "klinik",
        ),
        "usul.jeda": (
            "Tujuan {instance} tidak sedang mengirim (tidak ada di pengaturan, bayangan, atau jeda)",
            "The target {instance} is not sending (not in the settings, shadow, or paused)",
            "IT",
        ),
        "usul.turunan": (
            "Tidak dapat ditarik selagi {kind} (pengiriman {id}) yang bergantung padanya masih diinginkan",
            "Cannot be withdrawn while {kind} (submission {id}), which depends on it, is still wanted",
            "klinik",
        ),
    }
)


def accept(connection: Connection, desk: Desk, instances: Instances, proposal: int, person: Person) -> list[Decided]:
    """Let an open proposal through. Returns every submission it touches: its own, and the chain that hangs on it."""
    found, sheet, row = _open(connection, desk, proposal)
    action = found["action"]
    if found["desired_fp"] != row["desired_fp"]:
        refuse_to("usul.basi")
    instance = instances.by_name.get(row["instance"])
    if instance is None or instance.settings.mode is not Mode.JALAN:
        refuse_to("usul.jeda", instance=row["instance"])
    chain = [row] if action == "revise" else chain_of(sheet, row)
    if action == "replace":
        for link in chain:
            if (why := cannot_return(sheet, link)) is not None:
                refuse_to(why.code, **_params(sheet, link))
    elif action == "withdraw":
        _check_withdrawal(sheet, chain)
    for link in chain:
        link["permit"] = action
        if action == "replace" and len(chain) > 1:
            link["rebuild"] = row["id"]
        _decide(connection, desk, link, action, "accepted", person)
    _audit(connection, desk, person, "accept", found, row)
    sheet.settle()
    return [Decided.of(link) for link in chain]


def refuse(connection: Connection, desk: Desk, proposal: int, person: Person) -> Decided:
    """Leave what was accepted as it is. The same desired state is not proposed again."""
    found, sheet, row = _open(connection, desk, proposal)
    values = {"state": "refused", "decided_at": desk.now, "decided_by": person.who[:128], "why": person.why}
    update_by_id(connection, s.proposal, proposal, values)
    row["proposal_id"] = None
    _audit(connection, desk, person, "refuse", found, row)
    sheet.settle()
    return Decided.of(row)


def chain_of(sheet: Sheet, root: Row) -> list[Row]:
    """``root`` and everything that hangs on it, however far, each once and parents first."""
    chain = [root]
    for row in chain:  # grows while it is walked
        known = {link["id"] for link in chain}
        chain += [other for other in sheet.dependants(row) if other["id"] not in known]
    return chain


def _open(connection: Connection, desk: Desk, proposal: int) -> tuple[Row, Sheet, Row]:
    found = connection.execute(select(s.proposal).where(s.proposal.c.id == proposal)).first()
    if found is None:
        refuse_to("putus.tidak_ada", what="usulan", id=proposal)
    if found.state != "open":
        refuse_to("usul.tertutup", id=proposal, state=found.state)
    sheet, row = sheet_of(connection, desk, found.submission_id)
    return dict(found._mapping), sheet, row


def _decide(connection: Connection, desk: Desk, row: Row, action: str, state: str, person: Person) -> None:
    """Close the open proposal of one row of the chain, where it has one for this action."""
    if row["proposal_id"] is None:
        return
    known = connection.execute(select(s.proposal).where(s.proposal.c.id == row["proposal_id"])).one()
    if known.action == action:
        values = {"state": state, "decided_at": desk.now, "decided_by": person.who[:128], "why": person.why}
        update_by_id(connection, s.proposal, known.id, values)
        row["proposal_id"] = None


def _audit(connection: Connection, desk: Desk, person: Person, action: str, found: Row, row: Row) -> None:
    subject = f"proposal {found['id']} {found['action']} {row['target']}.{row['kind']} {row['key']}"
    audit(connection, desk.now, person, action, subject)


# --- is each step allowed? --------------------------------------------------------------------------------------------


def cannot_return(sheet: Sheet, row: Row) -> Reason | None:
    """Why a row of the chain could not be taken down and added again, or ``None`` if it can. What is unwanted anyway
    need not come back."""
    code = _obstacle(sheet, row)
    return Reason.of(code, **_params(sheet, row)) if code else None


def _obstacle(sheet: Sheet, row: Row) -> str | None:
    kind = sheet.desk.kind_of(row["target"], row["kind"])
    if kind is None or kind.delete is None:
        return "usul.tanpa_hapus"
    if row["hold"] is not None:
        return "usul.ditahan"
    if row["work"] in ("sending", "in_doubt"):
        return "usul.ragu"
    if row["desire"] == "unwanted":
        return None
    if row["desire"] != "wanted":
        return "usul.tidak_kembali"
    if row["deadline"] is not None and row["deadline"] < sheet.desk.now:
        return "usul.batas"
    return "usul.pemetaan" if _unmapped(sheet, row) else None


def _unmapped(sheet: Sheet, row: Row) -> Code | None:
    box = sheet.open(row, "desired_box") or {"payload": {}, "claim": []}
    for item in walk(from_json([box["payload"], box["claim"]])):
        if not isinstance(item, Code) or item.if_unmapped is not None:
            continue
        if lookup(sheet.connection, row["facility"], item.list, item.local) is None:
            return item
    return None


def _params(sheet: Sheet, row: Row) -> dict[str, object]:
    missing = _unmapped(sheet, row)
    return {
        "kind": row["kind"],
        "id": row["id"],
        "hold": row["hold"] or row["work"],
        "desire": row["desire"],
        "list": missing.list if missing else "",
        "local": missing.local if missing else "",
    }


def _check_withdrawal(sheet: Sheet, chain: list[Row]) -> None:
    for link in chain[1:]:
        if link["desire"] != "unwanted":
            refuse_to("usul.turunan", kind=link["kind"], id=link["id"])
        if link["hold"] is not None:
            refuse_to("usul.ditahan", **_params(sheet, link))
