"""A prescription as this adapter reads it: which lines it makes, drug names, dosage and amounts (pcare §8).

A MedicationRequest for a ready drug makes one line under its own key; one for a compound (``MedicationType`` SD or
EP, or several ingredients and no code of their own) makes one line per ingredient, keyed ``<key>#1`` … Amounts are
never derived from a strength in milligrams: that would invent how many tablets were used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from jknbridge.fhir import look
from jknbridge.fhir.look import Coding
from jknbridge.journey import Resource
from jknbridge.targets import Receipts
from jknbridge_adapters.pcare import kode
from jknbridge_adapters.pcare.kinds import R_OBAT
from jknbridge_adapters.pcare.visit import Content, Visit

MOST_INGREDIENTS = 20
_MEDICATION_TYPE = "https://fhir.kemkes.go.id/r4/StructureDefinition/MedicationType"
_COMPOUND = frozenset({"SD", "EP"})  # gives of such doses, divide into equal parts (SATUSEHAT medication-type)
_MASS = frozenset({"mg", "g", "gr", "gram", "kg", "ug", "mcg", "ng", "[iu]", "iu", "meq", "mmol", "%"})
_HOURS = {"h": Decimal(1), "d": Decimal(24)}
_TIMING_CODES = {"QD": 1, "BID": 2, "TID": 3, "QID": 4, "AM": 1, "PM": 1}
_SIGNA = re.compile(
    r"(?:s\s*)?(\d{1,2})\s*(?:dd|x|×)\s*(\d{1,2}(?:[.,]\d{1,2})?)"
    r"(?:\s*(?:tab|tablet|kaps|kapsul|cap|capsule|kaplet|bungkus|puyer|tetes|sendok|sdt|sdm|ml)\.?)?",
    re.IGNORECASE,
)
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Drug:
    """A drug by its codes and its written name. ``amount``: units per compound, for an ingredient."""

    coding: Coding | None
    name: str | None
    amount: Decimal | None = None

    @property
    def local(self) -> str | None:
        """How the facility's mapping names it; a drug without code is named by its text."""
        if self.coding is not None:
            return kode.local(self.coding)
        return f"teks|{' '.join(self.name.split()).casefold()}" if self.name else None


@dataclass(frozen=True, slots=True)
class Prescription:
    """One MedicationRequest. ``medication`` is ``None`` while what it refers to has not arrived."""

    resource: Resource
    content: Content
    medication: Content | None
    ingredients: tuple[Drug, ...]

    @property
    def compound(self) -> bool:
        return bool(self.ingredients)

    @property
    def keys(self) -> tuple[str, ...]:
        if not self.compound:
            return (self.resource.key,)
        return tuple(line_key(self.resource.key, n) for n in range(1, len(self.ingredients) + 1))

    @property
    def drug(self) -> Drug:
        return _drug(self.medication) if self.medication is not None else Drug(None, None)

    @property
    def text(self) -> str | None:
        """The prescription in the EMR's words, for terapiObat."""
        name = self.drug.name or ", ".join(one.name for one in self.ingredients if one.name)
        dosage = next((t for d in dosages(self.content) if (t := look.text(d, "text"))), None)
        return f"{name} {dosage}" if name and dosage else name or dosage


def line_key(key: str, ingredient: int) -> str:
    return f"{key}#{ingredient}"


def prescriptions(visit: Visit) -> list[Prescription]:
    """All living MedicationRequests of the visit, cancelled ones included, in a stable order."""
    return [
        _read(visit, resource, content)
        for resource, content in visit.journey.all("MedicationRequest")
        if visit.owns(content)
    ]


def held_keys(key: str, receipts: Receipts) -> list[str]:
    """The lines of one MedicationRequest that PCare holds, whatever the request looks like today."""
    possible = [key, *(line_key(key, n) for n in range(1, MOST_INGREDIENTS + 1))]
    return [one for one in possible if receipts.get(R_OBAT, one) is not None]


def quantity(content: Content) -> Decimal | None:
    """How much was prescribed: ``dispenseRequest.quantity``."""
    request = content.get("dispenseRequest")
    found = look.quantity(request.get("quantity")) if isinstance(request, Mapping) else None
    return found.value if found is not None and found.value > 0 else None


def signa(content: Content) -> tuple[Decimal, Decimal] | None:
    """Times a day and amount each time, from the first dosage: coded, else written like ``3 x 1 tablet``."""
    for dosage in dosages(content):
        times, amount = _times(dosage), _amount(dosage)
        if times is not None and amount is not None:
            return times, amount
        for name in ("text", "patientInstruction"):
            if whole := _SIGNA.fullmatch(look.text(dosage, name) or ""):
                return Decimal(whole[1]), Decimal(whole[2].replace(",", "."))
        return None
    return None


def dosages(content: Content) -> list[Content]:
    """``dosageInstruction`` in the order of ``sequence``."""
    found = [one for one in look.at(content, "dosageInstruction") if isinstance(one, Mapping)]
    return sorted(found, key=lambda one: one["sequence"] if isinstance(one.get("sequence"), int) else 0)


def _times(dosage: Content) -> Decimal | None:
    timing = dosage.get("timing")
    if not isinstance(timing, Mapping):
        return None
    repeat = timing.get("repeat")
    if isinstance(repeat, Mapping):
        frequency, period = _decimal(repeat.get("frequency")), _decimal(repeat.get("period"))
        hours = _HOURS.get(look.text(repeat, "periodUnit") or "")
        if frequency and period and hours:
            per_day = (frequency * 24 / (period * hours)).quantize(_CENT, ROUND_HALF_UP)
            return per_day if per_day >= 1 else None
    code = next((c.code for c in look.codings(timing.get("code")) if c.code in _TIMING_CODES), None)
    return Decimal(_TIMING_CODES[code]) if code else None


def _amount(dosage: Content) -> Decimal | None:
    for rate in look.at(dosage, "doseAndRate"):
        found = look.quantity(rate.get("doseQuantity")) if isinstance(rate, Mapping) else None
        if found is not None and found.value > 0 and not _is_mass(found):
            return found.value
    return None


def _read(visit: Visit, resource: Resource, content: Content) -> Prescription:
    medication = _medication(visit, content)
    ingredients = tuple(_ingredients(visit, medication)) if medication is not None and _is_compound(medication) else ()
    return Prescription(resource, content, medication, ingredients[:MOST_INGREDIENTS])


def _medication(visit: Visit, content: Content) -> Content | None:
    """The Medication: referred to, contained, or only a concept (R5: either in ``medication``)."""
    reference = content.get("medicationReference")
    concept = content.get("medicationCodeableConcept")
    if reference is not None:
        return look.contained(content, reference) or visit.follow(reference, "Medication") or _as_written(reference)
    return {"code": concept} if isinstance(concept, Mapping) else None


def _as_written(reference: object) -> Content | None:
    """A reference that points nowhere but names the drug (``display`` only)."""
    display = look.text(reference, "display")
    return {"code": {"text": display}} if display and look.target(reference, "Medication") is None else None


def _is_compound(medication: Content) -> bool:
    kind = look.extension(medication, _MEDICATION_TYPE)
    codes = {coding.code for coding in look.codings(kind)}
    if codes:
        return bool(codes & _COMPOUND)
    return len(look.at(medication, "ingredient")) > 1 and not look.codings(medication.get("code"))


def _ingredients(visit: Visit, medication: Content) -> Iterator[Drug]:
    for one in look.at(medication, "ingredient"):
        if not isinstance(one, Mapping):
            continue
        inner = look.contained(medication, one.get("itemReference")) or visit.follow(
            one.get("itemReference"), "Medication"
        )
        drug = _drug({"code": one.get("itemCodeableConcept")} if inner is None else inner)
        yield Drug(drug.coding, drug.name, _per_compound(one.get("strength")))


def _per_compound(strength: object) -> Decimal | None:
    """Units of the ingredient in one compound, where the EMR gives it in units; a strength in mg is none."""
    if not isinstance(strength, Mapping):
        return None
    top, bottom = look.quantity(strength.get("numerator")), look.quantity(strength.get("denominator"))
    if top is None or top.value <= 0 or _is_mass(top) or bottom is None or bottom.value <= 0 or _is_mass(bottom):
        return None
    return top.value / bottom.value


def _is_mass(found: look.Quantity) -> bool:
    return any((word or "").lower() in _MASS for word in (found.code, found.unit))


def _drug(medication: Content) -> Drug:
    concept = medication.get("code")
    return Drug(kode.preferred(look.codings(concept), kode.KFA), look.text_of(concept))


def _decimal(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None
