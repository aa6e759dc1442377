"""The two clinics, their staff and their patients: all invented, in number ranges that BPJS and Dukcapil do not issue.

Cards are ``0009999xxxxxx``, NIK ``9999xxxxxxxxxxxx``, facilities ``9999xxxx``; the sandbox refuses anything else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_GIVEN = (
    "Anggrek", "Bakung", "Cempaka", "Dahlia", "Eboni", "Flamboyan", "Gambir", "Ilalang", "Jambu", "Kenari", "Lontar",
    "Melati", "Nangka", "Pinang", "Rotan", "Sawo", "Teratai", "Ulin", "Wijaya", "Zaitun",
)  # fmt: skip
NEIGHBOUR = "99990003"
"""Where guests are registered; the bridge does not work for it."""


@dataclass(frozen=True, slots=True)
class Clinic:
    """One facility of the demo. ``registered``: invented number of participants registered there, for Angka Kontak."""

    code: str
    name: str
    zone: str
    registered: int
    doctors: tuple[tuple[str, str], ...]
    """(Practitioner id at the EMR, kdDokter at PCare); the first one sees patients, the second one's teeth."""


JAKARTA = Clinic("99990001", "Klinik Contoh Barat", "WIB", 250, (("dr-mawar", "909101"), ("drg-aren", "909102")))
JAYAPURA = Clinic("99990002", "Klinik Contoh Timur", "WIT", 180, (("dr-sagu", "909201"), ("drg-matoa", "909202")))
CLINICS = (JAKARTA, JAYAPURA)


@dataclass(frozen=True, slots=True)
class Person:
    """An invented patient. ``home``: facility of registration; ``known``: whether BPJS knows them at all."""

    number: int
    home: str
    active: bool = True
    known: bool = True

    @property
    def id(self) -> str:
        return f"pasien-{self.number}"

    @property
    def card(self) -> str:
        return f"0009999{self.number:06}"

    @property
    def nik(self) -> str:
        return f"9999{self.number:012}"

    @property
    def name(self) -> str:
        return f"{_GIVEN[self.number % len(_GIVEN)]} Contoh {self.number}"

    @property
    def gender(self) -> str:
        return "female" if self.number % 2 else "male"

    @property
    def born(self) -> tuple[int, int, int]:
        return 1950 + self.number % 55, self.number % 12 + 1, self.number % 28 + 1

    def participant(self) -> dict[str, Any]:
        """As the sandbox's ``load`` takes it."""
        year, month, day = self.born
        return {
            "noKartu": self.card,
            "nik": self.nik,
            "nama": self.name.upper(),
            "sex": "P" if self.gender == "female" else "L",
            "tglLahir": f"{day:02}-{month:02}-{year}",
            "kdProviderPst": self.home,
            "aktif": self.active,
        }


class Register:
    """Hands out people, each once, so that no two journeys meet by accident."""

    def __init__(self) -> None:
        self.people: list[Person] = []

    def new(self, home: str, *, active: bool = True, known: bool = True) -> Person:
        person = Person(100_001 + len(self.people), home, active, known)
        self.people.append(person)
        return person

    def participants(self) -> list[dict[str, Any]]:
        """Those whom BPJS knows."""
        return [person.participant() for person in self.people if person.known]
