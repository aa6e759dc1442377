"""What an adapter declares and does: kinds, operations, calls, outcomes, findings and facts (DESIGN §1-§2).

An adapter is one object that implements :class:`Adapter`; its :class:`Client` talks to one target instance. The host
owns when a call is made, how often, and what its outcome means for the ledger; the client owns only how one call
looks on the wire and what its answer says. Open a built-in adapter's ``client.py`` beside this file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from jknbridge.reasons import Reason
from jknbridge.verdicts import Verdict

if TYPE_CHECKING:
    from jknbridge.http import Http
    from jknbridge.journey import Journey
    from jknbridge.settings import FacilitySettings, TargetSettings


class Verb(StrEnum):
    ADD = "add"
    EDIT = "edit"
    DELETE = "delete"


class Change(StrEnum):
    """What a changed field of an accepted submission asks for."""

    PUT = "put"  # the target can revise it in place
    REPLACE = "replace"  # delete and add again
    FROZEN = "frozen"  # stays as it was accepted; the difference is shown, nothing is sent


@dataclass(frozen=True, slots=True)
class Operation:
    """One kind of call with an effect.

    ``natural_key``: the target itself refuses a second one, so an *absent* read before ``late_effect`` allows a repeat.
    ``repeat_safe``: the same body again has no second effect (PUT).
    ``snapshot``: the rows under the parent are read first and stored with the intent (targets without natural key).
    """

    verb: Verb
    natural_key: bool = False
    repeat_safe: bool = False
    snapshot: bool = False


def end_of_next_month(service: date) -> date:
    """PCare's amendment window: to the end of the month after the service date (DESIGN §1)."""
    year, month = divmod(service.year * 12 + service.month - 1 + 2, 12)
    return date.fromordinal(date(year, month + 1, 1).toordinal() - 1)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of submission of a target, e.g. ``kunjungan``: its operations, fields and place in the chain.

    ``needs``: kinds that must be present before (and withdrawn after) this one.
    ``fields``: per payload field what a change asks for; ``other`` stands for those not named.
    ``receipt``: the values an accepted submission yields; the first names it to people.
    """

    name: str
    add: Operation
    receipt: tuple[str, ...]
    edit: Operation | None = None
    delete: Operation | None = None
    needs: tuple[str, ...] = ()
    fields: Mapping[str, Change] = field(default_factory=dict)
    other: Change = Change.PUT
    window: Callable[[date], date] = end_of_next_month

    def operation(self, verb: Verb) -> Operation | None:
        return {Verb.ADD: self.add, Verb.EDIT: self.edit, Verb.DELETE: self.delete}[verb]

    def change_of(self, fields: Sequence[str]) -> Change:
        """The strongest change that the named fields ask for."""
        asked = {self.fields.get(name, self.other) for name in fields}
        return next((c for c in (Change.REPLACE, Change.PUT) if c in asked), Change.FROZEN)


@dataclass(frozen=True, slots=True)
class Instance:
    """One target instance: facility + service + environment. Receipts of one never count in another."""

    facility: str
    target: str
    environment: str
    settings: TargetSettings
    facility_settings: FacilitySettings

    @property
    def name(self) -> str:
        return f"{self.facility}/{self.target}/{self.environment}"


@dataclass(frozen=True, slots=True)
class Call:
    """One request as the client gets it: everything resolved, nothing left to look up.

    ``payload``: references and codes replaced by their values. ``values``: this submission's own receipt (edit,
    delete). ``sent``: the payload that the target accepted before (edit, delete), so that a delete can name its keys.
    ``snapshot``: rows under the parent before this call, where the operation asks for it."""

    request: str
    instance: Instance
    kind: Kind
    verb: Verb
    payload: Mapping[str, Any]
    values: Mapping[str, str] = field(default_factory=dict)
    sent: Mapping[str, Any] = field(default_factory=dict)
    snapshot: Sequence[Mapping[str, Any]] | None = None
    service_date: date | None = None


# --- outcomes: what one call came to. Grouped by what happens next. -------------------------------------------------


@dataclass(frozen=True, slots=True)
class Accepted:
    """Present as asked (add, edit) or gone as asked (delete). ``values``: the receipt; ``notices``: what stood beside
    it.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The target says that it already holds one by natural key: look it up. Surely no second effect."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Refused:
    """Surely no effect, and the same again would be refused again: a person must act."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Later:
    """Surely no effect; worth another try. ``after``: seconds the target asked for. ``busy``: the whole target is
    unwell, so the circuit of its limit key opens and nobody else is sent into it."""

    reason: Reason
    after: float | None = None
    at: datetime | None = None
    busy: bool = False


@dataclass(frozen=True, slots=True)
class CredentialRefused:
    """Log-in, signature or key refused: closes that credential for all workers until its secret changes."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request may have had its effect: in doubt until a probe decides. Never a failure, never repeated blindly."""

    reason: Reason


Outcome: TypeAlias = Accepted | Duplicate | Refused | Later | CredentialRefused | Unknown


# --- probes: what a read of the target says about a doubt ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Doubt:
    """An open question about one call. ``controls``: receipts we know to exist on that day at that instance (values as
    in :attr:`Call.values`), for judging whether an empty read can be believed. ``duplicate``: the target itself said
    that it holds one. ``ours``: receipts of sibling rows that belong to other submissions of ours."""

    call: Call
    controls: Sequence[Mapping[str, str]] = ()
    ours: Sequence[Mapping[str, str]] = ()
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """The target holds it. ``values``: the receipt; ``row``: what was read; ``same``: its content equals the call's."""

    values: Mapping[str, str]
    row: Mapping[str, Any] = field(default_factory=dict)
    same: bool = True


@dataclass(frozen=True, slots=True)
class Absent:
    """A complete read does not show it. ``controlled``: the same read showed something known to exist."""

    controlled: bool


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Several rows could be ours: a person decides, with the rows."""

    rows: tuple[Mapping[str, Any], ...]
    reason: Reason


@dataclass(frozen=True, slots=True)
class CannotTell:
    """The read failed or cannot be believed (outage, 204 while rows are known, pages that shift): ask again later.

    ``cause``: what the read itself came to where it was a failed call, so that an outage or a refused log-in is judged
    as for any other call.
    """

    reason: Reason
    cause: Later | CredentialRefused | None = None


Finding: TypeAlias = Found | Absent | Ambiguous | CannotTell


# --- facts -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Question:
    """A fact asked for: ``kind`` as declared, ``subject`` its parameters (personal values allowed: stored encrypted,
    looked up by HMAC), ``as_of`` the service date it is pinned to."""

    kind: str
    subject: tuple[str, ...]
    as_of: date


@dataclass(frozen=True, slots=True)
class Known:
    """The answer. ``value`` is plain JSON."""

    value: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NotKnown:
    """The target answered, and it does not know the subject."""

    reason: Reason


Answer: TypeAlias = Known | NotKnown | Later | CredentialRefused


class Facts(Protocol):
    """How ``translate`` reads facts. A miss returns ``None`` and is noted: the host asks it and translates again."""

    def get(self, question: Question) -> Known | NotKnown | None: ...


class Receipts(Protocol):
    """How ``translate`` reads what the target gave back: ``values`` of a present submission, or ``None``."""

    def get(self, receipt: str, key: str) -> Mapping[str, str] | None: ...


# --- the day list, for reconciliation --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DayRow:
    """One row the target shows for a day: ``values`` comparable with receipts, ``natural`` with resolved claims.

    ``row`` may hold personal data: it is stored encrypted and shown only on request.
    """

    kind: str
    values: Mapping[str, str]
    natural: tuple[str, ...]
    row: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Day:
    """A complete reading of one facility's day, or ``None`` rows where it could not be believed (with the reason, and
    the ``cause`` where a call failed)."""

    rows: tuple[DayRow, ...] | None
    reason: Reason | None = None
    cause: Later | CredentialRefused | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A submission that the ledger holds as present, as reconciliation hands it over (``call.verb`` is ADD)."""

    call: Call


class Client(Protocol):
    """Talks to one target instance. Every method may be called concurrently; none raises for what a target answers."""

    async def send(self, call: Call) -> Outcome: ...

    async def snapshot(self, call: Call) -> Sequence[Mapping[str, Any]] | Later | CredentialRefused:
        """The rows under the call's parent, for operations that declare ``snapshot``."""
        ...

    async def probe(self, doubts: Sequence[Doubt]) -> Sequence[Finding]:
        """One finding per doubt, in order. Doubts that one list read answers are to be asked with one read."""
        ...

    async def ask(self, question: Question) -> Answer: ...

    async def day(self, day: date, held: Sequence[Held]) -> Day:
        """What the target shows for one service date, for reconciliation with ``held``."""
        ...


class Adapter(Protocol):
    """One target: declarations, the pure translation, and a client per instance.

    ``version`` is the translator's: stored with what was accepted, so that an upgrade can be told from a correction.
    ``reads``: resource types whose change makes a journey due for this adapter.
    """

    target: str
    version: int
    kinds: Mapping[str, Kind]
    reads: frozenset[str]
    settings: type[TargetSettings]

    def translate(
        self, journey: Journey, receipts: Receipts, facts: Facts, settings: TargetSettings
    ) -> Sequence[Verdict]: ...

    def compose(self, call: Call) -> Mapping[str, Any] | Reason:
        """The resolved payload as the target's body; a :class:`Reason` where it shows that a person must act."""
        ...

    def client(self, instance: Instance, http: Http) -> Client: ...
