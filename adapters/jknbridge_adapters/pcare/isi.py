"""The payloads of registration and visit, field by field in BPJS's names (pcare §5.1, §6.2).

``Code`` and ``Ref`` stand where the facility's mapping or another submission's receipt comes in. What is missing
goes to ``gaps``; ``docs/pcare.md`` lists where each field is looked for.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from jknbridge.fhir import look
from jknbridge.verdicts import Code
from jknbridge_adapters.pcare import alergi, diagnosa, kode, teks, vitals
from jknbridge_adapters.pcare.gaps import Gaps
from jknbridge_adapters.pcare.layanan import Service
from jknbridge_adapters.pcare.peserta import Peserta
from jknbridge_adapters.pcare.visit import Visit, latest_first

KD_TKP_RAWAT_JALAN = "10"
NO_TACC = -1
_REFERRAL = "3457005"  # SNOMED Patient referral, SATUSEHAT's ServiceRequest.category
_FOLLOW_UP = "185389009"  # SNOMED Follow-up visit: coming back here is no referral
_REFERRED_OUT = frozenset({"other-hcf", "hosp"})  # HL7 discharge-disposition: another facility, hospital
_NOT_ORDERED = frozenset({"draft", "on-hold", "revoked", "entered-in-error", "unknown"})
_ATTENDING = ("ATND", "PPRF")


def tanggal(day: date) -> str:
    """dd-MM-yyyy, everywhere (pcare §1)."""
    return day.strftime("%d-%m-%Y")


def poli(visit: Visit, service: Service, gaps: Gaps) -> Code | None:
    """By location, else by service type; a healthy visit by its service kind, because a healthy poli is another list
    entry than the sick poli of the same room (kontak §2: ``poliSakit``)."""
    if service.jenis is not None:
        return Code("pcare.poli", f"kbk-jenis-layanan|{service.jenis}", service.contact)
    places = [one for one in look.at(visit.encounter, "location") if isinstance(one, dict)]
    for place in reversed(places):
        reference = place.get("location")
        if name := look.target(reference, "Location"):
            return Code("pcare.poli", name, look.text(reference, "display"))
    coding = kode.preferred(look.codings(visit.encounter.get("serviceType")))
    if coding is not None:
        return Code("pcare.poli", kode.local(coding), coding.display)
    gaps.missing("kdPoli", "Encounter.location.location, or Encounter.serviceType")
    return None


def pendaftaran(visit: Visit, service: Service, peserta: Peserta, service_date: date, gaps: Gaps) -> dict[str, Any]:
    """D1. The registration of a sick visit says "not measured" (0) and no complaint, whenever it is made: the visit
    carries both, and a registration cannot be corrected. A healthy visit has nothing else, so it says what is known."""
    return {
        "kdProviderPeserta": peserta.provider,
        "tglDaftar": tanggal(service_date),
        "noKartu": peserta.card,
        "kdPoli": poli(visit, service, gaps),
        "keluhan": None if service.sick else teks.keluhan_if_known(visit),
        "kunjSakit": service.sick,
        **(vitals.unmeasured() if service.sick else vitals.known(visit)),
        "rujukBalik": 0,
        "kdTkp": KD_TKP_RAWAT_JALAN if service.sick else visit.settings.kd_tkp_sehat,
    }


def kunjungan(
    visit: Visit, service: Service, peserta: Peserta, service_date: date, drugs: list[str], gaps: Gaps
) -> dict[str, Any]:
    """K1/K2, without ``noKunjungan`` (compose adds it)."""
    found = diagnosa.diagnoses(visit, gaps)
    codes = [one.code for one in found] + [None, None, None]
    return {
        "noKartu": peserta.card,
        "tglDaftar": tanggal(service_date),
        "kdPoli": poli(visit, service, gaps),
        "keluhan": teks.keluhan(visit, gaps),
        "kdSadar": vitals.consciousness(visit, gaps),
        **vitals.measured(visit, gaps),
        "kdStatusPulang": status_pulang(visit, gaps),
        "tglPulang": _tanggal_pulang(visit, service_date, gaps),
        "kdDokter": dokter(visit, gaps),
        "kdDiag1": codes[0],
        "kdDiag2": codes[1],
        "kdDiag3": codes[2],
        "kdPoliRujukInternal": None,
        "rujukLanjut": None,
        "kdTacc": NO_TACC,
        "alasanTacc": None,
        "anamnesa": teks.anamnesa(visit, gaps),
        **alergi.allergies(visit, gaps),
        "kdPrognosa": prognosa(visit, found[0] if found else None),
        "terapiObat": teks.terapi_obat(drugs, gaps),
        "terapiNonObat": teks.terapi_non_obat(visit, gaps),
        "bmhp": teks.bmhp(visit, gaps),
    }


def dokter(visit: Visit, gaps: Gaps) -> Code | None:
    """Encounter.participant: the attender, else the primary performer, else the first practitioner."""
    people = [one for one in look.at(visit.encounter, "participant") if isinstance(one, dict)]
    roles = [{coding.code for coding in look.codings(one.get("type"))} for one in people]
    order = [i for role in _ATTENDING for i in range(len(people)) if role in roles[i]] + list(range(len(people)))
    for index in order:
        reference = people[index].get("individual")
        name = look.target(reference, "Practitioner", "PractitionerRole")
        if name is not None and name.startswith("Practitioner"):
            return Code("pcare.dokter", name, look.text(reference, "display"))
    gaps.missing("kdDokter", "Encounter.participant.individual (ATND)")
    return None


def status_pulang(visit: Visit, gaps: Gaps) -> str | Code | None:
    """Encounter.hospitalization.dischargeDisposition by mapping. A referral is parked, never sent as something else."""
    stay = visit.encounter.get("hospitalization")
    codings = look.codings(stay.get("dischargeDisposition")) if isinstance(stay, dict) else []
    if _is_referral(visit) or any(coding.code in _REFERRED_OUT for coding in codings):
        gaps.park("pcare.rujukan_belum")
        return None
    if codings:
        return kode.code("pcare.status_pulang", codings[0])
    if visit.settings.status_pulang_rawat_jalan is not None:
        gaps.note("pcare.status_pulang_pengaturan")
        return visit.settings.status_pulang_rawat_jalan
    gaps.missing("kdStatusPulang", "Encounter.hospitalization.dischargeDisposition")
    return None


def prognosa(visit: Visit, main: diagnosa.Diagnosis | None) -> Code | None:
    """What was recorded, else the facility's mapping by main diagnosis (§22 #10: no default)."""
    impressions = latest_first(visit, visit.mine("ClinicalImpression"), "effectiveDateTime", "effectivePeriod", "date")
    for impression in impressions:
        if coding := kode.preferred(look.codings(impression.get("prognosisCodeableConcept")), kode.SNOMED):
            return kode.code("pcare.prognosa", coding)
    return Code("pcare.prognosa", f"icd10|{main.code}", main.display) if main is not None else None


def _tanggal_pulang(visit: Visit, service_date: date, gaps: Gaps) -> str | None:
    day = visit.end_date
    if day is None:
        gaps.missing("tglPulang", "Encounter.period.end, or statusHistory finished")
        return None
    if day < service_date:
        gaps.park("pcare.pulang_sebelum_datang")
    return tanggal(day)


def _is_referral(visit: Visit) -> bool:
    for _, request in visit.mine("ServiceRequest"):
        categories = {coding.code for coding in look.codings(request.get("category"))}
        codes = {coding.code for coding in look.codings(request.get("code"))}
        living = look.status(request) not in _NOT_ORDERED
        if _REFERRAL in categories and _FOLLOW_UP not in codes and living:
            return True
    return False
