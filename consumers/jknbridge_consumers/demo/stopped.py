"""Journeys that cannot be submitted, each for another reason; and those that are none of PCare's business.

Each must end where a person finds it, with that reason, and harm no other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jknbridge_consumers.demo import fhir
from jknbridge_consumers.demo.expect import Expect, Waits, nothing, registered_only, served
from jknbridge_consumers.demo.people import JAKARTA, JAYAPURA, Clinic
from jknbridge_consumers.demo.visit import DRUGS, Prescribed, Visit

if TYPE_CHECKING:
    from jknbridge_consumers.demo.journeys import Book


def stopped(book: Book) -> None:
    _before_registration(book)
    _after_registration(book)
    _not_ours(book)


def _tell(book: Book, title: str, visit: Visit, expect: Expect) -> None:
    book.tell(title, visit, visit.through(), expect)


def _no_registration(book: Book, title: str, clinic: Clinic, reason: str, **visit: Any) -> None:
    _tell(book, title, book.visit(clinic, **visit), nothing(Waits("pendaftaran", reason)))


def _no_visit(book: Book, title: str, clinic: Clinic, reason: str, **visit: Any) -> None:
    _tell(book, title, book.visit(clinic, **visit), registered_only(Waits("kunjungan", reason)))


def _before_registration(book: Book) -> None:
    people = book.people
    _no_registration(book, "poli belum dipetakan / poli without mapping", JAKARTA, "kirim.pemetaan", place="akupunktur")
    _no_registration(book, "rawat inap / inpatient", JAYAPURA, "pcare.rawat_inap_belum", kelas="IMP")
    _no_registration(
        book, "kartu tidak dikenal / unknown card", JAKARTA, "pcare.peserta_tidak_ditemukan",
        person=people.new(JAKARTA.code, known=False),
    )  # fmt: skip
    _no_registration(
        book, "peserta tidak aktif / inactive member", JAYAPURA, "pcare.ditolak_tidak_aktif",
        person=people.new(JAYAPURA.code, active=False),
    )  # fmt: skip
    _no_registration(
        book,
        "penjamin tidak dikenal / unknown payer",
        JAYAPURA,
        "pcare.penjamin_tidak_dikenal",
        payer="Asuransi Contoh",
    )
    _no_registration(
        book, "tanpa kartu dan NIK / neither card nor NIK", JAKARTA, "pcare.tanpa_kartu_dan_nik",
        card_in="nowhere", nik=False,
    )  # fmt: skip
    _no_registration(book, "kelas tidak dikenal / unknown class", JAKARTA, "pcare.kelas_tidak_didukung", kelas="OBSENC")


def _after_registration(book: Book) -> None:
    _no_visit(book, "lingkar perut tidak diukur / vital missing", JAKARTA, "pcare.kurang", without="lingkarPerut")
    _no_visit(book, "cara pulang tidak dicatat / no disposition", JAYAPURA, "pcare.kurang", disposition=None)
    _no_visit(
        book, "cara pulang belum dipetakan / disposition without mapping", JAYAPURA, "kirim.pemetaan",
        disposition="aadvice",
    )  # fmt: skip
    _no_visit(book, "diagnosis tanpa ICD-10 / no ICD-10", JAKARTA, "pcare.tanpa_icd10", icd10=False)
    _no_visit(book, "alergi tidak ditanyakan / allergies not asked", JAYAPURA, "pcare.kurang", allergy=None)
    referred = book.visit(JAKARTA)
    letter = fhir.referral(f"{referred.id}-rujukan", referred.id, referred.person, referred.day.at(30))
    expect = registered_only(Waits("kunjungan", "pcare.rujukan_belum"))
    _tell(book, "berakhir dengan rujukan / referral", referred.changed(extra=(letter,)), expect)
    known, unknown = Prescribed(DRUGS["paracetamol"], 10), Prescribed(DRUGS["jamu"], 5)
    unmapped = book.visit(JAYAPURA, drugs=(known, unknown))
    waits = Waits("obat", "kirim.pemetaan", f"MedicationRequest/{unmapped.id}-obat-2")
    expect = served(unmapped, drugs=known.lines, waits=(waits,))
    _tell(book, "obat belum dipetakan / drug without mapping", unmapped, expect)


def _not_ours(book: Book) -> None:
    _no_registration(
        book, "bukan peserta BPJS / no BPJS member", JAKARTA, "pcare.bukan_peserta", card_in="nowhere",
        person=book.people.new(JAKARTA.code, known=False),
    )  # fmt: skip
    _no_registration(book, "penjamin umum / pays himself", JAYAPURA, "pcare.penjamin_lain", payer="Umum")
    elsewhere = book.visit(JAKARTA, provider="faskes-lain")
    _tell(book, "faskes di luar pengaturan / facility not in the config", elsewhere, nothing())
