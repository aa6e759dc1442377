"""What a FHIR reference points at, in one notation (DESIGN §5: references are normalised once).

============================================  =====================================  ==================================
in the resource                               target of the :class:`Edge`            how it is called here
============================================  =====================================  ==================================
``Patient/p1``, ``Patient/p1/_history/3``     ``Patient/p1``                         literal
``https://emr/fhir/Patient/p1``               ``Patient/p1``                         literal (one server per source)
``p1`` where a Patient is expected            ``Patient/p1``                         literal
``urn:uuid:…`` of an entry in the Bundle      the type and id of that entry          literal
only ``identifier``                           ``Patient?identifier=system|value``    logical
``Patient?identifier=system|value``           the same                               logical (conditional reference)
``urn:uuid:…`` of nothing we know             ``urn:uuid:…``                         dangling
``#p1`` (contained), only ``display``         no edge                                read with :func:`look.contained`
============================================  =====================================  ==================================

The notation of a logical target is FHIR's own for conditional references, so it can be shown to an integrator as it is.
It holds a personal identifier: it is stored like one. Where a reference does not say its type, the first type that
:mod:`~jknbridge.fhir.links` lists for the element is meant.

Measured over 64,000 foreign resources: subject references are relative 75 %, ``urn:uuid`` 25 %; the other kinds all
occur.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from jknbridge.fhir.content import identifier_token
from jknbridge.fhir.links import LINKS, Link

LONGEST_ID = 128
"""FHIR allows 64 characters without ``_``; EMRs that use more are in service, and refusing their ids would refuse
all."""

_ID = r"[A-Za-z0-9._\-]{1,128}"
_TYPE = r"[A-Z][A-Za-z]{1,63}"
_LONGEST_REFERENCE = 2048
_bare_id = re.compile(_ID)
_type_name = re.compile(_TYPE)
_relative = re.compile(rf"({_TYPE})/({_ID})")
_last_segments = re.compile(rf"(?:^|/)({_TYPE})/({_ID})(?:/_history/[^/]*)?/?$")
_conditional = re.compile(rf"(?:^|/)({_TYPE})\?(.*)")
_logical = re.compile(r"([A-Za-z]*)\?identifier=(.+)", re.DOTALL)


class Edge(NamedTuple):
    """One reference that matters: the element path it stands in (without list indexes) and the normalised target."""

    path: str
    target: str


class WrongShape(ValueError):
    """An element that the bridge relies on is not what FHIR says: the path, and what was expected there. No value."""

    def __init__(self, path: str, expected: str) -> None:
        super().__init__(f"{path}: {expected} expected")
        self.path = path
        self.expected = expected


def edges(resource: dict[str, Any], known: Mapping[str, str] | None = None) -> tuple[Edge, ...]:
    """The edges of a resource along the link paths of its type, in the order of the table, each once.

    ``known`` maps what a Bundle calls its entries (``fullUrl``) to ``Type/id``. A list is read where one reference is
    expected and the other way round, and an R5 CodeableReference like a reference, because R5 resources do arrive on R4
    topics. Raises :class:`WrongShape` where an element can be no reference in any version.
    """
    found: dict[Edge, None] = {}
    for link in LINKS.get(resource["resourceType"], ()):
        first = resource.get(link.keys[0])
        if first is not None:
            for target in _targets(first, link, 1, known):
                found[Edge(link.path, target)] = None
    return tuple(found)


def _targets(node: Any, link: Link, at: int, known: Mapping[str, str] | None) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _targets(item, link, at, known)
    elif isinstance(node, dict):
        if at < len(link.keys):
            yield from _targets(node.get(link.keys[at]), link, at + 1, known)
            return
        inner = node.get("reference")
        if isinstance(inner, dict):  # R5 CodeableReference: {"concept": …, "reference": {"reference": "Type/id"}}
            node, inner = inner, inner.get("reference")
        if inner is not None and not isinstance(inner, str):
            raise WrongShape(f"{link.path}.reference", "text")
        target = normalise(inner, node, link.types, known)
        if target is not None:
            yield target
    elif node is not None:
        raise WrongShape(".".join(link.keys[:at]), "Reference" if at == len(link.keys) else "object")


def normalise(
    reference: str | None, node: Mapping[str, Any], types: tuple[str, ...] = (), known: Mapping[str, str] | None = None
) -> str | None:
    """The target of one Reference: ``reference`` is its text, ``node`` the element (for ``type`` and ``identifier``).

    ``None`` where it points at nothing outside the resource: contained, display only, or an address that is no FHIR
    REST address.
    """
    if not reference:
        return _by_identifier(node, types)
    if known and (entry := known.get(reference) or known.get(reference.lower())):
        return entry
    if whole := _relative.fullmatch(reference):
        return reference
    if reference.startswith("#") or len(reference) > _LONGEST_REFERENCE:
        return None
    if reference[:4].lower() == "urn:":
        return _by_identifier(node, types) or (reference.lower() if reference.isprintable() else None)
    if asked := _conditional.search(reference):
        token = parse_qs(asked[2]).get("identifier", [""])[0]
        return logical(asked[1], token) if "|" in token and token.isprintable() else _by_identifier(node, types)
    if whole := _last_segments.search(reference.split("#", 1)[0]):
        return f"{whole[1]}/{whole[2]}"
    if _bare_id.fullmatch(reference) and (expected := _expected(node, types)):
        return f"{expected}/{reference}"
    return _by_identifier(node, types)


def literal(target: str) -> tuple[str, str] | None:
    """``("Patient", "p1")`` of ``Patient/p1``; ``None`` for a logical or dangling target (or any other text)."""
    found = _relative.fullmatch(target)
    return (found[1], found[2]) if found else None


def logical(type_: str, token: str) -> str:
    """The logical target of an identifier ``"system|value"``; ``type_`` may be empty where nothing says it."""
    return f"{type_}?identifier={token}"


def split_logical(target: str) -> tuple[str, str] | None:
    """``("Patient", "system|value")`` of a logical target, else ``None``."""
    found = _logical.fullmatch(target)
    return (found[1], found[2]) if found else None


def address(url: object) -> tuple[str, str] | None:
    """``(type, id)`` that a REST address, relative or absolute, names in its last segments, if it names one."""
    if not isinstance(url, str) or len(url) > _LONGEST_REFERENCE or "?" in url:
        return None
    found = _last_segments.search(url)
    return (found[1], found[2]) if found else None


def is_id(value: object) -> bool:
    """Whether this can be a resource's id."""
    return isinstance(value, str) and _bare_id.fullmatch(value) is not None


def is_type(value: object) -> bool:
    """Whether this can be a resource's type: a capitalised name. Which types exist is not judged (R5 has more)."""
    return isinstance(value, str) and _type_name.fullmatch(value) is not None


def _by_identifier(node: Mapping[str, Any], types: tuple[str, ...]) -> str | None:
    token = identifier_token(node.get("identifier"))
    return logical(_expected(node, types), token) if token else None


def _expected(node: Mapping[str, Any], types: tuple[str, ...]) -> str:
    said = node.get("type")
    if isinstance(said, str) and _type_name.fullmatch(said):
        return said
    return types[0] if types else ""
