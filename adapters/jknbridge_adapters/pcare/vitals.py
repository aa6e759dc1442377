"""Vital signs and consciousness: Observations of the visit → pcare §6.2's numbers.

The latest measurement of the visit counts. A unit is converted where the conversion is exact by definition and refused
otherwise; a missing unit is refused, because 98 may be °F or a pulse. Nothing is defaulted: 0 is sent only where the
facility's setting says that it means "not measured" (§22 #9), and clients that invent 120/80 are what §20 warns of.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from jknbridge.fhir import look
from jknbridge.verdicts import Code
from jknbridge_adapters.pcare import kode
from jknbridge_adapters.pcare.gaps import Gaps
from jknbridge_adapters.pcare.settings import VITALS
from jknbridge_adapters.pcare.visit import Content, Visit, latest_first


@dataclass(frozen=True, slots=True)
class Unit:
    """How a written unit becomes the field's: value x factor + offset."""

    factor: Decimal = Decimal(1)
    offset: Decimal = Decimal(0)


_SAME = Unit()
_BEATS = ("{beats}/min", "beats/min", "beats/minute", "bpm")
_BREATHS = ("{breaths}/min", "breaths/min", "breaths/minute")
_PER_MINUTE = dict.fromkeys(("/min", "1/min", "x/min", "x/menit", "kali/menit", "/menit", *_BEATS, *_BREATHS), _SAME)
_PRESSURE = dict.fromkeys(("mm[hg]", "mmhg"), _SAME)
_LENGTH = {"cm": _SAME, "m": Unit(Decimal(100)), "mm": Unit(Decimal("0.1")), "[in_i]": Unit(Decimal("2.54"))}
_MASS = {"kg": _SAME, "g": Unit(Decimal("0.001")), "gr": Unit(Decimal("0.001")), "[lb_av]": Unit(Decimal("0.45359237"))}
_CELSIUS = dict.fromkeys(("cel", "degc", "°c", "c", "degree celsius"), _SAME)
_FAHRENHEIT = dict.fromkeys(("[degf]", "degf", "°f"), Unit(Decimal(5) / Decimal(9), Decimal(-160) / Decimal(9)))


@dataclass(frozen=True, slots=True)
class Vital:
    """One field of PCare: the LOINC codes that mean it, and the units it takes."""

    field: str
    loinc: tuple[str, ...]
    units: Mapping[str, Unit]

    @property
    def where(self) -> str:
        return f"Observation.code LOINC {' / '.join(self.loinc)}, valueQuantity"


TABLE: tuple[Vital, ...] = (
    Vital("sistole", ("8480-6",), _PRESSURE),
    Vital("diastole", ("8462-4",), _PRESSURE),
    Vital("beratBadan", ("29463-7", "3141-9"), _MASS),
    Vital("tinggiBadan", ("8302-2", "8306-3"), _LENGTH),
    Vital("respRate", ("9279-1",), _PER_MINUTE),
    Vital("heartRate", ("8867-4",), _PER_MINUTE),
    Vital("lingkarPerut", ("8280-0", "56086-2"), _LENGTH),
    Vital("suhu", ("8310-5",), _CELSIUS | _FAHRENHEIT),
)
"""LOINC → field. A component (blood pressure panel 85354-9) counts like an Observation of its own."""

assert tuple(vital.field for vital in TABLE) == VITALS

CONSCIOUSNESS = "67775-7"
_TIMES = ("effectiveDateTime", "effectiveInstant", "effectivePeriod", "issued")
_PLACES = Decimal("0.1")


def measured(visit: Visit, gaps: Gaps) -> dict[str, int | float | str]:
    """All vitals of a finished visit; what is missing or unusable is in ``gaps``."""
    return {vital.field: value for vital in TABLE if (value := _one(visit, vital, gaps)) is not None}


def known(visit: Visit) -> dict[str, int | float]:
    """The seven numbers of a registration: what is usable now, 0 for the rest (§5.1, §22 #9: not measured)."""
    found: dict[str, int | float] = {}
    for vital in TABLE:
        if vital.field == "suhu":
            continue
        value, _ = _read(visit, vital)
        found[vital.field] = kode.number(value) if value is not None else 0
    return found


def unmeasured() -> dict[str, int | float]:
    """Seven zeros: a registration made before anybody measures."""
    return {vital.field: 0 for vital in TABLE if vital.field != "suhu"}


def consciousness(visit: Visit, gaps: Gaps) -> Code | None:
    where = f"Observation.code LOINC {CONSCIOUSNESS}, valueCodeableConcept"
    told = [one for one in visit.mine("Observation") if look.code_of(one[1].get("code"), kode.LOINC) == CONSCIOUSNESS]
    for content in latest_first(visit, told, *_TIMES):
        coding = kode.preferred(look.codings(content.get("valueCodeableConcept")), kode.SNOMED)
        if coding is not None:
            return kode.code("pcare.kesadaran", coding)
    gaps.missing("kdSadar", where)
    return None


def _one(visit: Visit, vital: Vital, gaps: Gaps) -> int | float | str | None:
    value, problem = _read(visit, vital)
    if value is None and vital.field in visit.settings.nol_berarti_tidak_diukur:
        gaps.note("pcare.nol_tidak_diukur", field=vital.field)
        value = Decimal(0)
    if value is None:
        gaps.need(problem or "pcare.kurang", vital.where, field=vital.field)
        return None
    shown = kode.number(value)
    return str(shown) if vital.field == "suhu" else shown


def _read(visit: Visit, vital: Vital) -> tuple[Decimal | None, str | None]:
    """The latest usable value in the field's unit, or why the latest one is not usable. An older value never stands in
    for a newer one that cannot be read."""
    for quantity in _quantities(visit, vital):
        value = look.quantity(quantity)
        if value is None or look.text(quantity, "comparator") or value.value <= 0:
            return None, "pcare.nilai"
        unit = vital.units.get((value.code or value.unit or "").lower()) or vital.units.get((value.unit or "").lower())
        if unit is None:
            return None, "pcare.satuan"
        exact = value.value * unit.factor + unit.offset
        return (exact if unit is _SAME else exact.quantize(_PLACES, ROUND_HALF_UP)), None
    return None, None


def _quantities(visit: Visit, vital: Vital) -> Iterator[Any]:
    """What was recorded under the vital's codes, newest first; without a value (dataAbsentReason) is not recorded."""
    telling = [one for one in visit.mine("Observation") if any(True for _ in _values(one[1], vital))]
    for content in latest_first(visit, telling, *_TIMES):
        yield from _values(content, vital)


def _values(content: Content, vital: Vital) -> Iterator[Any]:
    for holder in (content, *look.at(content, "component")):
        if isinstance(holder, Mapping) and holder.get("valueQuantity") is not None and _means(holder, vital):
            yield holder["valueQuantity"]


def _means(holder: Content, vital: Vital) -> bool:
    return any(c.system == kode.LOINC and c.code in vital.loinc for c in look.codings(holder.get("code")))
