"""Drug lines: the visit's prescriptions → verdicts of the kind ``obat`` (pcare §8; the case without natural key).

A drug's DPHO code comes from the facility's mapping; ``-`` there means "not in DPHO" and the line goes as free text
(``compose.py``). Without a mapping it waits on the work list, or goes as text where the facility says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from jknbridge.fhir import look
from jknbridge.reasons import Reason
from jknbridge.targets import Receipts
from jknbridge.verdicts import Code, Ref, Unwanted, Verdict, Wanted
from jknbridge_adapters.pcare import kode, resep
from jknbridge_adapters.pcare.gaps import Gaps
from jknbridge_adapters.pcare.kinds import R_KUNJUNGAN, R_OBAT
from jknbridge_adapters.pcare.peserta import Peserta
from jknbridge_adapters.pcare.resep import Drug, Prescription
from jknbridge_adapters.pcare.visit import Visit

KIND = "obat"
NOT_IN_DPHO = "-"
_ORDERS = frozenset({"order", "original-order", "reflex-order", "filler-order", "instance-order"})
_GIVEN = frozenset({"active", "completed"})
_RETRACTED = {"cancelled": "cancelled", "entered-in-error": "entered-in-error"}
_CENT = Decimal("0.01")


def withdrawn(visit: Visit, receipts: Receipts) -> Iterator[Verdict]:
    """Prescriptions that no longer stand: deleted, cancelled, entered in error, stopped before PCare had them, and
    lines that a changed compound no longer has. True whatever the visit's own status."""
    for resource in visit.journey.deleted("MedicationRequest"):
        for key in dict.fromkeys((resource.key, *resep.held_keys(resource.key, receipts))):
            yield Unwanted(KIND, key, "deleted", Reason.of("pcare.resep_batal"))
    for one in resep.prescriptions(visit):
        held = resep.held_keys(one.resource.key, receipts)
        status = look.status(one.content)
        if status in ("cancelled", "entered-in-error"):
            for key in dict.fromkeys((*one.keys, *held)):
                evidence = "cancelled" if status == "cancelled" else "entered-in-error"
                yield Unwanted(KIND, key, evidence, Reason.of("pcare.resep_batal"))  # type: ignore[arg-type]
        elif status == "stopped" and not held:
            for key in one.keys:
                yield Unwanted(KIND, key, "cancelled", Reason.of("pcare.resep_batal"))
        elif one.medication is not None:
            for key in held:
                if key not in one.keys:
                    yield Unwanted(KIND, key, "changed", Reason.of("pcare.resep_berubah"))


def standing(visit: Visit, receipts: Receipts) -> list[Prescription]:
    """Prescriptions that :func:`withdrawn` does not take back."""
    return [
        one
        for one in resep.prescriptions(visit)
        if (status := look.status(one.content)) not in _RETRACTED
        and (status != "stopped" or resep.held_keys(one.resource.key, receipts))
    ]


def known_keys(visit: Visit, receipts: Receipts) -> list[str]:
    """Every drug line that this journey knows of: prescribed now, or held by PCare."""
    keys: dict[str, None] = {}
    for resource in visit.journey.deleted("MedicationRequest"):
        keys.update(dict.fromkeys((resource.key, *resep.held_keys(resource.key, receipts))))
    for one in resep.prescriptions(visit):
        keys.update(dict.fromkeys((*one.keys, *resep.held_keys(one.resource.key, receipts))))
    return list(keys)


def texts(standing_: list[Prescription]) -> list[str]:
    """What was prescribed, in the EMR's words: the visit's terapiObat."""
    given = [one for one in standing_ if look.status(one.content) in _GIVEN and _is_order(one)]
    return [text for one in given if (text := one.text)]


def lines(visit: Visit, one: Prescription, peserta: Peserta, service_date: date) -> Iterator[Verdict]:
    """The lines of one standing prescription of a finished sick visit."""
    gaps = Gaps()
    status = look.status(one.content) or "unknown"
    if not _is_order(one):
        gaps.not_applicable("pcare.bukan_resep")
    elif status == "stopped":
        gaps.need("pcare.resep_dihentikan", "MedicationRequest.status")
    elif status not in _GIVEN:
        gaps.need("pcare.resep_menunggu", "MedicationRequest.status", status=status)
    elif one.medication is None:
        gaps.need("pcare.rujukan_hilang", "MedicationRequest.medicationReference", field="kdObat")
    drugs = one.ingredients or (one.drug,)
    for number, (key, drug) in enumerate(zip(one.keys, drugs, strict=True), start=1):
        yield _line(visit, one, number, key, drug, peserta, service_date, gaps)


def _line(
    visit: Visit,
    one: Prescription,
    number: int,
    key: str,
    drug: Drug,
    peserta: Peserta,
    service_date: date,
    shared: Gaps,
) -> Verdict:
    gaps = Gaps(shared.rule, shared.parked, list(shared.needs))
    parent = Ref(R_KUNJUNGAN, visit.key, "noKunjungan")
    payload: dict[str, Any] = {
        # Not sent (compose drops it): the control read of an obat probe is the visit in K5, which asks by card.
        "noKartu": peserta.card,
        "noKunjungan": parent,
        "racikan": one.compound,
        "kdRacikan": Ref(R_OBAT, one.keys[0], "kdRacikan") if one.compound and number > 1 else None,
    }
    if not gaps.needs and gaps.rule is None:
        payload |= _content(visit, one, drug, gaps)
    blocked = gaps.verdict(KIND, key)
    if blocked is not None:
        return blocked
    return Wanted(
        KIND, key, payload, service_date, parent=parent, settle=KIND, not_before=visit.midnight(service_date),
        notes=tuple(gaps.notes),
    )  # fmt: skip


def _content(visit: Visit, one: Prescription, drug: Drug, gaps: Gaps) -> dict[str, Any]:
    signa = resep.signa(one.content)
    if signa is None:
        gaps.need("pcare.signa", "MedicationRequest.dosageInstruction: timing.repeat and doseQuantity, or text '3 x 1'")
    quantity = resep.quantity(one.content)
    if quantity is None:
        gaps.missing("jmlObat", "MedicationRequest.dispenseRequest.quantity")
    if one.compound:
        if drug.amount is None:
            gaps.need("pcare.bahan_racikan", "Medication.ingredient.strength in units, e.g. 0.5 TAB per 1")
        quantity = (quantity * drug.amount).quantize(_CENT, ROUND_HALF_UP) if quantity and drug.amount else None
    if drug.local is None or (drug.name is None and drug.coding is None):
        gaps.missing("kdObat", "MedicationRequest.medicationReference → Medication.code, or medicationCodeableConcept")
    if signa is None or quantity is None or drug.local is None:
        return {}
    return {
        "kdObat": _code(visit, drug, drug.local),
        "signa1": kode.number(signa[0]),
        "signa2": kode.number(signa[1]),
        "jmlObat": kode.number(quantity),
        "jmlPermintaan": kode.number(quantity),
        "nmObatNonDPHO": drug.name or drug.local,
    }


def _code(visit: Visit, drug: Drug, local: str) -> Code:
    if visit.settings.obat_tanpa_pemetaan == "teks":
        note = Reason.of("pcare.obat_sebagai_teks")
        return Code("pcare.obat", local, drug.name, if_unmapped=NOT_IN_DPHO, note=note)
    return Code("pcare.obat", local, drug.name)


def _is_order(one: Prescription) -> bool:
    intent = look.text(one.content, "intent")
    return (intent is None or intent in _ORDERS) and one.content.get("doNotPerform") is not True
