"""Referral inside a visit (pcare §6.3, §13), the letter (K4, §6.6) and the search for hospitals (S5-S7, §7)."""

from typing import Any, Final

from jknbridge_adapters.bpjs.sandbox import Reply
from jknbridge_adapters.pcare.sandbox import reference
from jknbridge_adapters.pcare.sandbox.context import Context
from jknbridge_adapters.pcare.sandbox.fields import parse_date
from jknbridge_adapters.pcare.sandbox.reference import Row

VERTICAL: Final = "4"


def check_referral(ctx: Context, body: Row, tgl_daftar: str) -> None:
    """Refuses a status 4 whose rujukLanjut is incomplete; with any other status its content is not looked at."""
    if body["kdStatusPulang"] != VERTICAL:
        return
    referral = body["rujukLanjut"] or {}
    sub, special = referral.get("subSpesialis"), referral.get("khusus")
    if (sub is None) == (special is None):
        ctx.refer("rujukLanjut")
    arrived, planned = parse_date(tgl_daftar), parse_date(referral.get("tglEstRujuk"))
    amiss = []
    if planned is None or arrived is None or planned < arrived:
        amiss.append("tglEstRujuk")
    if str(referral.get("kdppk")) not in reference.RUMAH_SAKIT_CODES:
        amiss.append("kdppk")
    if sub is not None and member(sub, "kdSubSpesialis1") not in reference.SUBSPESIALIS_CODES:
        amiss.append("kdSubSpesialis1")
    if special is not None and member(special, "kdKhusus") not in reference.KHUSUS_CODES:
        amiss.append("kdKhusus")
    if _lacks_tacc(ctx, body):
        amiss.append("kdTacc")
    ctx.refer(*amiss)


def _lacks_tacc(ctx: Context, body: Row) -> bool:
    """The first diagnosis decides (pcare §13)."""
    if ctx.options["tacc"] == "ignore" or not reference.DIAGNOSA[body["kdDiag1"]]["nonSpesialis"]:
        return False
    return body["alasanTacc"] not in reference.TACC.get(body["kdTacc"], ())


def member(value: Any, name: str) -> str | None:
    """A text inside a nested object that may not be one."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) else None


def letter(ctx: Context) -> Reply:
    visit = ctx.state.visits.get(ctx.params["noKunjungan"], ctx.as_of)
    if visit is None or visit.facility != ctx.facility.code or visit.body["kdStatusPulang"] != VERTICAL:
        raise ctx.unknown("noKunjungan")
    body, referral = visit.body, visit.body["rujukLanjut"]
    person = ctx.state.participants.get(body["noKartu"], {})
    code = member(referral.get("subSpesialis"), "kdSubSpesialis1") or member(referral.get("khusus"), "kdKhusus")
    place: Row = {"alamat": "Jl. Simulasi No. 1", "telp": None, "fax": None}
    return Reply.ok({
        "noRujukan": visit.no_kunjungan,
        "ppk": {
            "kdPPK": ctx.facility.code, "nmPPK": ctx.facility.name, "alamat": place["alamat"],
            "kc": {
                "kdKC": "9999", "nmKC": "SIMULASI", **place, "dati": {"kdProp": "99", "kdDati": "9999",
                "nmDati": "SIMULASI"},
                "kdKR": {"kdKR": "99", "nmKR": "SIMULASI", **place},
            },
        },
        "tglKunjungan": body["tglDaftar"],
        "poli": {"kdPoli": code, "nmPoli": None},
        "nokaPst": body["noKartu"], "nmPst": person.get("nama"), "tglLahir": person.get("tglLahir"),
        "pisa": "1", "ketPisa": person.get("hubunganKeluarga"), "sex": person.get("sex"),
        **{f"diag{i}": _diagnosis(body[f"kdDiag{i}"]) for i in (1, 2, 3)},
        "catatan": member(referral.get("khusus"), "catatan"),
        "dokter": {"kdDokter": body["kdDokter"], "nmDokter": ctx.facility.doctors.get(body["kdDokter"])},
        "tacc": {
            "kdTacc": body["kdTacc"], "nmTacc": reference.TACC_NAMES[body["kdTacc"]], "alasanTacc": body["alasanTacc"],
        },
        "infoDenda": None,
        "tglEstRujuk": referral["tglEstRujuk"],
        "ppkRujuk": {"kdPPK": referral["kdppk"], "nmPPK": reference.RUMAH_SAKIT_CODES[referral["kdppk"]]},
    })  # fmt: skip


def _diagnosis(code: str | None) -> Row | None:
    row = reference.DIAGNOSA.get(code or "")
    return {"kdDiag": row["kdDiag"], "nmDiag": row["nmDiag"]} if row else None


def hospitals_by_subspecialist(ctx: Context) -> Reply:
    known = ctx.params["kdSub"] in reference.SUBSPESIALIS_CODES
    return ctx.whole(reference.RUMAH_SAKIT if known else ())


def hospitals_for_special(ctx: Context) -> Reply:
    known = ctx.params["kdKhusus"].upper() in reference.KHUSUS_CODES
    return ctx.whole(reference.RUMAH_SAKIT[:2] if known else ())
