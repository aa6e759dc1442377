"""The day: every journey of the demo, and what PCare, the contact topic and the waiting list must hold of it then.

:func:`day` makes the whole :class:`Book`. Ordinary visits are made from a table of cases; special ones stand below by
what is special about them, those that cannot be submitted in ``stopped.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jknbridge_consumers.demo import fhir
from jknbridge_consumers.demo.expect import (
    POLIS,
    Expect,
    Story,
    Waits,
    healthy,
    nothing,
    registered_only,
    served,
    withdrawn,
)
from jknbridge_consumers.demo.fhir import Resource
from jknbridge_consumers.demo.forms import FORMS
from jknbridge_consumers.demo.people import CLINICS, JAKARTA, JAYAPURA, NEIGHBOUR, Clinic, Person, Register
from jknbridge_consumers.demo.visit import DRUGS, Case, Day, Prescribed, Version, Visit, Wave, version

CASES = (
    Case("Demam dan batuk pilek dua hari", "Demam naik turun sejak dua hari, batuk berdahak, pilek.", "J06.9",
         "Acute upper respiratory infection, unspecified", ("paracetamol", "ctm")),
    Case("Kontrol tekanan darah", "Hipertensi sejak tiga tahun, obat habis, kadang pusing.", "I10",
         "Essential (primary) hypertension", ("amlodipin",)),
    Case("Nyeri ulu hati", "Nyeri ulu hati dan mual sejak kemarin, terlambat makan.", "K30",
         "Functional dyspepsia", ("antasida", "omeprazol")),
    Case("Kontrol gula darah", "Diabetes sejak lima tahun, minum obat teratur.", "E11.9",
         "Non-insulin-dependent diabetes mellitus without complications", ("metformin",)),
    Case("Nyeri pinggang", "Nyeri pinggang setelah mengangkat barang, tidak menjalar.", "M54.5", "Low back pain",
         ("ibuprofen", "minyak")),
    Case("Batuk berdahak", "Batuk berdahak lima hari tanpa sesak.", "J20.9", "Acute bronchitis, unspecified",
         ("ambroksol", "amoksisilin")),
    Case("Sakit kepala", "Sakit kepala seperti terikat sejak pagi.", "G44.2", "Tension-type headache", ()),
)  # fmt: skip

TOOTHACHE = Case("Sakit gigi", "Gigi geraham bawah berlubang, nyeri saat minum dingin.", "K04.0", "Pulpitis",
                 ("ibuprofen",))  # fmt: skip
HEALTHY_CASES: Mapping[str, Case] = {
    "imunisasi": Case("Imunisasi dasar", "-", "Z00.0", "-"),
    "kia": Case("Pemeriksaan kehamilan", "-", "Z34.9", "-"),
    "kb": Case("Pelayanan KB", "-", "Z30.9", "-"),
    "skrining": Case("Skrining riwayat kesehatan", "-", "Z00.0", "-"),
    "edukasi": Case("Konseling gizi", "-", "Z71.9", "-"),
    "rumah": Case("Kunjungan rumah lansia", "-", "Z00.0", "-"),
}


@dataclass
class Book:
    """The day as it is written: stories, master data, and the people who come."""

    now: float
    people: Register = field(default_factory=Register)
    stories: list[Story] = field(default_factory=list)
    days: dict[str, Day] = field(init=False)

    def __post_init__(self) -> None:
        self.days = {clinic.code: Day.of(clinic, self.now) for clinic in CLINICS}

    def visit(self, clinic: Clinic, case: Case = CASES[0], person: Person | None = None, **more: Any) -> Visit:
        """A visit with an id of its own, by a new patient unless one is named."""
        number = len(self.stories) + 1
        lines = tuple(Prescribed(DRUGS[name], 10 + 2 * i) for i, name in enumerate(case.drugs))
        person = person or self.people.new(clinic.code)
        began = 95 + number % 20
        made = Visit(f"kunj-{number:03}", clinic, person, self.days[clinic.code], case, drugs=lines, began=began)
        return made.changed(**more)

    def tell(self, title: str, visit: Visit, versions: list[Version], expect: Expect, **more: Any) -> Story:
        form = more.pop("form", FORMS[len(self.stories) % len(FORMS)])
        story = Story(title, visit, tuple(versions), expect, form, **more)
        self.stories.append(story)
        return story

    def master(self) -> list[Version]:
        """Organizations, places and staff, as an EMR publishes them. (Nobody reads staff: counted and ignored.)"""
        made: list[Version] = []
        for clinic in CLINICS:
            day = self.days[clinic.code]
            names = (*POLIS, "akupunktur")
            found: list[Resource] = [fhir.organisation(clinic)]
            found += [fhir.location(f"{clinic.code}-{name}", f"Poli {name.title()}", clinic) for name in names]
            found += [fhir.practitioner(staff) for staff, _ in clinic.doctors]
            made += [version(day, Wave.MORNING, one) for one in found]
        return made


def day(now: float) -> Book:
    """The whole day, for the calendar day that ``now`` (epoch seconds) is at each clinic."""
    from jknbridge_consumers.demo.stopped import stopped

    book = Book(now)
    _ordinary(book)
    _shapes(book)
    _healthy(book)
    _away(book)
    _people(book)
    _corrections(book)
    _withdrawals(book)
    _open(book)
    _same_patient(book)
    stopped(book)
    return book


def _ordinary(book: Book) -> None:
    for clinic, count in ((JAKARTA, 11), (JAYAPURA, 8)):
        for number in range(count):
            visit = book.visit(clinic, CASES[number % len(CASES)])
            book.tell("rawat jalan / outpatient", visit, visit.through(), served(visit))


def _shapes(book: Book) -> None:
    """What EMRs record in other ways: teeth, a blood pressure panel, an allergy, a compound, treatment, materials."""
    teeth = book.visit(JAKARTA, TOOTHACHE, place="gigi", doctor=1)
    book.tell("poli gigi / dental", teeth, teeth.through(), served(teeth))
    panel = book.visit(JAYAPURA, CASES[1], panel=True, place="kia")
    book.tell("tensi sebagai panel / blood pressure panel", panel, panel.through(), served(panel))
    allergic = book.visit(JAKARTA, CASES[0], allergy="antibiotik")
    shows = {"alergiObat": "01", "alergiMakan": "00", "alergiUdara": "00"}
    book.tell("alergi obat / drug allergy", allergic, allergic.through(), served(allergic, shows))
    powder = (Prescribed(DRUGS["paracetamol"], 12, second=DRUGS["ctm"]),)
    compound = book.visit(JAYAPURA, CASES[0], drugs=powder)
    book.tell("puyer racikan / compound powder", compound, compound.through(), served(compound))
    treated = book.visit(JAKARTA, CASES[4], treatment=("Kompres hangat", "Kasa steril"))
    shows = {"terapiNonObat": "Kompres hangat", "bmhp": "Kasa steril"}
    book.tell("tindakan dan BMHP / treatment", treated, treated.through(), served(treated, shows))


def _healthy(book: Book) -> None:
    """Registration only. One of them is still under way when the day ends: a contact already, counted when finished."""
    for clinic, jenis in (
        (JAKARTA, "imunisasi"), (JAYAPURA, "imunisasi"), (JAYAPURA, "kia"), (JAKARTA, "kb"), (JAKARTA, "skrining"),
        (JAYAPURA, "edukasi"),
    ):  # fmt: skip
        visit = book.visit(clinic, HEALTHY_CASES[jenis], jenis=jenis)
        book.tell(f"kunjungan sehat {jenis} / healthy visit", visit, visit.through(), healthy(visit))
    here = book.visit(JAYAPURA, HEALTHY_CASES["skrining"], jenis="skrining")
    book.tell("kunjungan sehat, belum selesai / not finished", here, here.through("in-progress"), healthy(here))


def _away(book: Book) -> None:
    """At home and at a distance, sick and healthy."""
    home = book.visit(JAKARTA, CASES[4], kelas="HH", place="rumah")
    book.tell("kunjungan rumah, sakit / home visit, sick", home, home.through(), served(home))
    call = book.visit(JAKARTA, CASES[0], kelas="VR", place="jarak")
    book.tell("telekonsultasi, sakit / teleconsultation, sick", call, call.through(), served(call))
    elder = book.visit(JAYAPURA, HEALTHY_CASES["rumah"], kelas="HH", place="rumah", jenis="rumah")
    book.tell("kunjungan rumah, sehat / home visit, healthy", elder, elder.through(), healthy(elder))
    advice = book.visit(JAYAPURA, HEALTHY_CASES["edukasi"], kelas="VR", place=None, jenis="edukasi")
    book.tell("telekonsultasi, sehat / teleconsultation, healthy", advice, advice.through(), healthy(advice))


def _people(book: Book) -> None:
    """Guests, people found by NIK or through their coverage, and one whom staff registered by hand first."""
    for clinic, home in ((JAKARTA, NEIGHBOUR), (JAYAPURA, JAKARTA.code)):
        guest = book.visit(clinic, CASES[2], book.people.new(home))
        book.tell("tamu / guest of another facility", guest, guest.through(), served(guest))
    by_nik = book.visit(JAKARTA, CASES[3], card_in="nowhere")
    book.tell("hanya NIK / NIK only", by_nik, by_nik.through(), served(by_nik))
    covered = book.visit(JAYAPURA, CASES[1], card_in="coverage", nik=False, payer="BPJS Kesehatan")
    book.tell("kartu pada Coverage / card in the coverage", covered, covered.through(), served(covered))
    typed = book.visit(JAKARTA, CASES[6])
    book.tell("sudah didaftarkan petugas / registered by hand", typed, typed.through(), served(typed), by_hand=True)


def _corrections(book: Book) -> None:
    """What the EMR corrects after the visit was finished and PCare had it."""
    late = Wave.CORRECTED
    wrong = book.visit(JAKARTA, CASES[0])
    at = wrong.day.at(30)
    diagnosis = fhir.condition(f"{wrong.id}-diagnosis", wrong.id, wrong.person, "J02.9", "Acute pharyngitis", at)
    versions = [*wrong.through(), wrong.version(late, diagnosis)]
    book.tell("diagnosis dikoreksi / diagnosis corrected", wrong, versions, served(wrong, {"kdDiag1": "J02.9"}))

    typo = book.visit(JAYAPURA, CASES[1])
    pressure = next(one for one in typo.measured() if one["id"].endswith("-sistole"))
    pressure = {**pressure, "status": "amended", "valueQuantity": fhir.quantity(151, "mm[Hg]")}
    versions = [*typo.through(), typo.version(late, pressure)]
    book.tell("tensi dikoreksi / blood pressure corrected", typo, versions, served(typo, {"sistole": 151}))

    fewer = book.visit(JAKARTA, CASES[2])
    versions = [*fewer.through(), fewer.version(late, fewer.prescription(1, status="cancelled"))]
    book.tell("resep dibatalkan / prescription cancelled", fewer, versions, served(fewer, drugs=fewer.drugs[0].lines))

    gone = book.visit(JAYAPURA, CASES[5])
    dropped = (f"MedicationRequest/{gone.id}-obat-1",)
    expect = served(gone, drugs=gone.drugs[1].lines)
    book.tell("resep dihapus / prescription deleted", gone, gone.through(), expect, deleted=dropped)

    more = book.visit(JAYAPURA, CASES[3])
    lines = ((more.drugs[0].drug.at_pcare, 30.0),)
    versions = [*more.through(), more.version(late, more.prescription(0, amount=30))]
    book.tell("jumlah obat dikoreksi / amount corrected", more, versions, served(more, drugs=lines))


def _withdrawals(book: Book) -> None:
    """What is taken back: before, during and after the visit."""
    late = Wave.CORRECTED
    left = book.visit(JAKARTA, CASES[5])
    versions = [*left.through("arrived"), left.version(Wave.FINISHED, left.encounter("cancelled"))]
    book.tell("batal setelah daftar / cancelled after registration", left, versions, Expect())
    for clinic in CLINICS:
        mistaken = book.visit(clinic, CASES[0])
        versions = [*mistaken.through(), mistaken.version(late, mistaken.encounter("entered-in-error"))]
        book.tell("salah entri setelah selesai / entered in error", mistaken, versions, withdrawn(mistaken))
    vaccine = book.visit(JAYAPURA, HEALTHY_CASES["imunisasi"], jenis="imunisasi")
    versions = [*vaccine.through("in-progress"), vaccine.version(late, vaccine.encounter("cancelled"))]
    book.tell("kunjungan sehat batal / healthy visit cancelled", vaccine, versions, withdrawn(vaccine))
    called_off = book.visit(JAKARTA, CASES[3])
    versions = [called_off.version(Wave.MORNING, one) for one in called_off.coming()]
    versions.append(called_off.version(Wave.MORNING, called_off.encounter("planned")))
    versions.append(called_off.version(Wave.SERVING, called_off.encounter("cancelled")))
    book.tell("janji temu batal / appointment cancelled", called_off, versions, Expect())


def _open(book: Book) -> None:
    """What is not over when the day ends."""
    waits = Waits("kunjungan", "pcare.belum_selesai")
    for clinic in CLINICS:
        inside = book.visit(clinic, CASES[5])
        book.tell("masih dilayani / still inside", inside, inside.through("in-progress"), registered_only(waits))
    tomorrow = book.visit(JAYAPURA, CASES[3])
    versions = [tomorrow.version(Wave.MORNING, one) for one in (*tomorrow.coming(), tomorrow.encounter("planned"))]
    waiting = nothing(Waits("pendaftaran", "pcare.belum_datang"))
    book.tell("baru direncanakan / planned", tomorrow, versions, waiting)
    mapped = book.visit(JAYAPURA, CASES[4], place="lansia")
    book.tell("poli dipetakan siang hari / poli mapped later", mapped, mapped.through(), served(mapped))
    again = book.visit(JAKARTA, CASES[1])
    versions = [*again.through(), again.version(Wave.CORRECTED, again.encounter("in-progress"))]
    book.tell("dibuka kembali / reopened: left alone", again, versions, served(again))


def _same_patient(book: Book) -> None:
    """Twice in one poli on a day: PCare takes one, the second waits for a person. In two polis: both."""
    first = book.visit(JAKARTA, CASES[2])
    book.tell("dua kali di satu poli: pertama / twice: first", first, first.through(), served(first))
    second = book.visit(JAKARTA, CASES[6], first.person)
    waits = (Waits("pendaftaran", "kirim.klaim"), Waits("kunjungan", "kirim.menunggu"))
    versions = second.through(first=Wave.SERVING)
    book.tell("dua kali di satu poli: kedua / twice: second", second, versions, nothing(*waits))
    morning = book.visit(JAYAPURA, CASES[0])
    book.tell("dua poli: umum / two polis: general", morning, morning.through(), served(morning))
    teeth = book.visit(JAYAPURA, TOOTHACHE, morning.person, place="gigi", doctor=1)
    book.tell("dua poli: gigi / two polis: dental", teeth, teeth.through(first=Wave.SERVING), served(teeth))
