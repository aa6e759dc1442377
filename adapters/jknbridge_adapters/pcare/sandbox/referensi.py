"""R1-R8, S1-S4: the reference lists (pcare §7)."""

from jknbridge_adapters.bpjs.sandbox import Reply
from jknbridge_adapters.pcare.sandbox import reference
from jknbridge_adapters.pcare.sandbox.context import Context


def diagnosa(ctx: Context) -> Reply:
    """By code or by name; a code matches from its start."""
    wanted = ctx.params["kata"].lower()
    rows = reference.DIAGNOSA.values()
    return ctx.page(
        [row for row in rows if row["kdDiag"].lower().startswith(wanted) or wanted in row["nmDiag"].lower()], dict
    )


def dokter(ctx: Context) -> Reply:
    doctors = ctx.facility.doctors.items()
    return ctx.page([{"kdDokter": code, "nmDokter": name} for code, name in doctors], dict)


def kesadaran(ctx: Context) -> Reply:
    return ctx.whole(reference.KESADARAN)


def poli(ctx: Context) -> Reply:
    return ctx.page(list(ctx.facility.polis.values()), dict)


def provider(ctx: Context) -> Reply:
    return ctx.page([facility.as_provider for facility in ctx.state.facilities.values()], dict)


def status_pulang(ctx: Context) -> Reply:
    inpatient = ctx.params["rawatInap"].lower() == "true"
    codes = reference.STATUS_PULANG if inpatient else reference.RAWAT_JALAN
    return ctx.whole([{"kdStatusPulang": code, "nmStatusPulang": reference.STATUS_PULANG[code]} for code in codes])


def alergi(ctx: Context) -> Reply:
    return ctx.whole(reference.ALERGI.get(ctx.params["jenis"], []))


def prognosa(ctx: Context) -> Reply:
    return ctx.whole(reference.PROGNOSA)


def spesialis(ctx: Context) -> Reply:
    return ctx.whole(reference.SPESIALIS)


def subspesialis(ctx: Context) -> Reply:
    return ctx.whole(reference.SUBSPESIALIS.get(ctx.params["kdSpesialis"].upper(), []))


def sarana(ctx: Context) -> Reply:
    return ctx.whole(reference.SARANA)


def khusus(ctx: Context) -> Reply:
    return ctx.whole(reference.KHUSUS)
