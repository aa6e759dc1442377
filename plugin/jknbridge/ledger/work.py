"""Submissions of one journey, and what follows for each: the one place where *held* and *work* change (DESIGN §1).

Every change (a verdict, an outcome, a decision of a person) edits rows of a :class:`Sheet` and then settles it: the
pure :func:`jknbridge.difference.step` is asked for each row, contacts and results follow from what changed, and rows
are written once. All of it runs inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from jknbridge.clock import utc
from jknbridge.difference import Standing, Step, changed_fields, step
from jknbridge.ledger import schema as s
from jknbridge.ledger.keyring import DataKey, KeyRing
from jknbridge.ledger.sql import chunks, update_by_id
from jknbridge.ledger.tell import tell_contact, tell_result
from jknbridge.ledger.texts import reason_text, stored_reason
from jknbridge.ledger.vault import Vault
from jknbridge.reasons import Reason, register_all
from jknbridge.targets import Change, Kind

register_all(
    {
        "kirim.belum_waktunya": (
            "Tanggalnya di masa depan: dikirim mulai {at}. Periksa tanggal kunjungan di EMR bila tidak benar",
            "Its date lies in the future: sent from {at} on. Check the visit's date in the EMR if that is wrong",
            "klinik",
        ),
    }
)

Row = dict[str, Any]
_TOUCHES_NOTHING = ("waiting", "parked", "not_applicable")
_WITHDRAWING = ("waiting", "ready", "retry", "sending", "in_doubt")
withdrawing = (s.submission.c.verb == "delete") & s.submission.c.work.in_(_WITHDRAWING)
"""About to be deleted: nothing new may be built upon its receipt."""
OPEN = ("waiting", "ready", "sending", "retry", "in_doubt")

_rows = select(s.submission).where(s.submission.c.journey_id == bindparam("journey")).order_by(s.submission.c.id)
_one = select(s.submission).where(s.submission.c.id == bindparam("id"))
_receipts = (
    select(s.receipt)
    .join(s.submission, s.submission.c.id == s.receipt.c.submission_id)
    .where(s.submission.c.journey_id == bindparam("journey"), s.receipt.c.ended_at.is_(None))
    .order_by(s.receipt.c.id)
)


_mapping = (
    select(s.mapping.c.code)
    .where(s.mapping.c.facility.in_((bindparam("facility"), "*")))
    .where(s.mapping.c.list == bindparam("list"), s.mapping.c.local == bindparam("local"))
    .order_by(s.mapping.c.facility.desc())
)
_same = select(s.submission).where(
    s.submission.c.instance == bindparam("instance"),
    s.submission.c.kind == bindparam("kind"),
    s.submission.c.key == bindparam("key"),
)
_many = (
    select(s.submission)
    .where(s.submission.c.journey_id.in_(bindparam("journeys", expanding=True)))
    .order_by(s.submission.c.id)
)
_insert, _insert_receipt = insert(s.submission), insert(s.receipt)
_end_receipt = (
    update(s.receipt)
    .where(s.receipt.c.submission_id == bindparam("_id"), s.receipt.c.ended_at.is_(None))
    .values(ended_at=bindparam("at"), ended_by=bindparam("by"))
)
_claims = select(s.claim).where(s.claim.c.submission_id == bindparam("_id"))
_drop_claims = delete(s.claim).where(s.claim.c.submission_id == bindparam("_id"))
_wake = (
    update(s.submission)
    .where(s.submission.c.wait_on == bindparam("what"))
    .values(work="ready", wait_on=None, reason=None, due_at=bindparam("now"))
)
_NAMES = tuple(column.name for column in s.submission.columns)
_EMPTY: Row = {column.name: None for column in s.submission.columns} | {"held": "absent", "tries": 0, "contact": False}
_proposals = select(s.proposal).where(
    s.proposal.c.submission_id == bindparam("id"), s.proposal.c.state.in_(("open", "refused"))
)


@dataclass(frozen=True, slots=True)
class Desk:
    """What settling needs beside the rows: vault, keys, declarations and the moment. ``kind_of`` may return ``None``
    for a target no plugin brings any more: its rows are left as they are.
    """

    vault: Vault
    keys: KeyRing
    kind_of: Callable[[str, str], Kind | None]
    now: float
    ledger_id: str
    pseudonym: Callable[[str], str]
    today: date
    codes: dict[tuple[str, str, str], str | None] = field(default_factory=dict)

    def mapped(self, connection: Connection, facility: str, list_: str, local: str) -> str | None:
        """The target's code for a local one: the facility's own, else the one for all. Looked up once per desk."""
        name = (facility, list_, local)
        if name not in self.codes:
            found = connection.execute(_mapping, {"facility": facility, "list": list_, "local": local})
            self.codes[name] = found.scalars().first()
        return self.codes[name]


class Sheet:
    """The rows of one journey, edited in memory and written once by :meth:`settle`."""

    def __init__(self, connection: Connection, desk: Desk, journey_id: int, rows: Sequence[Row] | None = None) -> None:
        self.connection = connection
        self.desk = desk
        self.journey_id = journey_id
        if rows is None:
            rows = [dict(zip(_NAMES, row, strict=True)) for row in connection.execute(_rows, {"journey": journey_id})]
        self.rows: list[Row] = list(rows)
        self._before = {row["id"]: dict(row) for row in self.rows}
        self.adopted: list[int] = []
        self._receipts: list[Row] | None = None
        self._values: dict[int, dict[str, str]] = {}

    # --- reading -----------------------------------------------------------------------------------------------------

    def row(self, submission_id: int) -> Row:
        return next(row for row in self.rows if row["id"] == submission_id)

    def find(self, instance: str, kind: str, key: str) -> Row | None:
        for row in self.rows:
            if row["instance"] == instance and row["kind"] == kind and row["key"] == key:
                return row
        return None

    def forget(self, submissions: Iterable[int]) -> None:
        """Rows that another journey of the same batch took over: what this sheet remembers of them is out of date."""
        gone = set(submissions)
        self.rows = [row for row in self.rows if row["id"] not in gone]

    def adopt_row(self, instance: str, kind: str, key: str) -> Row | None:
        """A row of that identity that another journey holds (its resource moved here): it becomes ours."""
        found = self.connection.execute(_same, {"instance": instance, "kind": kind, "key": key}).first()
        if found is None:
            return None
        row = dict(found._mapping)
        self._before[row["id"]] = dict(row)
        row["journey_id"] = self.journey_id
        self.rows.append(row)
        self.adopted.append(row["id"])
        return row

    def add(self, row: Row) -> Row:
        made = self.connection.execute(_insert, row)
        assert made.inserted_primary_key is not None
        full = {**_EMPTY, **row, "id": made.inserted_primary_key[0]}
        self._before[full["id"]] = {**full, "work": None}
        self.rows.append(full)
        return full

    def open(self, row: Row, column: str) -> Any:
        box = row[column]
        return None if box is None else self.desk.vault.open(box, self.key(row).wrapped)

    def seal(self, row: Row, value: Any) -> bytes:
        return self.desk.vault.seal(value, self.key(row).wrapped)

    def key(self, row: Row) -> DataKey:
        return self.desk.keys.by_id(self.connection, row["key_id"])

    def receipts(self) -> list[Row]:
        if self._receipts is None:
            query = self.connection.execute(_receipts, {"journey": self.journey_id})
            self._receipts = [dict(row._mapping) for row in query]
        return self._receipts

    def values(self, row: Row) -> dict[str, str]:
        """The living receipt's values of a row, or nothing."""
        if row["id"] not in self._values:
            self._values[row["id"]] = self._open_values(row)
        return self._values[row["id"]]

    def _open_values(self, row: Row) -> dict[str, str]:
        for receipt in self.receipts():
            if receipt["submission_id"] == row["id"]:
                key = self.desk.keys.by_id(self.connection, receipt["key_id"])
                values: dict[str, str] = self.desk.vault.open(receipt["values_box"], key.wrapped)
                return values
        return {}

    def receipt_values(self, facility: str, receipt: str, key: str) -> dict[str, str]:
        """Values of a present submission of this journey that yields ``receipt`` under ``key``."""
        for row in self.rows:
            named = row["key"] == key and f"{row['target']}.{row['kind']}" == receipt
            if named and row["facility"] == facility and row["held"] == "present" and not _withdrawing(row):
                return self.values(row)
        return {}

    def dependants(self, row: Row) -> list[Row]:
        """Rows of the same instance that hang on this one and are not surely absent."""
        found = []
        for other in self.rows:
            kind = self.desk.kind_of(other["target"], other["kind"])
            if other["instance"] == row["instance"] and kind is not None and row["kind"] in kind.needs:
                lane = f"{row['target']}.{row['kind']}|{row['key']}"
                if (other["lane"] in (None, lane)) and (
                    other["held"] != "absent" or other["work"] in ("sending", "in_doubt")
                ):
                    found.append(other)
        return found

    # --- receipts, claims --------------------------------------------------------------------------------------------

    def give_receipt(
        self, row: Row, values: Mapping[str, str], how: str, request_id: str | None, natural: str | None
    ) -> None:
        if self._before[row["id"]].get("how") is not None:
            self.end_receipt(row, "replaced")
        self.connection.execute(
            _insert_receipt,
            {
                "submission_id": row["id"],
                "request_id": request_id,
                "kind": f"{row['target']}.{row['kind']}",
                "values_box": self.seal(row, dict(values)),
                "key_id": row["key_id"],
                "natural_hmac": natural,
                "how": how,
                "fingerprint": row["accepted_fp"] or "",
                "created_at": self.desk.now,
            },
        )
        self._receipts = None
        self._values[row["id"]] = dict(values)
        self.wake(f"receipt|{row['facility']}|{row['target']}.{row['kind']}|{row['key']}")

    def end_receipt(self, row: Row, by: str) -> None:
        if any(receipt["submission_id"] == row["id"] for receipt in self.receipts()):
            self.connection.execute(_end_receipt, {"_id": row["id"], "at": self.desk.now, "by": by})
            self._receipts = None
        self._values[row["id"]] = {}

    def release_claim(self, row: Row) -> None:
        """Give the target's natural key back, and wake who waits for it."""
        claims = self.connection.execute(_claims, {"_id": row["id"]}).all()
        for claim in claims:
            self.wake(f"claim|{claim.instance}|{claim.natural_hmac}")
        if claims:
            self.connection.execute(_drop_claims, {"_id": row["id"]})

    def wake(self, what: str) -> None:
        """Whoever waits on ``what`` is looked at again, in this journey and in others."""
        values = {"work": "ready", "wait_on": None, "reason": None, "due_at": self.desk.now}
        for row in self.rows:
            if row["wait_on"] == what:
                row.update(values)
        self.connection.execute(_wake, {"what": what, "now": self.desk.now})

    # --- settling ----------------------------------------------------------------------------------------------------

    def settle(self) -> bool:
        """Ask for each row what follows, write what changed, tell contacts and results. True if work may be ready."""
        if any(row["rebuild"] for row in self.rows):
            self._end_rebuilds()
        for row in self.rows:
            self._resettle(row)
        ready = False
        for row in self.rows:
            before = self._before[row["id"]]
            if row != before:
                self._announce(row, before)
                changed = {name: value for name, value in row.items() if before.get(name, ...) != value}
                changed["changed_at"] = self.desk.now
                changed.pop("id", None)
                update_by_id(self.connection, s.submission, row["id"], changed)
                self._before[row["id"]] = dict(row)
            ready = ready or row["work"] in ("ready", "retry", "in_doubt")
        return ready

    def _end_rebuilds(self) -> None:
        for root in {row["rebuild"] for row in self.rows if row["rebuild"]}:
            top = next((row for row in self.rows if row["id"] == root), None)
            if top is None or top["held"] == "absent":
                for row in self.rows:
                    if row["rebuild"] == root:
                        row["rebuild"] = None
                        row["permit"] = None

    def _resettle(self, row: Row) -> None:
        if row["work"] in ("sending", "in_doubt") or (_at_rest(row) and _at_rest(self._before[row["id"]])):
            return
        kind = self.desk.kind_of(row["target"], row["kind"])
        if kind is None:
            return
        next_ = step(self.standing(row, kind), kind)
        verb = next_.verb.value if next_.verb else None
        same = row["desired_fp"] == self._before[row["id"]].get("desired_fp")
        if next_.work == "ready":
            moved = row["deadline"] != self._before[row["id"]].get("deadline")
            if row["work"] == "expired" and same and not moved:
                return
            waits = row["wait_on"] is not None and not row["wait_on"].startswith("dependants|")
            if row["work"] in ("waiting", "parked") and waits and row["verb"] == verb and same:
                return  # still waits for what it waited for
            if row["work"] == "retry" and row["verb"] == verb and same:
                return
            if row["work"] not in ("ready", "retry"):
                row["due_at"] = self.desk.now
            row["tries"] = row["tries"] if same and row["verb"] == verb else 0
            row["first_try_at"] = row["first_try_at"] if same and row["verb"] == verb else None
        self._take_step(row, next_, verb)

    def _take_step(self, row: Row, next_: Step, verb: str | None) -> None:
        if row["desire"] == "wanted" and row["held"] == "present" and row["desired_fp"] == row["accepted_fp"]:
            row["accepted_inputs"] = row["desired_inputs"]
        was_withdrawing = _withdrawing(self._before[row["id"]])
        row["work"] = next_.work
        row["verb"] = verb
        if was_withdrawing and row["held"] == "present" and not _withdrawing(row):
            self.wake(f"receipt|{row['facility']}|{row['target']}.{row['kind']}|{row['key']}")
        row["wait_on"] = f"dependants|{row['id']}" if next_.waits_for_dependants else None
        if next_.work not in ("sending", "in_doubt", "parked") or next_.reason is not None:
            row["reason"] = reason_text(next_.reason)
        if next_.work not in ("ready", "retry", "in_doubt", "sending"):
            row["due_at"] = None
        if verb == "add" and (row["not_before"] or 0.0) > self.desk.now:
            at = utc(row["not_before"]).isoformat(timespec="minutes")
            row["reason"] = reason_text(Reason.of("kirim.belum_waktunya", at=at))
        let_go = row["desire"] in _TOUCHES_NOTHING and not row["hold"]
        if (let_go or next_.work in ("obsolete", "withdrawn", "none")) and row["held"] == "absent":
            self.release_claim(row)
        self._propose(row, next_)

    def standing(self, row: Row, kind: Kind) -> Standing:
        differs = row["held"] != "absent" and row["desired_fp"] != row["accepted_fp"] and row["desire"] == "wanted"
        desired = self.open(row, "desired_box") if differs else None
        accepted = self.open(row, "accepted_box") if differs else None
        days = {row["service_date"], desired.get("service_date") if desired else None} - {None}
        root = next((r for r in self.rows if r["id"] == row["rebuild"]), None)
        return Standing(
            desire=row["desire"],
            held=row["held"],
            work=row["work"],
            how=row["how"],
            desired=desired and desired["payload"],
            desired_fp=row["desired_fp"],
            accepted=accepted and accepted["payload"],
            accepted_fp=row["accepted_fp"],
            hold=row["hold"],
            hold_fp=row["hold_fp"],
            permit=row["permit"],
            rebuild=row["rebuild"] is not None,
            root_down=root is None or root["held"] == "absent",
            in_window=all(self.desk.today <= kind.window(date.fromisoformat(day)) for day in days),
            dependants=tuple(sorted({other["kind"] for other in self.dependants(row)}))
            if row["held"] != "absent"
            else (),
            same_inputs=row["accepted_inputs"] is not None and row["accepted_inputs"] == row["desired_inputs"],
            parent_replaces=differs and any(self._replaces(parent) for parent in self._parents(row, kind)),
            reason=stored_reason(row["reason"]),
        )

    def _parents(self, row: Row, kind: Kind) -> list[Row]:
        """Rows of the same instance that this one hangs on: those it shares its key with, and its lane's."""
        return [
            other
            for other in self.rows
            if other["instance"] == row["instance"]
            and other["kind"] in kind.needs
            and (other["key"] == row["key"] or row["lane"] == f"{other['target']}.{other['kind']}|{other['key']}")
        ]

    def _replaces(self, row: Row) -> bool:
        """Whether what is desired of a held row asks for a replacement."""
        kind = self.desk.kind_of(row["target"], row["kind"])
        if (
            kind is None
            or row["held"] == "absent"
            or row["desire"] != "wanted"
            or row["desired_fp"] == row["accepted_fp"]
        ):
            return False
        desired, accepted = self.open(row, "desired_box"), self.open(row, "accepted_box")
        if not desired or not accepted:
            return False
        fields = changed_fields(desired["payload"], accepted["payload"])
        return kind.change_of(fields) is Change.REPLACE or any(self._replaces(p) for p in self._parents(row, kind))

    def _propose(self, row: Row, next_: Step) -> None:
        """Keep exactly the open proposal that the step asks for: none, or one for this desired state."""
        if next_.propose is None and row["proposal_id"] is None:
            return
        known = self.connection.execute(_proposals, {"id": row["id"]}).all()
        row["proposal_id"] = None
        for proposal in known:
            fits = proposal.action == next_.propose and proposal.desired_fp == row["desired_fp"]
            if proposal.state == "open" and not fits:
                update_by_id(self.connection, s.proposal, proposal.id, {"state": "moot", "decided_at": self.desk.now})
            elif fits:  # open, or refused by a person for this very state: not asked again
                row["proposal_id"] = proposal.id if proposal.state == "open" else None
                return
        if next_.propose and next_.reason:
            values = {
                "instance": row["instance"],
                "submission_id": row["id"],
                "action": next_.propose,
                "desired_fp": row["desired_fp"],
                "reason": reason_text(next_.reason),
                "created_at": self.desk.now,
            }
            made = self.connection.execute(insert(s.proposal), values)
            assert made.inserted_primary_key is not None
            row["proposal_id"] = made.inserted_primary_key[0]

    def _announce(self, row: Row, before: Mapping[str, Any]) -> None:
        if row["contact"]:
            tell_contact(self, row, before)
        tell_result(self, row)


def sheets_of(connection: Connection, desk: Desk, journeys: Iterable[int]) -> dict[int, Sheet]:
    """The sheets of many journeys, read with one statement."""
    rows: dict[int, list[Row]] = {journey: [] for journey in journeys}
    for some in chunks(sorted(rows)):
        for row in connection.execute(_many, {"journeys": some}):
            rows[row.journey_id].append(dict(zip(_NAMES, row, strict=True)))
    return {journey: Sheet(connection, desk, journey, own) for journey, own in rows.items()}


def _withdrawing(row: Mapping[str, Any]) -> bool:
    return row["verb"] == "delete" and row["work"] in _WITHDRAWING


def _at_rest(row: Row) -> bool:
    """Held as desired, with nothing pending: nothing can follow for this row."""
    return bool(
        row["work"] == "none"
        and row["held"] == "present"
        and row["desire"] == "wanted"
        and row["desired_fp"] == row["accepted_fp"]
        and row["desired_inputs"] == row["accepted_inputs"]
        and row["hold"] is None
        and row["rebuild"] is None
        and row["proposal_id"] is None
    )
