"""One visit as this adapter reads it: the Encounter, what belongs to it, and its dates on the facility's calendar.

A thin view over :class:`jknbridge.journey.Journey`. It finds and filters; what a thing means is said by the seams
beside it (``peserta``, ``layanan``, ``vitals``, ``diagnosa``, ``teks``, ``alergi``, ``obat``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, TypeAlias

from jknbridge.fhir import look
from jknbridge.journey import Journey, Resource
from jknbridge_adapters.pcare.settings import PCareSettings

Content: TypeAlias = Mapping[str, Any]

_RETRACTED = frozenset({"entered-in-error", "cancelled"})


@dataclass(frozen=True, slots=True)
class Visit:
    """``encounter`` is the anchor's content; a deleted anchor has no visit."""

    journey: Journey
    settings: PCareSettings
    encounter: Content

    @property
    def key(self) -> str:
        return self.journey.anchor.key

    @property
    def status(self) -> str:
        return look.status(self.encounter) or "unknown"

    @property
    def finished(self) -> bool:
        return self.status == "finished"

    @property
    def facility(self) -> str | None:
        return self.journey.facility

    @property
    def service_date(self) -> date | None:
        return self.journey.day(_of_period(self.encounter, "start"))

    @property
    def end_date(self) -> date | None:
        """The day the patient left: ``period.end``, else when ``statusHistory`` became finished."""
        if ended := self.journey.day(_of_period(self.encounter, "end")):
            return ended
        history = [one for one in look.at(self.encounter, "statusHistory") if look.status(one) == "finished"]
        days = [day for one in history if (day := self.journey.day(_of_period(one, "start")))]
        return max(days, default=None)

    def midnight(self, day: date) -> datetime:
        """The first moment of a day on the facility's clock."""
        return datetime.combine(day, time.min, tzinfo=self.journey.zone)

    @property
    def patient(self) -> Content | None:
        return self.follow(self.encounter.get("subject"), "Patient")

    def follow(self, reference: object, *types: str) -> Content | None:
        return self.journey.linked(look.target(reference, *types))

    def mine(self, type_: str) -> list[tuple[Resource, Content]]:
        """The living, not retracted resources of a type that belong to this Encounter, in a stable order."""
        return [
            (resource, content)
            for resource, content in self.journey.all(type_)
            if look.status(content) not in _RETRACTED and self.owns(content)
        ]

    def owns(self, content: Content) -> bool:
        """Whether a resource belongs here. A family's Encounters are seen together (``partOf``), but each visit sends
        its own drugs and vitals; what names no Encounter came to this journey along another path and counts."""
        target = look.target(content.get("encounter"), "Encounter")
        if target is None or target == self.journey.anchor.reference:
            return True
        resolved = self.journey.links.get(target)
        if resolved is not None:
            return resolved.key == self.key
        return not target.startswith("Encounter/")

    def moment(self, content: Content, *names: str) -> datetime | None:
        """The first of these elements that says a time, on the facility's clock. A Period counts from its start."""
        for name in names:
            value = content.get(name)
            found = self.journey.local(value.get("start") or value.get("end") if isinstance(value, Mapping) else value)
            if found is not None:
                return found
        return None


def latest_first(visit: Visit, found: list[tuple[Resource, Content]], *names: str) -> list[Content]:
    """Newest first by the named elements; undated ones last; equal times by id, so that the order is always one."""
    dated = [(visit.moment(content, *names), resource.id, content) for resource, content in found]
    dated.sort(key=lambda one: (one[0].timestamp() if one[0] else float("-inf"), one[1]))
    return [content for _, _, content in reversed(dated)]


def _of_period(content: Content, name: str) -> Any:
    period = content.get("period")
    return period.get(name) if isinstance(period, Mapping) else None
