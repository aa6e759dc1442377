"""A journey as adapters see it: a view over the newest resources around one anchor (DESIGN §1).

Plain JSON resources, read-only by convention; :mod:`jknbridge.fhir.look` reads them without tripping over odd shapes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from typing import Any

from jknbridge.fhir.look import instant


@dataclass(frozen=True, slots=True)
class Resource:
    """The newest version of one (source, type, id). ``content`` is ``None`` for a delete, which stays as a marker."""

    source: str
    type: str
    id: str
    content: Mapping[str, Any] | None

    @property
    def key(self) -> str:
        """The local key submissions are named by: ``<source>/<Type>/<id>``. Never the target's natural key."""
        return f"{self.source}/{self.type}/{self.id}"

    @property
    def reference(self) -> str:
        return f"{self.type}/{self.id}"

    @property
    def deleted(self) -> bool:
        return self.content is None


@dataclass(frozen=True, slots=True)
class Journey:
    """An anchor and what its link paths reach. ``links`` maps a normalised reference to the resource it resolves to.

    ``facility`` is the facility's kode (kdProvider) or ``None`` when no setting names the anchor's organisation.
    ``zone`` is that facility's time zone: a service date is a date on its calendar.
    """

    source: str
    anchor: Resource
    facility: str | None
    zone: tzinfo
    resources: Mapping[str, Sequence[Resource]] = field(default_factory=dict)
    links: Mapping[str, Resource] = field(default_factory=dict)

    def all(self, type_: str) -> list[tuple[Resource, Mapping[str, Any]]]:
        """The living resources of a type with their content, in a stable order (by id)."""
        return [(r, r.content) for r in self.resources.get(type_, ()) if r.content is not None]

    def deleted(self, type_: str) -> list[Resource]:
        return [r for r in self.resources.get(type_, ()) if r.content is None]

    def linked(self, reference: str | None) -> Mapping[str, Any] | None:
        """The content that a normalised reference resolves to within this journey."""
        found = self.links.get(reference) if reference else None
        return found.content if found else None

    def local(self, text: Any) -> datetime | None:
        """A FHIR dateTime on the facility's clock; a bare date is its midnight."""
        value = instant(text)
        if value is None:
            return None
        return value.replace(tzinfo=self.zone) if value.tzinfo is None else value.astimezone(self.zone)

    def day(self, text: Any) -> date | None:
        moment = self.local(text)
        return moment.date() if moment else None
