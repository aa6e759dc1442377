"""What a plugin hands back, looked at before the host relies on it (DESIGN §2.5, §4 step 3).

An adapter may be a stranger's. What it raises, returns by mistake or never returns may harm its own submissions and
no others, so everything that crosses into the ledger comes through here first: verdicts, outcomes, findings, answers,
rows. Whatever is not of the declared shape raises :class:`Defect`, and the caller does with its own row what it would
have done for an exception: parked as *galat adaptor*, in doubt, asked again.

:func:`called` bounds a client's coroutine in time. :func:`share` gives every adapter a journey of its own, so that none
can change what another one reads. Not for an endless loop inside ``translate`` or ``compose``: these run in the loop.
"""

from __future__ import annotations

import asyncio
import marshal
import math
from collections.abc import Awaitable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypeVar, get_args

from jknbridge.contacts import KINDS as CONTACT_KINDS
from jknbridge.contacts import PLACES, ContactDraft
from jknbridge.journey import Journey, Resource
from jknbridge.reasons import Reason, Who
from jknbridge.targets import (
    Absent,
    Accepted,
    Ambiguous,
    Answer,
    CannotTell,
    CredentialRefused,
    Duplicate,
    Finding,
    Found,
    Kind,
    Known,
    Later,
    NotKnown,
    Outcome,
    Question,
    Refused,
    Unknown,
)
from jknbridge.verdicts import Code, Need, NotApplicable, Parked, Ref, Unwanted, Verdict, Waiting, Wanted

T = TypeVar("T")

MOST_VERDICTS = 20_000
LARGEST = 4 * 1024 * 1024
"""Bytes, roughly, of one payload or of what one read shows: a target's request is kilobytes."""
_DEEPEST = 50
_LONGEST_KEY, _LONGEST_LOCAL, _LONGEST_NAME = 400, 255, 32
_EVIDENCE = ("cancelled", "entered-in-error", "deleted", "moved", "changed")


class Defect(Exception):
    """Not what the protocol says. The text names what was wrong and never a value: it goes to logs and work lists."""


# --- time ------------------------------------------------------------------------------------------------------------


async def called(work: Awaitable[T], seconds: float) -> T:
    """What a client's coroutine returns, within ``seconds``. Raises :class:`Defect` for one that hangs or that ends
    in a way which would take the worker with it.
    """
    task = asyncio.current_task()
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError:
        raise Defect("TimeoutError") from None
    except asyncio.CancelledError:
        if task is not None and task.cancelling():
            raise
        raise Defect("CancelledError") from None
    except (SystemExit, GeneratorExit) as error:
        raise Defect(type(error).__name__) from None


# --- what goes in ----------------------------------------------------------------------------------------------------


def share(journey: Journey) -> bytes:
    """A journey's contents as they are now, to be given out by :func:`own`."""
    whole = {
        **{r.reference: r for found in journey.resources.values() for r in found},
        journey.anchor.reference: journey.anchor,
    }
    return marshal.dumps({ref: resource.content for ref, resource in whole.items()})


def own(journey: Journey, shared: bytes) -> Journey:
    """The journey with contents nobody else holds. Some 0.1 ms for 40 kB (json takes five times that)."""
    contents = marshal.loads(shared)  # noqa: S302 (made by share() in this process)
    fresh = {
        resource.reference: Resource(resource.source, resource.type, resource.id, contents[resource.reference])
        for found in (*journey.resources.values(), (journey.anchor,))
        for resource in found
    }
    resources = {type_: [fresh[r.reference] for r in found] for type_, found in journey.resources.items()}
    links = {name: fresh[resource.reference] for name, resource in journey.links.items()}
    return Journey(journey.source, fresh[journey.anchor.reference], journey.facility, journey.zone, resources, links)


# --- what comes back -------------------------------------------------------------------------------------------------


def verdicts(found: object, kinds: Mapping[str, Kind], source: str) -> list[Verdict]:
    """The verdicts of one ``translate``, each of a declared kind about a resource of this source."""
    if not isinstance(found, list | tuple):
        raise Defect("translate: not a sequence")
    if len(found) > MOST_VERDICTS:
        raise Defect("translate: too many verdicts")
    for one in found:
        if type(one) not in get_args(Verdict):
            raise Defect("translate: not a verdict")
        _need(_is_word(one.kind) and one.kind in kinds, "translate: a kind that is not declared")
        _need(_is_key(one.key, source), "translate: a key that is not <source>/<Type>/<id>")
        _VERDICTS[type(one)](one)
    return list(found)


def _wanted(one: Wanted) -> None:
    _need(isinstance(one.payload, Mapping), "Wanted.payload")
    _plain(one.payload, "Wanted.payload", refs=True)
    _need(type(one.service_date) is date, "Wanted.service_date")
    _need(isinstance(one.claim, tuple | list) and isinstance(one.after, tuple | list), "Wanted.claim, Wanted.after")
    _plain(one.claim, "Wanted.claim", refs=True)
    _need(all(isinstance(ref, Ref) for ref in one.after), "Wanted.after")
    _plain(one.after, "Wanted.after", refs=True)
    _need(one.parent is None or isinstance(one.parent, Ref), "Wanted.parent")
    _plain(one.parent, "Wanted.parent", refs=True)
    _need(isinstance(one.settle, str), "Wanted.settle")
    _need(_is_moment(one.not_before) and _is_moment(one.deadline), "Wanted.not_before, Wanted.deadline")
    _words(one.adopt, "Wanted.adopt")
    _need(isinstance(one.notes, tuple | list), "Wanted.notes")
    for note in one.notes:
        _reason(note)
    if one.contact is not None:
        _contact(one.contact)


def _contact(draft: object) -> None:
    _need(
        isinstance(draft, ContactDraft)
        and draft.kind in CONTACT_KINDS
        and draft.place in PLACES
        and draft.mode in ("langsung", "tidak_langsung")
        and type(draft.service_date) is date
        and isinstance(draft.card, str)
        and isinstance(draft.sick, bool)
        and isinstance(draft.encounter_status, str)
        and all(flag is None or isinstance(flag, bool) for flag in (draft.registered_here, draft.active)),
        "Wanted.contact",
    )


def _waiting(one: Waiting) -> None:
    _need(isinstance(one.needs, tuple | list), "Waiting.needs")
    for need in one.needs:
        _need(isinstance(need, Need) and isinstance(need.where, str), "Waiting.needs")
        _reason(need.reason)


def _unwanted(one: Unwanted) -> None:
    _need(one.evidence in _EVIDENCE, "Unwanted.evidence")
    _reason(one.reason)


_VERDICTS: Mapping[type, Any] = {
    Wanted: _wanted,
    Waiting: _waiting,
    Parked: lambda one: _reason(one.reason),
    Unwanted: _unwanted,
    NotApplicable: lambda one: _reason(one.rule),
}


def question(asked: object) -> Question:
    """A fact that an adapter asks for, before it becomes a row."""
    _need(
        isinstance(asked, Question)
        and _is_word(asked.kind)
        and isinstance(asked.subject, tuple)
        and all(isinstance(part, str) for part in asked.subject)
        and type(asked.as_of) is date,
        "Question",
    )
    assert isinstance(asked, Question)
    return asked


def outcome(found: object) -> Outcome:
    """What ``send`` came to."""
    match found:
        case Accepted():
            _words(found.values, "Accepted.values")
            _need(isinstance(found.notices, tuple | list), "Accepted.notices")
        case Later():
            _later(found)
        case Duplicate() | Refused() | CredentialRefused() | Unknown():
            _reason(found.reason)
        case _:
            raise Defect("send: not an outcome")
    return found


def findings(found: object, asked: int) -> Sequence[Finding]:
    """What ``probe`` found: one for each doubt."""
    if not isinstance(found, list | tuple) or len(found) != asked:
        raise Defect("probe: not one finding for each doubt")
    for one in found:
        match one:
            case Found():
                _words(one.values, "Found.values")
                _plain(one.row, "Found.row")
            case Absent():
                _need(isinstance(one.controlled, bool), "Absent.controlled")
            case Ambiguous():
                rows(one.rows)
                _reason(one.reason)
            case CannotTell():
                _reason(one.reason)
                if one.cause is not None:
                    snapshot(one.cause)
                    _need(isinstance(one.cause, Later | CredentialRefused), "CannotTell.cause")
            case _:
                raise Defect("probe: not a finding")
    return found


def rows(found: object) -> Sequence[Mapping[str, Any]]:
    """Rows that a read showed."""
    if not isinstance(found, list | tuple) or not all(isinstance(row, Mapping) for row in found):
        raise Defect("rows: not a sequence of rows")
    _plain(found, "rows")
    return found


def snapshot(found: object) -> Sequence[Mapping[str, Any]] | Later | CredentialRefused:
    """What ``snapshot`` read, or why it could not."""
    if isinstance(found, Later):
        return _later(found)
    if isinstance(found, CredentialRefused):
        _reason(found.reason)
        return found
    return rows(found)


def answer(found: object) -> Answer:
    """What ``ask`` was answered."""
    match found:
        case Known():
            _need(isinstance(found.value, Mapping), "Known.value")
            _plain(found.value, "Known.value")
        case Later():
            _later(found)
        case NotKnown() | CredentialRefused():
            _reason(found.reason)
        case _:
            raise Defect("ask: not an answer")
    return found


# --- parts -----------------------------------------------------------------------------------------------------------


def _need(holds: bool, what: str) -> None:
    if not holds:
        raise Defect(what)


def _later(found: Later) -> Later:
    _reason(found.reason)
    after = found.after
    _need(after is None or (isinstance(after, int | float) and math.isfinite(after)), "Later.after")
    _need(_is_moment(found.at), "Later.at")
    return found


def _reason(found: object) -> None:
    texts = isinstance(found, Reason) and all(isinstance(text, str) for text in (found.code, found.id, found.en))
    _need(texts and isinstance(found, Reason) and found.who in get_args(Who), "Reason")


def _words(found: object, what: str) -> None:
    _need(isinstance(found, Mapping), what)
    assert isinstance(found, Mapping)
    _need(all(isinstance(name, str) and isinstance(value, str) for name, value in found.items()), what)
    _plain(found, what)


def _is_word(found: object) -> bool:
    return isinstance(found, str) and 0 < len(found) <= _LONGEST_NAME and found.isprintable()


def _is_key(found: object, source: str) -> bool:
    if not isinstance(found, str) or len(found) > _LONGEST_KEY or not found.isprintable():
        return False
    own, _, rest = found.partition("/")
    type_, _, id_ = rest.partition("/")
    return own == source and bool(type_) and bool(id_)


def _is_moment(found: object) -> bool:
    if found is None:
        return True
    return isinstance(found, datetime) and found.utcoffset() is not None and 1970 < found.year < 9999


def _plain(value: object, what: str, *, refs: bool = False) -> None:
    """Plain JSON of bearable size; with ``refs`` also references and codes, which are resolved at sending."""
    left = LARGEST
    todo: list[tuple[object, int]] = [(value, 0)]
    while todo:
        one, depth = todo.pop()
        left -= 8
        if isinstance(one, str):
            left -= len(one)
        elif one is None or isinstance(one, bool):
            pass
        elif isinstance(one, int):
            _need(one.bit_length() <= 128, f"{what}: a number out of range")
        elif isinstance(one, float):
            _need(math.isfinite(one), f"{what}: a number out of range")
        elif isinstance(one, Mapping):
            _need(all(isinstance(name, str) and not name.startswith("$") for name in one), f"{what}: names")
            left -= sum(map(len, one))
            todo += [(item, depth + 1) for item in one.values()]
        elif isinstance(one, list | tuple):
            todo += [(item, depth + 1) for item in one]
        elif refs and isinstance(one, Ref):
            todo += [(part, depth + 1) for part in (one.receipt, one.key, one.field)]
            _need(all(isinstance(part, str) for part in (one.receipt, one.key, one.field)), f"{what}: Ref")
        elif refs and isinstance(one, Code):
            _code(one, what)
        else:
            raise Defect(f"{what}: not plain JSON")
        _need(left >= 0, f"{what}: too large")
        _need(depth <= _DEEPEST, f"{what}: too deep")


def _code(one: Code, what: str) -> None:
    _need(_is_word(one.list) and isinstance(one.local, str) and len(one.local) <= _LONGEST_LOCAL, f"{what}: Code")
    _need(all(text is None or isinstance(text, str) for text in (one.display, one.if_unmapped)), f"{what}: Code")
    if one.note is not None:
        _reason(one.note)
