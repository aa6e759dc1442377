"""One visit's journey → one verdict for each thing PCare should, must not, or cannot yet hold (DESIGN §1).

Pure: no clock, no I/O, no ledger. What Encounter.status wants stands in :data:`PHASES`. The gates come in this
order, and the first that closes speaks for the visit: evidence against it, service date and first day, class, payer
and participant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Literal

from jknbridge.fhir import look
from jknbridge.journey import Journey
from jknbridge.reasons import Reason
from jknbridge.settings import TargetSettings
from jknbridge.targets import Facts, Receipts
from jknbridge.verdicts import Ref, Unwanted, Verdict, Wanted
from jknbridge_adapters.pcare import isi, kontak, layanan, obat
from jknbridge_adapters.pcare.gaps import Gaps
from jknbridge_adapters.pcare.kinds import R_KUNJUNGAN, R_OBAT, R_PENDAFTARAN
from jknbridge_adapters.pcare.layanan import Service
from jknbridge_adapters.pcare.peserta import Peserta, peserta
from jknbridge_adapters.pcare.settings import PCareSettings
from jknbridge_adapters.pcare.visit import Visit

READS = frozenset(
    {"Encounter", "Patient", "Coverage", "Condition", "Observation", "AllergyIntolerance", "MedicationRequest"}
    | {"Medication", "Procedure", "CarePlan", "ClinicalImpression", "Composition", "ServiceRequest", "Location"}
)
"""Resource types whose change may change a verdict."""


class Phase(StrEnum):
    EXPECTED = "expected"
    OPEN = "open"
    CLOSED = "closed"
    UNCLEAR = "unclear"
    VOID = "void"


PHASES: Mapping[str, Phase] = {
    "planned": Phase.EXPECTED,  # nothing yet
    "arrived": Phase.OPEN,  # pendaftaran
    "triaged": Phase.OPEN,
    "in-progress": Phase.OPEN,
    "finished": Phase.CLOSED,  # pendaftaran, kunjungan, obat
    "onleave": Phase.UNCLEAR,  # touches nothing
    "unknown": Phase.UNCLEAR,
    "cancelled": Phase.VOID,  # withdraw, with this as evidence
    "entered-in-error": Phase.VOID,
}
"""What Encounter.status wants; a status that is not here is unclear."""

Evidence = Literal["cancelled", "entered-in-error", "deleted", "moved", "changed"]
_VOIDED: Mapping[str, tuple[Evidence, str]] = {
    "cancelled": ("cancelled", "pcare.batal"),
    "entered-in-error": ("entered-in-error", "pcare.salah_entri"),
}
PENDAFTARAN, KUNJUNGAN = "pendaftaran", "kunjungan"


def translate(journey: Journey, receipts: Receipts, facts: Facts, settings: TargetSettings) -> Sequence[Verdict]:
    """The verdicts of one journey; none for a journey that is no visit."""
    if journey.anchor.type != "Encounter" or not isinstance(settings, PCareSettings):
        return ()
    visit = Visit(journey, settings, journey.anchor.content or {})
    if journey.anchor.deleted:
        return list(_void(visit, receipts, "deleted", "pcare.dihapus"))
    if visit.status in _VOIDED:
        return list(_void(visit, receipts, *_VOIDED[visit.status]))
    return list(_standing(visit, receipts, facts))


def _void(visit: Visit, receipts: Receipts, evidence: Evidence, reason: str) -> Iterator[Verdict]:
    because = Reason.of(reason)
    yield Unwanted(PENDAFTARAN, visit.key, evidence, because)
    yield Unwanted(KUNJUNGAN, visit.key, evidence, because)
    for key in obat.known_keys(visit, receipts):
        yield Unwanted(obat.KIND, key, evidence, because)


def _standing(visit: Visit, receipts: Receipts, facts: Facts) -> Iterator[Verdict]:
    gaps = Gaps()
    phase = PHASES.get(visit.status, Phase.UNCLEAR)
    service_date = _service_date(visit, phase, gaps)
    service = layanan.service(visit, gaps) if not _closed(gaps) else None
    person = peserta(visit, service_date, facts, gaps) if service_date and service and not _closed(gaps) else None
    yield from obat.withdrawn(visit, receipts)
    if service_date is None or service is None or person is None or _closed(gaps):
        yield from _blocked(visit, receipts, gaps)
        return
    yield _pendaftaran(visit, service, person, service_date, gaps.notes)
    if service.sick:
        yield from _served(visit, receipts, phase, service, person, service_date, gaps.notes)
    else:
        yield from _healthy(visit, receipts)


def _closed(gaps: Gaps) -> bool:
    return gaps.rule is not None or gaps.parked is not None or bool(gaps.needs)


def _service_date(visit: Visit, phase: Phase, gaps: Gaps) -> date | None:
    day = visit.service_date
    if day is not None and day < visit.settings.mulai:
        gaps.not_applicable("pcare.sebelum_mulai")
    elif phase is Phase.EXPECTED:
        gaps.need("pcare.belum_datang", "Encounter.status")
    elif phase is Phase.UNCLEAR:
        gaps.need("pcare.status_menunggu", "Encounter.status", status=visit.status)
    elif day is None:
        gaps.missing("tglDaftar", "Encounter.period.start")
    return day


def _blocked(visit: Visit, receipts: Receipts, gaps: Gaps) -> Iterator[Verdict]:
    """The same verdict for the registration and for whatever PCare already holds of this visit: silence would call an
    accepted submission ``yatim``."""
    keys = [(PENDAFTARAN, visit.key)]
    if receipts.get(R_KUNJUNGAN, visit.key) is not None:
        keys.append((KUNJUNGAN, visit.key))
    for one in obat.standing(visit, receipts):
        keys += [(obat.KIND, key) for key in one.keys if receipts.get(R_OBAT, key) is not None]
    for kind, key in keys:
        if verdict := gaps.verdict(kind, key):
            yield verdict


def _pendaftaran(visit: Visit, service: Service, person: Peserta, day: date, notes: list[Reason]) -> Verdict:
    gaps = Gaps(notes=list(notes))
    payload = isi.pendaftaran(visit, service, person, day, gaps)
    blocked = gaps.verdict(PENDAFTARAN, visit.key)
    if blocked is not None:
        return blocked
    number = look.identifier(visit.encounter, visit.settings.sistem_no_urut)
    return Wanted(
        PENDAFTARAN,
        visit.key,
        payload,
        day,
        claim=(person.card, payload["tglDaftar"], payload["kdPoli"]),
        not_before=visit.midnight(day),
        adopt={"noUrut": number} if number else {},
        notes=tuple(gaps.notes),
        contact=None if service.sick else kontak.draft(visit, service, person, day),
    )


def _served(
    visit: Visit, receipts: Receipts, phase: Phase, service: Service, person: Peserta, day: date, notes: list[Reason]
) -> Iterator[Verdict]:
    prescriptions = obat.standing(visit, receipts)
    if phase is Phase.CLOSED:
        yield _kunjungan(visit, service, person, day, obat.texts(prescriptions), notes)
        for one in prescriptions:
            yield from obat.lines(visit, one, person, day)
        return
    reopened = receipts.get(R_KUNJUNGAN, visit.key) is not None
    gaps = Gaps()
    gaps.need("pcare.dibuka_lagi" if reopened else "pcare.belum_selesai", "Encounter.status")
    keys = [(KUNJUNGAN, visit.key), *((obat.KIND, key) for one in prescriptions for key in one.keys)]
    yield from (verdict for kind, key in keys if (verdict := gaps.verdict(kind, key)))


def _kunjungan(
    visit: Visit, service: Service, person: Peserta, day: date, drugs: list[str], notes: list[Reason]
) -> Verdict:
    gaps = Gaps(notes=list(notes))
    payload = isi.kunjungan(visit, service, person, day, drugs, gaps)
    blocked = gaps.verdict(KUNJUNGAN, visit.key)
    if blocked is not None:
        return blocked
    number = look.identifier(visit.encounter, visit.settings.sistem_no_kunjungan)
    return Wanted(
        KUNJUNGAN,
        visit.key,
        payload,
        day,
        after=(Ref(R_PENDAFTARAN, visit.key, "noUrut"),),
        settle=KUNJUNGAN,
        not_before=visit.midnight(visit.end_date or day),
        adopt={"noKunjungan": number} if number else {},
        notes=tuple(gaps.notes),
        contact=kontak.draft(visit, service, person, day),
    )


def _healthy(visit: Visit, receipts: Receipts) -> Iterator[Verdict]:
    """A healthy visit is its registration; what it had as a sick visit is taken back."""
    gaps = Gaps()
    gaps.not_applicable("pcare.sehat_tanpa_kunjungan")
    held: Callable[[str, str], bool] = lambda receipt, key: receipts.get(receipt, key) is not None  # noqa: E731
    entries = [(KUNJUNGAN, R_KUNJUNGAN, visit.key)]
    entries += [(obat.KIND, R_OBAT, key) for one in obat.standing(visit, receipts) for key in one.keys]
    for kind, receipt, key in entries:
        if held(receipt, key):
            yield Unwanted(kind, key, "changed", Reason.of("pcare.menjadi_sehat"))
        elif verdict := gaps.verdict(kind, key):
            yield verdict
