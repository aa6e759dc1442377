"""Whose visit this is for BPJS: payer, card or NIK, and what BPJS says about the participant (pcare §4, §22 #22).

The payer gate comes first, then the question ``peserta`` (by card, else by NIK), answered once per service date and
pinned. The name is not kept: nothing here needs it. Inactive members and guests are shown and sent; PCare decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from jknbridge.fhir import look
from jknbridge.targets import Facts, Known, Question
from jknbridge_adapters.pcare.gaps import Gaps
from jknbridge_adapters.pcare.visit import Content, Visit

QUESTION = "peserta"
_LAPSED = frozenset({"cancelled", "draft", "entered-in-error"})
_WHERE_CARD = "Patient.identifier ({systems}) or Coverage.subscriberId, 13 digits"
_WHERE_NIK = "Patient.identifier ({systems}), 16 digits"


@dataclass(frozen=True, slots=True)
class Peserta:
    """``card`` and ``provider`` as BPJS says them. ``here``, ``active``: ``None`` where it did not say."""

    card: str
    provider: str
    here: bool | None
    active: bool | None


def keep(answer: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of P1/P2's answer (pcare §4): enough to register, to count contacts and for Prolanis; no name."""
    provider = answer.get("kdProviderPst")
    return {
        "noKartu": _digits(answer.get("noKartu"), 13),
        "kdProviderPst": look.text(provider, "kdProvider"),
        "aktif": answer.get("aktif") if isinstance(answer.get("aktif"), bool) else None,
        "ketAktif": look.text(answer, "ketAktif"),
        "pstProl": look.text(answer, "pstProl"),
        "pstPrb": look.text(answer, "pstPrb"),
        "nik": _digits(answer.get("noKTP"), 16),
        "tglLahir": look.text(answer, "tglLahir"),
        "sex": look.text(answer, "sex"),
    }


def peserta(visit: Visit, service_date: date, facts: Facts, gaps: Gaps) -> Peserta | None:
    """The participant, or ``None`` with the reason in ``gaps``."""
    patient = visit.patient
    if patient is None:
        gaps.need("pcare.rujukan_hilang", "Encounter.subject", field="Patient")
        return None
    claims = _payer(visit, service_date, gaps)
    if gaps.rule is not None or gaps.parked is not None:
        return None
    card, nik = _card(visit, patient, service_date, gaps), _nik(visit, patient)
    if gaps.parked is not None:
        return None
    if card is None and nik is None:
        _nothing_to_ask_by(visit, claims, gaps)
        return None
    subject = ("noka", card) if card is not None else ("nik", nik or "")
    answer = facts.get(Question(QUESTION, subject, service_date))
    if answer is None:
        gaps.need("pcare.menanti_peserta", "")
        return None
    if not isinstance(answer, Known):
        if claims or card is not None:
            gaps.park("pcare.peserta_tidak_ditemukan")
        else:
            gaps.not_applicable("pcare.bukan_peserta")
        return None
    return _read(visit, answer.value, nik, gaps)


def _read(visit: Visit, value: Mapping[str, Any], nik: str | None, gaps: Gaps) -> Peserta | None:
    card, provider = look.text(value, "noKartu"), look.text(value, "kdProviderPst")
    if card is None or provider is None:
        gaps.park("pcare.peserta_tidak_lengkap")
        return None
    active = value.get("aktif")
    here = provider == visit.facility if visit.facility else None
    if active is False:
        gaps.note("pcare.peserta_tidak_aktif")
    if here is False:
        gaps.note("pcare.peserta_tamu")
    said = look.text(value, "nik")
    if said and nik and said != nik:
        gaps.note("pcare.nik_berbeda")
    return Peserta(card, provider, here, active if isinstance(active, bool) else None)


def _payer(visit: Visit, service_date: date, gaps: Gaps) -> bool:
    """Whether a coverage of that day says JKN. A known other payer is a gate, an unknown one is for a person."""
    ours = {word.casefold() for word in visit.settings.penjamin}
    others = {word.casefold() for word in visit.settings.penjamin_lain}
    said = [set(_words(content)) for content in _coverages(visit, service_date)]
    said = [words for words in said if words]
    if any(words & ours for words in said):
        return True
    if any(not words & others for words in said):
        gaps.park("pcare.penjamin_tidak_dikenal")
    elif said:
        gaps.not_applicable("pcare.penjamin_lain")
    return False


def _coverages(visit: Visit, service_date: date) -> Iterator[Content]:
    for _, content in visit.journey.all("Coverage"):
        period = content.get("period")
        start = visit.journey.day(period.get("start")) if isinstance(period, Mapping) else None
        end = visit.journey.day(period.get("end")) if isinstance(period, Mapping) else None
        within = (start is None or start <= service_date) and (end is None or service_date <= end)
        if look.status(content) not in _LAPSED and within:
            yield content


def _words(coverage: Content) -> Iterator[str]:
    """Everything by which a coverage may name its payer, for comparison with the settings."""
    kind = coverage.get("type")
    found = [look.text(kind, "text"), *(word for c in look.codings(kind) for word in (c.code, c.display))]
    for payor in look.at(coverage, "payor"):
        found += [look.text(payor, "display"), look.target(payor, "Organization")]
        found.append(look.text(payor.get("identifier"), "value") if isinstance(payor, Mapping) else None)
    return (word.casefold() for word in found if word)


def _card(visit: Visit, patient: Content, service_date: date, gaps: Gaps) -> str | None:
    """Patient.identifier first, then the coverages of that day. Two different cards are for a person."""
    held = [
        look.text(one, "value")
        for one in look.at(patient, "identifier")
        if look.text(one, "system") in visit.settings.sistem_kartu and look.text(one, "use") != "old"
    ]
    cards = {card for value in held if (card := _digits(value, 13))}
    if not cards:
        ours = {word.casefold() for word in visit.settings.penjamin}
        paying = [one for one in _coverages(visit, service_date) if ours & set(_words(one)) or not set(_words(one))]
        cards = {card for one in paying if (card := _digits(look.text(one, "subscriberId"), 13))}
    if len(cards) > 1:
        gaps.park("pcare.kartu_ganda")
    return min(cards, default=None)


def _nik(visit: Visit, patient: Content) -> str | None:
    return _digits(look.identifier(patient, visit.settings.sistem_nik), 16)


def _nothing_to_ask_by(visit: Visit, claims: bool, gaps: Gaps) -> None:
    if claims:
        gaps.park("pcare.klaim_tanpa_kartu")
        return
    gaps.need("pcare.tanpa_kartu_dan_nik", _WHERE_CARD.format(systems=", ".join(visit.settings.sistem_kartu)))
    gaps.need("pcare.tanpa_kartu_dan_nik", _WHERE_NIK.format(systems=", ".join(visit.settings.sistem_nik)))


def _digits(value: object, length: int) -> str | None:
    text = value.strip() if isinstance(value, str) else ""
    return text if len(text) == length and text.isascii() and text.isdigit() else None
