"""What must have come of a journey by the end of the day: the demo's own statement, made without asking the adapter.

Compared with the sandbox's ground truth, the contact topic and the ledger's waiting list by ``compare.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from jknbridge_consumers.demo.visit import Version, Visit

ContactState = Literal["recorded", "retracted"]

POLIS = {"umum": "001", "gigi": "002", "kia": "003", "rumah": "001", "jarak": "001", "lansia": "001"}
"""Places of the demo's clinics → kdPoli of a sick visit."""

HEALTHY_POLIS = {
    "imunisasi": "020", "kia": "020", "kb": "008", "skrining": "021", "edukasi": "021", "rumah": "020",
}  # fmt: skip
"""kbk-jenis-layanan → kdPoli of a healthy visit."""

KINDS = {"AMB": "SAKIT_RAJAL", "HH": "SAKIT_RUMAH", "VR": "SAKIT_JARAK"}
"""Class of a sick visit → contact kind (kontak §4)."""

HEALTHY_KINDS = {
    "imunisasi": "SEHAT_IMUNISASI", "kia": "SEHAT_KIA", "kb": "SEHAT_KB", "skrining": "SEHAT_SKRINING",
    "edukasi": "SEHAT_EDUKASI",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Waits:
    """Something that must stand on the waiting list: kind of submission, code of the reason, local id if not the
    Encounter's own."""

    kind: str
    reason: str
    resource: str | None = None


@dataclass(frozen=True, slots=True)
class Expect:
    """``visit``: fields that PCare's visit must show, ``None``: no visit. ``drugs``: (code or name, amount) each."""

    registered: bool = False
    visit: Mapping[str, Any] | None = None
    drugs: tuple[tuple[str, float], ...] = ()
    contact: tuple[str, ContactState] | None = None
    waits: tuple[Waits, ...] = ()


@dataclass(frozen=True, slots=True)
class Story:
    """One journey: what is published of it and what must come of it. ``form``: how its records look (``forms.py``)."""

    title: str
    visit: Visit
    versions: tuple[Version, ...]
    expect: Expect
    form: str = "bare"
    by_hand: bool = False
    """Staff had registered the patient in PCare's own page before."""
    deleted: tuple[str, ...] = ()
    """Resources (``Type/id``) that the EMR deletes at the end: tombstones on the topic whose key names the resource."""

    @property
    def poli(self) -> str | None:
        visit = self.visit
        if visit.jenis is not None:
            return HEALTHY_POLIS.get(visit.jenis)
        return POLIS.get(visit.place or "")


def contact_kind(visit: Visit) -> str:
    if visit.jenis is None:
        return KINDS[visit.kelas]
    if visit.kelas == "VR":
        return "SEHAT_JARAK"
    return "SEHAT_RUMAH" if visit.kelas == "HH" else HEALTHY_KINDS[visit.jenis]


def served(visit: Visit, shows: Mapping[str, Any] | None = None, **changes: Any) -> Expect:
    """A finished sick visit with everything: registration, visit, each drug once, one contact. ``shows``: fields of the
    visit beyond or other than the usual."""
    fields = {"kdDiag1": visit.case.icd10, "sistole": visit.vital("sistole"), "kdStatusPulang": "3", **(shows or {})}
    lines = tuple(line for prescribed in visit.drugs for line in prescribed.lines)
    full = Expect(registered=True, visit=fields, drugs=lines, contact=(contact_kind(visit), "recorded"))
    return replace(full, **changes)


def healthy(visit: Visit, **changes: Any) -> Expect:
    """A healthy visit is its registration (kontak §1)."""
    return replace(Expect(registered=True, contact=(contact_kind(visit), "recorded")), **changes)


def registered_only(*waits: Waits) -> Expect:
    return Expect(registered=True, waits=waits)


def nothing(*waits: Waits) -> Expect:
    return Expect(waits=waits)


def withdrawn(visit: Visit) -> Expect:
    """What was there is gone again, and its contact is taken back."""
    return Expect(contact=(contact_kind(visit), "retracted"))
