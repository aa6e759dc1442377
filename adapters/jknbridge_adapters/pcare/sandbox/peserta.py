"""P1, P2: a participant by card or NIK (pcare §4)."""

from jknbridge_adapters.bpjs.sandbox import Reply
from jknbridge_adapters.pcare.sandbox.context import Context
from jknbridge_adapters.pcare.sandbox.reference import Row

NOT_FOUND = "noKartu peserta tidak ditemukan"


def read(ctx: Context) -> Reply:
    by_nik = str(ctx.params.get("jenis", "noka")).lower() == "nik"
    number = ctx.params["nomor"]
    if len(number) != (16 if by_nik else 13) or not number.isdecimal():
        return Reply.refused(("nik" if by_nik else "noKartu", NOT_FOUND))
    row = (ctx.state.by_nik if by_nik else ctx.state.participants).get(number)
    if row is not None:
        return Reply.ok(row)
    form = ctx.options["unknown_peserta"]
    if form == "412":
        return Reply.refused(("noKartu", NOT_FOUND))
    return Reply.bodiless(204) if form == "204" else Reply.ok(None)


def brief(row: Row) -> Row:
    """The participant as the registration list shows it (pcare §5.3): without Prolanis, PRB and arrears."""
    return {name: value for name, value in row.items() if name not in ("pstProl", "pstPrb", "tunggakan")}
