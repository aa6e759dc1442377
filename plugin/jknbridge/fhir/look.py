"""Reading a plain-JSON resource without tripping: small helpers for adapters.

Resources come as they came: a field may be missing, ``null``, a list where FHIR has one, or text where it has an
object. Every helper answers ``None`` (or nothing) for what is not there in a readable shape and never raises, so that a
translator states what it needs and reports what is missing, instead of guarding each step. None of them invents: no
default, no conversion of units, no guess at a time zone.

They only read. What a resource should have held is the adapter's to say; whether it is valid R4B is
:mod:`~jknbridge.fhir.check`'s.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, NamedTuple

from jknbridge.fhir.references import normalise

_moment = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)


class Coding(NamedTuple):
    """One code: ``system`` and ``display`` may be missing, ``code`` never is."""

    system: str | None
    code: str
    display: str | None


class Quantity(NamedTuple):
    """A measured value as exact decimal, with its unit as written (``unit``) and as coded (``code`` in ``system``)."""

    value: Decimal
    unit: str | None
    code: str | None
    system: str | None


def text(node: object, name: str) -> str | None:
    """The text at ``name`` without surrounding space; ``None`` if it is missing, blank or no text."""
    value = node.get(name) if isinstance(node, Mapping) else None
    return value.strip() or None if isinstance(value, str) else None


def at(node: object, path: str) -> list[Any]:
    """Everything at an element path such as ``participant.individual``, through lists, in order; ``null`` left out."""
    found: list[Any] = list(_each(node))
    for name in path.split("."):
        found = [child for one in found if isinstance(one, Mapping) for child in _each(one.get(name))]
    return found


def codings(concept: object) -> list[Coding]:
    """The codes of a CodeableConcept, of a list of them, or of a bare Coding (R4 ``Encounter.class``).

    What has no ``code`` is left out.
    """
    found = []
    for one in _each(concept):
        if not isinstance(one, Mapping):
            continue
        for coding in [*_each(one.get("coding")), one]:
            code = text(coding, "code")
            if code is not None:
                found.append(Coding(text(coding, "system"), code, text(coding, "display")))
    return found


def code_of(concept: object, system: str | Collection[str]) -> str | None:
    """The first code of ``concept`` in this system, or in one of these."""
    systems = (system,) if isinstance(system, str) else system
    return next((coding.code for coding in codings(concept) if coding.system in systems), None)


def text_of(concept: object) -> str | None:
    """What a person wrote or would read: ``text``, else the first ``display`` of its codes."""
    for one in _each(concept):
        if written := text(one, "text"):
            return written
    return next((coding.display for coding in codings(concept) if coding.display), None)


def status(resource: object) -> str | None:
    """``status`` as a word."""
    return text(resource, "status")


def encounter_class(encounter: object) -> str | None:
    """The class code: a Coding in R4 (``AMB``), a word in DSTU2 (``outpatient``), a list of concepts in R5."""
    if word := text(encounter, "class"):
        return word
    found = codings(encounter.get("class")) if isinstance(encounter, Mapping) else []
    return found[0].code if found else None


def identifier(resource: object, systems: str | Sequence[str]) -> str | None:
    """The value of the resource's identifier in the first of these systems that it has. ``use: old`` is passed over."""
    if not isinstance(resource, Mapping):
        return None
    known = [one for one in _each(resource.get("identifier")) if text(one, "use") != "old"]
    for system in (systems,) if isinstance(systems, str) else systems:
        for one in known:
            if text(one, "system") == system and (value := text(one, "value")):
                return value
    return None


def instant(value: object) -> datetime | None:
    """A FHIR date, dateTime or instant.

    Aware where it has an offset; naive where it has none or is a date alone (its midnight): whose midnight, only the
    facility's time zone says. A year or month alone is no moment. Fractions beyond microseconds are cut.
    """
    found = _moment.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    leap = second == "60"  # allowed by FHIR, not by datetime: the moment after :59
    try:
        moment = datetime(
            *(int(year), int(month), int(day), int(hour or 0), int(minute or 0), 59 if leap else int(second or 0)),
            int(f"{fraction or '0':0<6}"[:6]),
            tzinfo=_zone(zone),
        )
        return moment + timedelta(seconds=1) if leap else moment
    except (ValueError, OverflowError):
        return None


def period_start(resource: object, name: str = "period") -> datetime | None:
    """``period.start`` (or of another Period element), as :func:`instant` reads it."""
    period = resource.get(name) if isinstance(resource, Mapping) else None
    return instant(period.get("start")) if isinstance(period, Mapping) else None


def period_end(resource: object, name: str = "period") -> datetime | None:
    """``period.end`` (or of another Period element), as :func:`instant` reads it."""
    period = resource.get(name) if isinstance(resource, Mapping) else None
    return instant(period.get("end")) if isinstance(period, Mapping) else None


def quantity(node: object) -> Quantity | None:
    """A Quantity whose ``value`` is a JSON number; text is no number, even if it looks like one."""
    value = node.get("value") if isinstance(node, Mapping) else None
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return None
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    return Quantity(exact, text(node, "unit"), text(node, "code"), text(node, "system")) if exact.is_finite() else None


def extension(node: object, url: str) -> Any:
    """The value of the first extension with this url; a complex extension is returned whole, to be asked again."""
    for one in _each(node.get("extension") if isinstance(node, Mapping) else None):
        if text(one, "url") == url:
            return next((value for name, value in one.items() if name.startswith("value")), one)
    return None


def target(reference: object, *types: str) -> str | None:
    """What one Reference element points at, in the notation of :mod:`~jknbridge.fhir.references`; ``types`` as in
    ``links``.

    Entries of one Bundle may call each other by ``urn:uuid``: only intake knows what those mean, so ask the journey for
    the resource along a link path where the reference may be one of these.
    """
    if not isinstance(reference, Mapping):
        return None
    said = reference.get("reference")
    return normalise(said if isinstance(said, str) else None, reference, types)


def contained(resource: object, reference: object) -> Mapping[str, Any] | None:
    """The contained resource that a ``#id`` reference of this resource points at."""
    said = text(reference, "reference")
    if said is None or not said.startswith("#") or not isinstance(resource, Mapping):
        return None
    inside = (one for one in _each(resource.get("contained")) if isinstance(one, Mapping))
    return next((one for one in inside if one.get("id") == said[1:]), None)


def _each(node: object) -> Iterator[Any]:
    if isinstance(node, list):
        yield from (item for item in node if item is not None)
    elif node is not None:
        yield node


def _zone(text_: str | None) -> timezone | None:
    if text_ is None:
        return None
    if text_ == "Z":
        return UTC
    hours, minutes = int(text_[1:3]), int(text_[4:6])
    if minutes > 59:
        raise ValueError("no such offset")
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text_[0] == "-" else offset)
