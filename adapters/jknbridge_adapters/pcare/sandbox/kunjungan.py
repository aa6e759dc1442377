"""K1-K5: visits, their history and the referral letter (pcare §6, §13, §14.2, §19)."""

from typing import Any, Final

from jknbridge_adapters.bpjs.sandbox import NOT_REGISTERED, Reply
from jknbridge_adapters.pcare.sandbox import fields, reference
from jknbridge_adapters.pcare.sandbox.context import DUPLICATE, Context, Refuse
from jknbridge_adapters.pcare.sandbox.fields import VITALS, Entries, parse_date
from jknbridge_adapters.pcare.sandbox.reference import Row
from jknbridge_adapters.pcare.sandbox.rujukan import check_referral, member
from jknbridge_adapters.pcare.sandbox.state import Registration, Visit, kunjungan_identity

NEWTONSOFT: Final = "Cannot access child value on Newtonsoft.Json.Linq.JValue."
NOT_YET_REGISTERED: Final = "Belum melakukan pendaftaran pada poli tersebut."
NOT_YET_REGISTERED_TOO: Final = "noKartu, belum melakukan pendaftaran pada poli tersebut."
BAD_DISCHARGE: Final = "tglPulang tidak sesuai."  # [invented]
STILL_FILLED: Final = "noKunjungan masih memiliki data obat, tindakan atau MCU."  # [invented]

_PARTS: Final = (("obat", "kdObatSK"), ("tindakan", "kdTindakanSK"), ("mcu", "kdMCU"))


def add(ctx: Context) -> Reply:
    _check_path(ctx)
    _check_nesting(ctx)
    body = ctx.checked(fields.KUNJUNGAN_ADD)
    registration = _registration(ctx, body)
    if registration is None:
        return Reply.refused(("noKartu", NOT_YET_REGISTERED), ("noKartu", NOT_YET_REGISTERED_TOO))
    if ctx.state.visit_of(registration) is not None:
        raise Refuse(Reply.refused(("noKartu", DUPLICATE), code=ctx.options["duplicate_code"]))
    _check(ctx, body, body["tglDaftar"])
    month_year = body["tglDaftar"][3:5] + body["tglDaftar"][8:]
    sequence = ctx.state.count("noKunjungan", ctx.facility.code, month_year)
    number = f"{ctx.facility.code}{month_year}Y{sequence:06}"
    visit = Visit(ctx.facility.code, number, body, registration.body)
    ctx.state.visits.put(number, visit, ctx.now)
    ctx.did(visit.identity, _key(visit), body, noKunjungan=number)
    entry = {"field": "noKunjungan", "message": number}
    return Reply.created([entry] if ctx.options["kunjungan_answer"] == "array" else entry)


def edit(ctx: Context) -> Reply:
    """Card, day and poli stay what they were, whatever the body says (pcare §22 #12)."""
    _check_path(ctx)
    _check_nesting(ctx)
    visit = ctx.own_visit(ctx.body.get("noKunjungan"))
    body = ctx.checked(fields.KUNJUNGAN_EDIT)
    if body["noKartu"] != visit.body["noKartu"]:
        ctx.refer("noKartu")
    _check(ctx, body, visit.body["tglDaftar"])
    kept = {name: visit.body[name] for name in ("noKartu", "tglDaftar", "kdPoli")}
    edited = Visit(visit.facility, visit.no_kunjungan, {**body, **kept}, visit.registration)
    ctx.state.visits.put(visit.no_kunjungan, edited, ctx.now)
    ctx.did(edited.identity, _key(edited), edited.body, noKunjungan=visit.no_kunjungan)
    return Reply.written()


def delete(ctx: Context) -> Reply:
    visit = ctx.own_visit(ctx.params["noKunjungan"])
    for part, sk_name in _PARTS:
        rows = getattr(ctx.state, part)
        lines = rows.of(visit.no_kunjungan)
        if lines and ctx.options["filled_visit_delete"] == "refuse":
            return Reply.refused(("noKunjungan", STILL_FILLED))
        for line in lines:
            rows.remove(line.sk, ctx.now)
            receipt = {sk_name: str(line.sk)}
            ctx.did(line.identity, line.no_kunjungan, line.body, natural=False, operation=f"{part}.delete", **receipt)
    ctx.state.visits.remove(visit.no_kunjungan, ctx.now)
    ctx.did(visit.identity, _key(visit), visit.body, noKunjungan=visit.no_kunjungan)
    return Reply.written()


def history(ctx: Context) -> Reply:
    card = ctx.params["noKartu"]
    visits = [
        visit
        for visit in reversed(ctx.state.visits.of(card, ctx.as_of))
        if ctx.options["history"] == "all" or visit.facility == ctx.facility.code
    ]
    own = [visit.identity for visit in visits if visit.facility == ctx.facility.code]
    ctx.saw(kunjungan_identity(card, "", "").partition("|")[0] + "|", own, 0, len(own), len(own))
    return ctx.whole([_row(ctx, visit) for visit in visits])


def _check_path(ctx: Context) -> None:
    """One of the two paths may not be "registered" (pcare §6.1)."""
    here = "v1" if ctx.params.get("v1") else "plain"
    if ctx.options["kunjungan_path"] not in ("both", here):
        raise Refuse(Reply(404, NOT_REGISTERED))


def _check_nesting(ctx: Context) -> None:
    referral = ctx.body.get("rujukLanjut")
    parts = [referral, *(referral.values() if isinstance(referral, dict) else ())]
    if isinstance(referral, str) or (isinstance(referral, dict) and any(part == "" for part in parts)):
        raise Refuse(Reply(500, NEWTONSOFT, []))


def _registration(ctx: Context, body: Row) -> Registration | None:
    key = (ctx.facility.code, body["tglDaftar"], body["noKartu"], body["kdPoli"])
    return ctx.state.registrations.get(key)


def _check(ctx: Context, body: Row, tgl_daftar: str) -> None:
    ctx.refer(*_unknown_codes(ctx, body))
    arrived, left = parse_date(tgl_daftar), parse_date(body["tglPulang"])
    entries: Entries = []
    if arrived is None or left is None or not arrived <= left <= ctx.today:
        entries.append(("tglPulang", BAD_DISCHARGE))
    if ctx.options["zero_vitals"] == "refuse":
        entries += [(name, f"{name} tidak sesuai.") for name in VITALS if not body[name]]
    ctx.refuse_if(entries)
    check_referral(ctx, body, tgl_daftar)


def _unknown_codes(ctx: Context, body: Row) -> list[str]:
    allergies = {jenis: {row["kdAlergi"] for row in rows} for jenis, rows in reference.ALERGI.items()}
    diagnoses = reference.DIAGNOSA.keys()
    internal = body["kdPoliRujukInternal"]
    known = {
        "kdSadar": body["kdSadar"] in {row["kdSadar"] for row in reference.KESADARAN},
        "kdStatusPulang": body["kdStatusPulang"] in reference.STATUS_PULANG,
        "kdDokter": body["kdDokter"] in ctx.facility.doctors,
        "kdDiag1": body["kdDiag1"] in diagnoses,
        "kdDiag2": body["kdDiag2"] is None or body["kdDiag2"] in diagnoses,
        "kdDiag3": body["kdDiag3"] is None or body["kdDiag3"] in diagnoses,
        "kdPoliRujukInternal": internal is None or internal in ctx.facility.polis,
        "alergiMakan": body["alergiMakan"] in allergies["01"],
        "alergiUdara": body["alergiUdara"] in allergies["02"],
        "alergiObat": body["alergiObat"] in allergies["03"],
        "kdPrognosa": body["kdPrognosa"] in {row["kdPrognosa"] for row in reference.PROGNOSA},
        "kdTacc": body["kdTacc"] in reference.TACC_NAMES,
    }
    return [name for name, fits in known.items() if not fits]


def _key(visit: Visit) -> str:
    return "|".join((visit.body["noKartu"], visit.body["tglDaftar"], visit.body["kdPoli"]))


def _row(ctx: Context, visit: Visit) -> Row:
    """pcare §6.7."""
    body, provider = visit.body, ctx.state.facilities[visit.facility]
    person = ctx.state.participants.get(body["noKartu"], {})
    referral = body["rujukLanjut"] or {}
    destination = member(referral, "kdppk")
    return {
        "noKunjungan": visit.no_kunjungan,
        "tglKunjungan": body["tglDaftar"],
        "providerPelayanan": provider.as_provider,
        "peserta": {
            **dict.fromkeys(person), "noKartu": body["noKartu"],
            **{name: person.get(name) for name in ("nama", "sex", "tglLahir")},
        },
        "poli": provider.polis.get(body["kdPoli"]),
        "progProlanis": {"kdProgram": None, "nmProgram": None},
        "keluhan": body["keluhan"],
        **{f"diagnosa{i}": _diagnosis(body[f"kdDiag{i}"]) for i in (1, 2, 3)},
        "kesadaran": next(row for row in reference.KESADARAN if row["kdSadar"] == body["kdSadar"]),
        **{name: body[name] for name in VITALS if name != "lingkarPerut"},
        "catatan": member(referral.get("khusus"), "catatan"),
        "pemFisikLain": None,
        "rujukBalik": visit.registration["rujukBalik"],
        "providerAsalRujuk": {"kdProvider": None, "nmProvider": None},
        "providerRujukLanjut": {"kdProvider": destination,
        "nmProvider": reference.RUMAH_SAKIT_CODES.get(destination or "")},
        "dokter": {"kdDokter": body["kdDokter"], "nmDokter": provider.doctors.get(body["kdDokter"])},
        "statusPulang": {
            "kdStatusPulang": body["kdStatusPulang"], "nmStatusPulang": reference.STATUS_PULANG[body["kdStatusPulang"]],
        },
        "tkp": {"kdTkp": visit.registration["kdTkp"], "nmTkp": reference.TKP[visit.registration["kdTkp"]]},
        "poliRujukInternal": {"kdPoli": body["kdPoliRujukInternal"], "nmPoli": None},
        "poliRujukLanjut": {"kdPoli": None, "nmPoli": None},
        "tglPulang": body["tglPulang"],
    }  # fmt: skip


def _diagnosis(code: Any) -> Row:
    """All members null instead of a null object (bpjs-auth §11 #14)."""
    return reference.DIAGNOSA.get(code) or {"kdDiag": None, "nmDiag": None, "nonSpesialis": None}
