"""D1-D4: registrations (pcare §5, §14.1, §19). Texts marked [invented] stand where no source recorded one."""

from typing import Final

from jknbridge_adapters.bpjs.sandbox import Reply
from jknbridge_adapters.pcare.sandbox import fields
from jknbridge_adapters.pcare.sandbox.context import DUPLICATE, Context, Refuse
from jknbridge_adapters.pcare.sandbox.fields import Entries, parse_date
from jknbridge_adapters.pcare.sandbox.people import participant
from jknbridge_adapters.pcare.sandbox.peserta import NOT_FOUND, brief
from jknbridge_adapters.pcare.sandbox.reference import TKP, Row
from jknbridge_adapters.pcare.sandbox.state import Registration, pendaftaran_identity

SERVED, WAITING = "Sudah dilayani", "Antri"
FUTURE: Final = "tglDaftar tidak boleh lebih dari tanggal hari ini."  # [invented]
ALREADY_SERVED: Final = "Peserta sudah dilayani, hapus kunjungan terlebih dahulu."  # [invented]
GUEST: Final = "Peserta terdaftar di FKTP lain."  # [invented]

_STRANGER: Final = participant({"noKartu": "0009999999999", "nama": "PESERTA LAIN", "kdProviderPst": "99990003"}, {})


def add(ctx: Context) -> Reply:
    body = ctx.checked(fields.PENDAFTARAN, single=True)
    person = ctx.state.participants.get(body["noKartu"])
    ctx.refuse_if(_person_entries(ctx, body, person), single=True)
    _check_references(ctx, body, person or {})
    day = parse_date(body["tglDaftar"])
    if day is not None and day > ctx.today:
        ctx.refuse_if([("tglDaftar", FUTURE)], single=True)
    registration = Registration(ctx.facility.code, "", body)
    if ctx.state.registrations.get(registration.key) is not None:
        raise Refuse(Reply.refused(("noKartu", DUPLICATE), single=True, code=ctx.options["duplicate_code"]))

    letter = "A"
    if ctx.options["queue_letter"] == "per_poli":
        letter = chr(ord("A") + list(ctx.facility.polis).index(body["kdPoli"]) % 26)
    number = f"{letter}{ctx.state.count('noUrut', ctx.facility.code, body['tglDaftar'], letter)}"
    registration = Registration(ctx.facility.code, number, body)
    ctx.state.registrations.put(registration.key, registration, ctx.now)
    ctx.did(registration.identity, _key(registration), body, noUrut=number)
    entry = {"field": "noUrut", "message": number}
    form = ctx.options["pendaftaran_answer"]
    if form == "notice":
        return Reply.created([{"field": "noKartu", "message": "Peserta aktif"}, entry])
    return Reply.created([entry] if form == "array" else entry)


def _person_entries(ctx: Context, body: Row, person: Row | None) -> Entries:
    if person is None:
        return [("noKartu", NOT_FOUND)]
    home = person["kdProviderPst"]["kdProvider"]
    if body["kdProviderPeserta"] != home:
        return [("kdProviderPeserta", "kdProviderPeserta tidak sesuai dengan referensi sistem")]
    if not person["aktif"] and ctx.options["inactive"] == "refuse":
        return [("noKartu", person["ketAktif"])]
    if home != ctx.facility.code and ctx.options["guests"] == "refuse":
        return [("noKartu", GUEST)]
    return []


def _check_references(ctx: Context, body: Row, person: Row) -> None:
    poli = ctx.facility.polis.get(body["kdPoli"])
    amiss = []
    if poli is None:
        amiss.append("kdPoli")
    elif poli["poliSakit"] != body["kunjSakit"]:
        amiss.append("kunjSakit")
    if body["kdTkp"] not in TKP:
        amiss.append("kdTkp")
    if body["rujukBalik"] not in (0, 1):
        amiss.append("rujukBalik")
    ctx.refer(*amiss, single=True)


def delete(ctx: Context) -> Reply:
    key = (ctx.facility.code, ctx.params["tgl"], ctx.params["noKartu"], ctx.params["kdPoli"])
    registration = ctx.state.registrations.get(key)
    if registration is None or registration.no_urut != ctx.params["noUrut"]:
        return Reply.bodiless(304)
    if ctx.state.visit_of(registration) is not None:
        return Reply.refused(("noKartu", ALREADY_SERVED), single=True)
    ctx.state.registrations.remove(key, ctx.now)
    ctx.did(registration.identity, _key(registration), registration.body, noUrut=registration.no_urut)
    return Reply.written()


def read(ctx: Context) -> Reply:
    rows = ctx.state.registrations.of((ctx.facility.code, ctx.params["tgl"]), ctx.as_of)
    found = next((row for row in rows if row.no_urut == ctx.params["noUrut"]), None)
    if found is None:
        return ctx.nothing()
    ctx.saw(_scope(ctx), [found.identity], 0, 0, len(rows))
    return Reply.ok(_row(ctx, found))


def day_list(ctx: Context) -> Reply:
    rows = ctx.state.registrations.of((ctx.facility.code, ctx.params["tgl"]), ctx.as_of)
    return ctx.page(
        rows,
        lambda row: _row(ctx, row),
        scope=_scope(ctx),
        identities=lambda row: [row.identity],
        stranger=_stranger(ctx),
    )


def _scope(ctx: Context) -> str:
    return pendaftaran_identity(ctx.params["tgl"], "", "").partition("|")[0] + "|"


def _key(registration: Registration) -> str:
    return "|".join((registration.body["noKartu"], registration.body["tglDaftar"], registration.body["kdPoli"]))


def _row(ctx: Context, registration: Registration) -> Row:
    """pcare §5.3. `tgldaftar` has a small d here."""
    body = registration.body
    return {
        "noUrut": registration.no_urut,
        "tgldaftar": body["tglDaftar"],
        "providerPelayanan": ctx.facility.as_provider,
        "peserta": brief(ctx.state.participants.get(body["noKartu"], {"noKartu": body["noKartu"]})),
        "poli": ctx.facility.polis.get(body["kdPoli"], {"kdPoli": body["kdPoli"], "nmPoli": None, "poliSakit": None}),
        "keluhan": body["keluhan"],
        "kunjSakit": body["kunjSakit"],
        "status": SERVED if ctx.state.visit_of(registration, ctx.as_of) else WAITING,
        **{name: body[name] for name in fields.VITALS if name != "lingkarPerut"},
        "tkp": {"kdTkp": body["kdTkp"], "nmTkp": TKP[body["kdTkp"]]},
    }


def _stranger(ctx: Context) -> Row:
    """Somebody else's registration that is there for one page only (`shifting_pages`)."""
    body: Row = {
        "tglDaftar": ctx.params["tgl"], "noKartu": _STRANGER["noKartu"], "kdPoli": "001", "keluhan": None,
        "kunjSakit": True, "kdTkp": "10", **dict.fromkeys(fields.VITALS, 0),
    }  # fmt: skip
    return {**_row(ctx, Registration(ctx.facility.code, "Z1", body)), "peserta": brief(_STRANGER)}
