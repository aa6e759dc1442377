"""Following the link tables: what a journey holds, and whose journeys a resource touches.

Generic: anchors and paths stand in :mod:`~jknbridge.fhir.links` only. :func:`gather` and :func:`anchors_touched` are
each other's inverse (tested): a changed resource marks exactly the journeys that hold it. They ask a :class:`Graph`;
the ledger's answers come from its tables, those of :class:`MemoryGraph` from entries at hand (``plan`` without a
ledger, tests).

Everything here is a ``"Type/id"`` of one source. Not for logical references: a graph resolves them, by the identifiers
of what it holds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Protocol

from jknbridge.fhir.links import FAMILY, JOURNEY_LINKS, Hop, chains
from jknbridge.fhir.records import Entry
from jknbridge.fhir.references import split_logical


class Graph(Protocol):
    """Who refers to whom, along a path of the link table."""

    def outward(self, ref: str, path: str) -> Iterable[str]:
        """What ``ref`` refers to along ``path``; also what is not there (yet)."""

    def inbound(self, ref: str, from_type: str, path: str) -> Iterable[str]:
        """The resources of ``from_type`` that refer to ``ref`` along ``path``."""


def type_of(ref: str) -> str:
    """``Patient`` of ``Patient/p1``."""
    return ref.partition("/")[0]


def gather(anchor: str, graph: Graph) -> frozenset[str]:
    """All that the journey of this anchor holds, the anchor included. What it refers to and is missing is among it."""
    held = {anchor}
    frontier = held
    for step in JOURNEY_LINKS[type_of(anchor)]:
        frontier = {reached for hop in step for reached in _take(hop, frontier, graph)}
        held = held | frontier
    return frozenset(held)


def anchors_touched(ref: str, anchor_type: str, graph: Graph) -> frozenset[str]:
    """The anchors of this type whose journeys hold ``ref``."""
    found = {ref} if type_of(ref) == anchor_type else set()
    for chain in chains(anchor_type, type_of(ref)):
        frontier = {ref}
        for hop in reversed(chain):
            frontier = {reached for one in frontier for reached in _back(hop, one, graph)}
        found |= frontier
    return frozenset(found)


def family(anchor: str, graph: Graph) -> frozenset[str]:
    """The anchors joined with this one (``partOf``, upwards and downwards), itself included."""
    anchor_type = type_of(anchor)
    path = FAMILY.get(anchor_type)
    if path is None:
        return frozenset({anchor})
    members: set[str] = set()
    waiting = [anchor]
    while waiting:
        one = waiting.pop()
        if one not in members and type_of(one) == anchor_type:
            members.add(one)
            waiting += graph.outward(one, path)
            waiting += graph.inbound(one, anchor_type, path)
    return frozenset(members)


def _take(hop: Hop, frontier: Iterable[str], graph: Graph) -> set[str]:
    starts = [ref for ref in frontier if type_of(ref) == hop.start]
    if hop.inbound:
        ends = (end for start in starts for end in graph.inbound(start, hop.from_type, hop.path))
    else:
        ends = (end for start in starts for end in graph.outward(start, hop.path))
    return {end for end in ends if type_of(end) == hop.end}


def _back(hop: Hop, ref: str, graph: Graph) -> Iterable[str]:
    found = graph.outward(ref, hop.path) if hop.inbound else graph.inbound(ref, hop.from_type, hop.path)
    return (start for start in found if type_of(start) == hop.start)


class MemoryGraph:
    """The graph of entries at hand: the newest version of each resource, deletes left out by the caller."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        entries = list(entries)
        by_identifier: dict[str, list[str]] = defaultdict(list)
        for entry in entries:
            for token in entry.identifiers:
                by_identifier[token].append(f"{entry.type}/{entry.id}")
        self._outward: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._inbound: dict[tuple[str, str, str], list[str]] = defaultdict(list)
        for entry in entries:
            source = f"{entry.type}/{entry.id}"
            for path, target in entry.references:
                for end in _ends(target, by_identifier):
                    self._outward[source, path].append(end)
                    self._inbound[end, entry.type, path].append(source)

    def outward(self, ref: str, path: str) -> Iterable[str]:
        return self._outward.get((ref, path), ())

    def inbound(self, ref: str, from_type: str, path: str) -> Iterable[str]:
        return self._inbound.get((ref, from_type, path), ())


def _ends(target: str, by_identifier: dict[str, list[str]]) -> Iterable[str]:
    asked = split_logical(target)
    if asked is None:
        return (target,)
    type_, token = asked
    return [ref for ref in by_identifier.get(token, ()) if not type_ or type_of(ref) == type_]
