"""One journey's turn as ``plan`` shows it: verdicts with what they wait for, and the difference from what is held.

The difference is not computed here: :mod:`jknbridge.planner` has written it into the rows of the dry run, as it would
for a worker. Codes, references, claims and the composed body are looked at as the courier would when it takes the work.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from jknbridge.courier import take  # noqa: F401 (registers the reasons kirim.*)
from jknbridge.instances import Instances
from jknbridge.ledger import schema as s
from jknbridge.ledger.texts import stored_reason
from jknbridge.ledger.work import Desk, Row, Sheet
from jknbridge.planner import Context, Said, Turn
from jknbridge.planning_result import FactPlan, JourneyPlan, SubmissionPlan, TargetPlan, Wait
from jknbridge.planning_view import Resolver
from jknbridge.reasons import Reason, register_all
from jknbridge.settings import Mode
from jknbridge.targets import Call, Instance, Verb
from jknbridge.verdicts import Code, NotApplicable, Parked, Ref, Unwanted, Verdict, Waiting, Wanted, walk

if TYPE_CHECKING:
    from jknbridge import planning

register_all(
    {
        "rencana.mode": (
            "Tidak dikirim: mode faskes ini untuk tujuan ini adalah {mode}",
            "Not sent: this facility's mode at this target is {mode}",
            "IT",
        ),
        "rencana.belum_waktunya": (
            "Belum waktunya: tidak sebelum {moment}",
            "Too early: not before {moment}",
            "IT",
        ),
    }
)

_WORDS: Mapping[type[Any], str] = {
    Wanted: "wanted", Waiting: "waiting", Parked: "parked", Unwanted: "unwanted", NotApplicable: "not_applicable",
}  # fmt: skip
_VERBS: Mapping[str, str] = {"add": "send", "edit": "revise"}
_AHEAD = ("ready", "retry", "waiting", "parked")
_IN_DOUBT = ("sending", "in_doubt")


class Shower:
    """Shows the journeys of one dry run. Remembers claims, so that two visits of one plan on one natural key are
    told."""

    def __init__(self, connection: Connection, desk: Desk, wanted: planning.Wanted, instances: Instances) -> None:
        self._connection = connection
        self._desk = desk
        self._settings = wanted.settings
        self._mask = wanted.mask
        self._instances = instances
        self._claims: dict[tuple[str, str, str], str] = {}

    def journey(self, turn: Turn, context: Context) -> JourneyPlan:
        loaded, facility = turn.loaded, turn.journey.facility
        known = self._settings.faskes.get(facility) if facility else None
        shown = JourneyPlan(
            loaded.source, loaded.anchor, facility, known.zona if known else "UTC", sorted(loaded.resources)
        )
        sheet = Sheet(self._connection, self._desk, loaded.id)
        shown.targets = [self._target(said, sheet, context) for said in turn.said]
        shown.facts = list(self._facts(loaded.id))
        return shown

    def _facts(self, journey: int) -> Iterator[FactPlan]:
        query = (
            select(s.fact)
            .join(s.fact_use, s.fact_use.c.fact_id == s.fact.c.id)
            .where(s.fact_use.c.journey_id == journey)
            .order_by(s.fact.c.id)
        )
        plain = Resolver({}, lambda list_, local: None, mask=self._mask).plain
        for row in self._connection.execute(query).all():
            subject = self._desk.vault.open(row.question_box, None)
            yield FactPlan(row.instance, row.kind, plain(subject), row.as_of, row.state, stored_reason(row.reason))

    # --- one target ---------------------------------------------------------------------------------------------------

    def _target(self, said: Said, sheet: Sheet, context: Context) -> TargetPlan:
        instance = said.instance
        reason = said.failure or said.rule
        state = "galat" if said.failure else "not_applicable" if said.rule else "submissions"
        shown = TargetPlan(said.target, state, instance.name if instance else None, reason, _gates(instance))
        if instance is None or said.failure is not None:
            return shown
        resolver = self._resolver(instance, context)
        shown.submissions = [self._submission(verdict, instance, sheet, resolver) for verdict in said.verdicts]
        shown.submissions += self._unmentioned(said, sheet, resolver)
        rules = [v.rule for v in said.verdicts if isinstance(v, NotApplicable)]
        if not shown.submissions:
            shown.state = "silent"
        elif rules and len(rules) == len(shown.submissions):
            shown.state, shown.reason = "not_applicable", rules[0]
        return shown

    def _resolver(self, instance: Instance, context: Context) -> Resolver:
        def code_of(list_: str, local: str) -> str | None:
            return self._desk.mapped(self._connection, instance.facility, list_, local)

        return Resolver(context.receipts, code_of, mask=self._mask)

    def _unmentioned(self, said: Said, sheet: Sheet, resolver: Resolver) -> Iterator[SubmissionPlan]:
        """What the ledger holds of this journey and no verdict speaks of: left alone (``yatim``)."""
        named = {(verdict.kind, verdict.key) for verdict in said.verdicts}
        for row in sheet.rows:
            if row["target"] == said.target and (row["kind"], row["key"]) not in named:
                shown = SubmissionPlan(row["kind"], row["key"], "silent")
                self._standing(shown, sheet, row, resolver)
                yield shown

    # --- one submission -----------------------------------------------------------------------------------------------

    def _submission(self, verdict: Verdict, instance: Instance, sheet: Sheet, resolver: Resolver) -> SubmissionPlan:
        shown = SubmissionPlan(verdict.kind, verdict.key, _WORDS[type(verdict)])
        row = sheet.find(instance.name, verdict.kind, verdict.key)
        if row is not None:
            self._standing(shown, sheet, row, resolver)
        match verdict:
            case Wanted():
                self._wanted(shown, verdict, instance, sheet, row, resolver)
            case Waiting():
                shown.waits = [Wait(need.reason, need.where) for need in verdict.needs]
            case Parked():
                shown.reason = verdict.reason
            case Unwanted():
                shown.reason, shown.evidence = verdict.reason, verdict.evidence
            case NotApplicable():
                shown.reason = verdict.rule
        return shown

    def _standing(self, shown: SubmissionPlan, sheet: Sheet, row: Row, resolver: Resolver) -> None:
        """What is held, and what would follow, out of the dry run's row."""
        shown.held, shown.work, shown.how = row["held"], row["work"], row["how"]
        shown.reason = stored_reason(row["reason"])
        shown.receipt = resolver.plain(sheet.values(row)) or None
        shown.difference = _difference(row)
        if row["proposal_id"] is not None:
            shown.difference = "proposal"
            query = select(s.proposal.c.action).where(s.proposal.c.id == row["proposal_id"])
            shown.action = self._connection.execute(query).scalar()

    def _wanted(
        self, shown: SubmissionPlan, verdict: Wanted, instance: Instance, sheet: Sheet, row: Row | None,
        resolver: Resolver,
    ) -> None:  # fmt: skip
        shown.service_date = verdict.service_date.isoformat()
        shown.notes = list(verdict.notes)
        shown.payload = resolver.shown(verdict.payload)
        shown.claim = resolver.shown(verdict.claim) or None
        shown.adopt = resolver.plain(dict(verdict.adopt)) or None
        if verdict.contact is not None:
            contact = verdict.contact.to_json()
            shown.contact = {**contact, "card": resolver.plain(contact["card"])}
        seconds = self._settings.waktu.settle.get(verdict.settle, 0.0)
        shown.settle = f"{verdict.settle} {seconds:g} s" if seconds else None
        shown.not_before = verdict.not_before.isoformat() if verdict.not_before else None
        shown.deadline = verdict.deadline.astimezone(UTC).isoformat() if verdict.deadline else None
        if row is not None and (row["held"] == "absent" or row["verb"] is not None):
            shown.waits = list(self._waits(verdict, instance, row, resolver))
            values = sheet.values(row) if row["verb"] == "edit" else None
            self._compose(shown, verdict, instance, values, resolver)

    def _waits(self, verdict: Wanted, instance: Instance, row: Row, resolver: Resolver) -> Iterator[Wait]:
        """What the courier would find missing, in its words."""
        if instance.settings.mode is not Mode.JALAN:
            yield Wait(Reason.of("rencana.mode", mode=instance.settings.mode.value))
        seen = set()
        for item in walk([verdict.payload, list(verdict.after), list(verdict.claim)]):
            if item in seen or resolver.value(item) is not None:
                continue
            seen.add(item)
            match item:
                case Ref():
                    yield Wait(Reason.of("kirim.menunggu", what=item.receipt), item.key)
                case Code():
                    yield Wait(Reason.of("kirim.pemetaan", list=item.list, local=item.local))
        if holder := self._holder(verdict, instance, row, resolver):
            yield Wait(Reason.of("kirim.klaim", other=holder))
        if verdict.not_before is not None and verdict.not_before.timestamp() > self._desk.now:
            yield Wait(Reason.of("rencana.belum_waktunya", moment=verdict.not_before.isoformat()))

    def _holder(self, verdict: Wanted, instance: Instance, row: Row, resolver: Resolver) -> str | None:
        """Who has the natural key: in the ledger, or an earlier visit of this very plan."""
        try:
            parts = [str(part) for part in resolver.resolved(list(verdict.claim))]
        except LookupError:
            return None
        if not parts:
            return None
        natural = self._desk.vault.hmac("claim", instance.name, verdict.kind, *parts)
        query = (
            select(s.submission.c.key)
            .join(s.claim, s.claim.c.submission_id == s.submission.c.id)
            .where(s.claim.c.instance == instance.name, s.claim.c.natural_hmac == natural)
        )
        first = self._claims.setdefault((instance.name, verdict.kind, natural), verdict.key)
        holder = self._connection.execute(query).scalar() or first
        return holder if holder != row["key"] else None

    def _compose(
        self, shown: SubmissionPlan, verdict: Wanted, instance: Instance, values: Mapping[str, str] | None,
        resolver: Resolver,
    ) -> None:  # fmt: skip
        """The exact body, where nothing is missing for it; resolving may show that a person must act. ``values``: the
        receipt that an edit names."""
        try:
            payload = resolver.resolved(verdict.payload)
        except LookupError:
            return
        adapter = self._instances.adapters[instance.target]
        verb = Verb.ADD if values is None else Verb.EDIT
        kind = adapter.kinds[verdict.kind]
        call = Call("plan", instance, kind, verb, payload, values or {}, service_date=verdict.service_date)
        body = adapter.compose(call)
        if isinstance(body, Reason):
            shown.waits.append(Wait(body))
        else:
            shown.body = resolver.plain(dict(body))


def _gates(instance: Instance | None) -> dict[str, str]:
    if instance is None:
        return {}
    return {"mode": instance.settings.mode.value, "mulai": instance.settings.mulai.isoformat()}


def _difference(row: Row) -> str:
    if row["work"] in _IN_DOUBT:
        return "under_way"
    verb = row["verb"]
    if verb is None or row["work"] not in _AHEAD:
        return "nothing"
    if verb == "delete":
        return "replace" if row["desire"] == "wanted" else "withdraw"
    return _VERBS[str(verb)]
