"""What the simulated PCare holds (pcare §19): registrations, visits, and what hangs on a visit; clubs and activities.

Rows keep their versions, so a read can show the state of a moment ago (`slow_reads`). A registration has no status of
its own: it is served exactly while its visit exists.
"""

from dataclasses import dataclass, field
from typing import Any

from jknbridge.sandbox.rows import Rows
from jknbridge_adapters.pcare.sandbox.people import Facility
from jknbridge_adapters.pcare.sandbox.reference import Row


@dataclass(frozen=True, slots=True)
class Registration:
    facility: str
    no_urut: str
    body: Row

    @property
    def key(self) -> tuple[str, str, str, str]:
        return self.facility, self.body["tglDaftar"], self.body["noKartu"], self.body["kdPoli"]

    @property
    def identity(self) -> str:
        return pendaftaran_identity(self.body["tglDaftar"], self.body["noKartu"], self.body["kdPoli"])


@dataclass(frozen=True, slots=True)
class Visit:
    facility: str
    no_kunjungan: str
    body: Row
    registration: Row

    @property
    def identity(self) -> str:
        return kunjungan_identity(self.body["noKartu"], self.body["tglDaftar"], self.body["kdPoli"])

    def belongs_to(self, registration: Registration) -> bool:
        return (self.facility, self.identity) == (
            registration.facility,
            kunjungan_identity(
                registration.body["noKartu"], registration.body["tglDaftar"], registration.body["kdPoli"]
            ),
        )


@dataclass(frozen=True, slots=True)
class Line:
    """An obat, tindakan or MCU of a visit. `identity` names what equal lines share, `own` this one line."""

    sk: int
    no_kunjungan: str
    body: Row
    identity: str
    own: str


@dataclass(frozen=True, slots=True)
class Activity:
    facility: str
    edu_id: str
    month: str
    body: Row
    identity: str
    own: str


@dataclass(frozen=True, slots=True)
class Member:
    edu_id: str
    no_kartu: str

    @property
    def identity(self) -> str:
        return f"kelompok_peserta:{self.edu_id}|{self.no_kartu}"


def pendaftaran_identity(tgl: Any, no_kartu: Any, kd_poli: Any) -> str:
    """The natural key of pcare §14.1; the day stands first because lists are by day."""
    return f"pendaftaran:{tgl}|{no_kartu}|{kd_poli}"


def kunjungan_identity(no_kartu: Any, tgl: Any, kd_poli: Any) -> str:
    """One visit per registration (pcare §14.2); the card stands first because the history is by card."""
    return f"kunjungan:{no_kartu}|{tgl}|{kd_poli}"


@dataclass(slots=True)
class State:
    facilities: dict[str, Facility] = field(default_factory=dict)
    participants: dict[str, Row] = field(default_factory=dict)
    by_nik: dict[str, Row] = field(default_factory=dict)
    registrations: Rows[tuple[str, str, str, str], Registration] = field(
        default_factory=lambda: Rows(lambda row: (row.facility, row.body["tglDaftar"]))
    )
    visits: Rows[str, Visit] = field(default_factory=lambda: Rows(lambda row: row.body["noKartu"]))
    obat: Rows[int, Line] = field(default_factory=lambda: Rows(lambda row: row.no_kunjungan))
    tindakan: Rows[int, Line] = field(default_factory=lambda: Rows(lambda row: row.no_kunjungan))
    mcu: Rows[int, Line] = field(default_factory=lambda: Rows(lambda row: row.no_kunjungan))
    activities: Rows[str, Activity] = field(default_factory=lambda: Rows(lambda row: (row.facility, row.month)))
    members: Rows[tuple[str, str], Member] = field(default_factory=lambda: Rows(lambda row: row.edu_id))
    _counters: dict[tuple[str, ...], int] = field(default_factory=dict)

    def count(self, *name: str) -> int:
        """The next number of a series, from 1."""
        number = self._counters[name] = self._counters.get(name, 0) + 1
        return number

    def add_participant(self, row: Row) -> None:
        self.participants[row["noKartu"]] = row
        if row["noKTP"]:
            self.by_nik[row["noKTP"]] = row

    def visit_of(self, registration: Registration, as_of: float | None = None) -> Visit | None:
        visits = self.visits.of(registration.body["noKartu"], as_of)
        return next((visit for visit in visits if visit.belongs_to(registration)), None)

    def provider_names(self) -> dict[str, str]:
        return {code: facility.name for code, facility in self.facilities.items()}

    def render(self) -> dict[str, Any]:
        """As JSON, for `GET /_sandbox/state`."""
        return {
            "facilities": [
                {"kdProvider": f.code, "nmProvider": f.name, "zona": f.zone, "doctors": f.doctors,
                "polis": list(f.polis)}
                for f in self.facilities.values()
            ],
            "participants": len(self.participants),
            "pendaftaran": [
                {"facility": r.facility, "noUrut": r.no_urut, "served": self.visit_of(r) is not None, **r.body}
                for r in self.registrations.values()
            ],
            "kunjungan": [
                {"facility": v.facility, **v.body, "noKunjungan": v.no_kunjungan} for v in self.visits.values()
            ],
            "obat": [{**line.body, "kdObatSK": line.sk} for line in self.obat.values()],
            "tindakan": [{**line.body, "kdTindakanSK": line.sk} for line in self.tindakan.values()],
            "mcu": [{**line.body, "kdMCU": line.sk} for line in self.mcu.values()],
            "kegiatan": [{"facility": a.facility, **a.body, "eduId": a.edu_id} for a in self.activities.values()],
            "kelompok_peserta": [{"eduId": m.edu_id, "noKartu": m.no_kartu} for m in self.members.values()],
        }  # fmt: skip
