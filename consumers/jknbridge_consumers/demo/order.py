"""Order breaks: requests that left before what they depend on was there, or took away what something still hung on.

Judged by what the bridge *asked for*, not only by what the target did: a visit that was sent without a registration is
a break although PCare refuses it. Registration before visit before drug; withdrawals in reverse (DESIGN §2.5).

An effect counts from its own moment, also a late one, and by whatever hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from jknbridge_consumers.demo.sandbox import Row, Truth

Natural = tuple[str, str]
"""(facility, the rest of the identity after its kind, parts sorted): equal for a registration and its visit."""


@dataclass(slots=True)
class Standing:
    """What PCare holds at one moment. ``drugs``: noKunjungan → lines."""

    registrations: set[Natural] = field(default_factory=set)
    visits: dict[str, Natural] = field(default_factory=dict)
    drugs: dict[str, int] = field(default_factory=dict)

    def apply(self, effect: Row) -> None:
        place = natural(effect["facility"], effect["identity"])
        number = effect["receipt"].get("noKunjungan", "")
        match effect["operation"]:
            case "pendaftaran.add":
                self.registrations.add(place)
            case "pendaftaran.delete":
                self.registrations.discard(place)
            case "kunjungan.add":
                self.visits[number] = place
            case "kunjungan.delete":
                self.visits.pop(number, None)
            case "obat.add":
                self.drugs[effect["key"]] = self.drugs.get(effect["key"], 0) + 1
            case "obat.delete":
                self.drugs[effect["key"]] -= 1

    def visit_at(self, place: Natural) -> str | None:
        return next((number for number, where in self.visits.items() if where == place), None)


def natural(facility: str, identity: str) -> Natural:
    """``pendaftaran:<day>|<card>|<poli>`` and ``kunjungan:<card>|<day>|<poli>`` of one registration give one answer."""
    return facility, "|".join(sorted(identity.partition(":")[2].split("|")))


def _visit_first(standing: Standing, place: Natural, identity: str) -> bool:
    return place in standing.registrations


def _drug_first(standing: Standing, place: Natural, identity: str) -> bool:
    return identity.partition(":")[2].partition("|")[0] in standing.visits


def _visit_last(standing: Standing, place: Natural, identity: str) -> bool:
    number = standing.visit_at(place)
    return number is None or not standing.drugs.get(number)


def _registration_last(standing: Standing, place: Natural, identity: str) -> bool:
    return standing.visit_at(place) is None


RULES: Mapping[str, tuple[Callable[[Standing, Natural, str], bool], str]] = {
    "kunjungan.add": (_visit_first, "a visit was sent before its registration"),
    "obat.add": (_drug_first, "a drug was sent before its visit"),
    "kunjungan.delete": (_visit_last, "a visit was withdrawn before its drugs"),
    "pendaftaran.delete": (_registration_last, "a registration was withdrawn before its visit"),
}
"""Operation → what must hold when the request arrives, and what a break is called."""


def breaks(truth: Truth) -> Iterator[str]:
    standing = Standing()
    rows = [(row["seq"], "effect", row) for row in truth.effects] + [(row["seq"], "ask", row) for row in truth.requests]
    for _, what, row in sorted(rows, key=lambda one: one[0]):
        if what == "effect":
            standing.apply(row)
        elif row["operation"] in RULES:
            holds, name = RULES[row["operation"]]
            for identity in row["identity"]:
                if not holds(standing, natural(row["facility"], identity), identity):
                    yield f"{name} (facility {row['facility']}, request {row['seq']})"
