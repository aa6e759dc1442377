"""T1-T5 tindakan and M1-M4 MCU of a visit (pcare §9, §10). Like obat without natural key, but with PUT."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from jknbridge.sandbox.rows import Rows
from jknbridge_adapters.bpjs.sandbox import Reply
from jknbridge_adapters.pcare.sandbox import fields
from jknbridge_adapters.pcare.sandbox.context import Context
from jknbridge_adapters.pcare.sandbox.fields import Field
from jknbridge_adapters.pcare.sandbox.obat import line_identity, own_identity, show_lines, sk
from jknbridge_adapters.pcare.sandbox.reference import TINDAKAN, TKP, Row
from jknbridge_adapters.pcare.sandbox.state import Line, State


@dataclass(frozen=True, slots=True)
class Part:
    """What tindakan and MCU differ in."""

    name: str
    sk_name: str
    fields: tuple[Field, ...]
    rows: Callable[[State], Rows[int, Line]]
    unknown: Callable[[Context, Row], list[str]]
    row: Callable[[Row], Row]

    def add(self, ctx: Context) -> Reply:
        body = self._checked(ctx)
        number = ctx.state.count("sk")
        self._put(ctx, number, body)
        return Reply.created({"field": self.sk_name, "message": str(number)})

    def edit(self, ctx: Context) -> Reply:
        body = self._checked(ctx)
        self._put(ctx, self._line(ctx, str(body[self.sk_name]), body["noKunjungan"]).sk, body)
        return Reply.written()

    def delete(self, ctx: Context) -> Reply:
        line = self._line(ctx, ctx.params["sk"], ctx.params["noKunjungan"])
        ctx.own_visit(line.no_kunjungan)
        self.rows(ctx.state).remove(line.sk, ctx.now)
        self._did(ctx, line)
        return Reply.written()

    def of_visit(self, ctx: Context) -> Reply:
        lines = self.rows(ctx.state).of(ctx.params["noKunjungan"], ctx.as_of)
        show_lines(ctx, self.name, lines)
        return ctx.whole([{**self.row(line.body), self.sk_name: sk(ctx, line.sk)} for line in lines])

    def _checked(self, ctx: Context) -> Row:
        body = ctx.checked(self.fields)
        ctx.own_visit(body["noKunjungan"])
        ctx.refer(*self.unknown(ctx, body))
        return body

    def _line(self, ctx: Context, number: str, no_kunjungan: str) -> Line:
        line = self.rows(ctx.state).get(int(number)) if number.isdecimal() else None
        if line is None or line.no_kunjungan != no_kunjungan:
            raise ctx.unknown(self.sk_name)
        return line

    def _put(self, ctx: Context, number: int, body: Row) -> None:
        no_kunjungan = body["noKunjungan"]
        identity = line_identity(self.name, no_kunjungan, body, (self.sk_name,))
        line = Line(number, no_kunjungan, body, identity, own_identity(self.name, no_kunjungan, number))
        self.rows(ctx.state).put(number, line, ctx.now)
        self._did(ctx, line)

    def _did(self, ctx: Context, line: Line) -> None:
        ctx.did(line.identity, line.no_kunjungan, line.body, natural=False, **{self.sk_name: str(line.sk)})


def _unknown_tindakan(ctx: Context, body: Row) -> list[str]:
    row = TINDAKAN.get(body["kdTindakan"])
    if row is None:
        return ["kdTindakan"]
    return ["biaya"] if body["biaya"] > row["maxTarif"] else []


def _unknown_mcu(ctx: Context, body: Row) -> list[str]:
    return [] if body["kdProvider"] == ctx.facility.code else ["kdProvider"]


TINDAKAN_PART: Final = Part(
    "tindakan", "kdTindakanSK", fields.TINDAKAN, lambda state: state.tindakan, _unknown_tindakan,
    lambda body: {**body, "nmTindakan": TINDAKAN[body["kdTindakan"]]["nmTindakan"]},
)  # fmt: skip
MCU_PART: Final = Part("mcu", "kdMCU", fields.MCU, lambda state: state.mcu, _unknown_mcu, dict)


def tindakan_reference(ctx: Context) -> Reply:
    kd_tkp = ctx.params["kdTkp"]
    rows = [row for row in TINDAKAN.values() if row["kdTkp"] == kd_tkp] if kd_tkp in TKP else []
    return ctx.page(rows, lambda row: {name: value for name, value in row.items() if name != "kdTkp"})
