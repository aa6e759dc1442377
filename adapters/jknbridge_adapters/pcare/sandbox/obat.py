"""O1-O4: drugs of a visit (pcare §8). No natural key: an equal line posted twice is there twice."""

import hashlib
import json
from typing import Any

from jknbridge_adapters.bpjs.sandbox import Reply
from jknbridge_adapters.pcare.sandbox import fields
from jknbridge_adapters.pcare.sandbox.context import Context
from jknbridge_adapters.pcare.sandbox.reference import OBAT, Row
from jknbridge_adapters.pcare.sandbox.state import Line


def line_identity(part: str, no_kunjungan: Any, body: Row, given: tuple[str, ...]) -> str:
    """Equal lines of one visit share it; `given` are the fields that PCare fills in."""
    told = {name: value for name, value in body.items() if name not in given and value is not None}
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]
    return f"{part}:{no_kunjungan}|{digest}"


def own_identity(part: str, no_kunjungan: Any, sk: Any) -> str:
    """Names one line by its number, as a delete does."""
    return f"{part}:{no_kunjungan}|#{sk}"


def sk(ctx: Context, number: int) -> int | str:
    return str(number) if ctx.options["sk_type"] == "text" else number


def dpho(ctx: Context) -> Reply:
    wanted = ctx.params["kata"].lower()
    return ctx.page([r for r in OBAT.values() if wanted in r["nmObat"].lower() or wanted == r["kdObat"]], dict)


def add(ctx: Context) -> Reply:
    body = ctx.checked(fields.OBAT)
    visit = ctx.own_visit(body["noKunjungan"])
    if body["obatDPHO"] and body["kdObat"] not in OBAT:
        ctx.refer("kdObat")
    if not body["obatDPHO"] and (body["nmObatNonDPHO"] or "").strip() in ("", "-"):
        ctx.refuse_if([("nmObatNonDPHO", "nmObatNonDPHO harus diisi.")])
    number = ctx.state.count("sk")
    compound = body["kdRacikan"]
    if body["racikan"] and compound is None:
        compound = f"R{ctx.state.count('racikan', visit.no_kunjungan):02}"
    identity = line_identity("obat", visit.no_kunjungan, body, ("kdObatSK", "kdRacikan"))
    own = own_identity("obat", visit.no_kunjungan, number)
    ctx.state.obat.put(
        number, Line(number, visit.no_kunjungan, {**body, "kdRacikan": compound}, identity, own), ctx.now
    )
    ctx.did(identity, visit.no_kunjungan, body, natural=False, kdObatSK=str(number))
    return Reply.created([
        {"field": "kdObatSK", "message": str(number)}, {"field": "kdRacikan", "message": compound},
    ])  # fmt: skip


def delete(ctx: Context) -> Reply:
    """A second delete is refused with the reference text (pcare §22 #5)."""
    number = ctx.params["kdObatSK"]
    line = ctx.state.obat.get(int(number)) if number.isdecimal() else None
    if line is None or line.no_kunjungan != ctx.params["noKunjungan"]:
        raise ctx.unknown("kdObatSK")
    ctx.own_visit(line.no_kunjungan)
    ctx.state.obat.remove(line.sk, ctx.now)
    ctx.did(line.identity, line.no_kunjungan, line.body, natural=False, kdObatSK=str(line.sk))
    return Reply.written()


def of_visit(ctx: Context) -> Reply:
    lines = ctx.state.obat.of(ctx.params["noKunjungan"], ctx.as_of)
    show_lines(ctx, "obat", lines)
    return ctx.whole([_row(ctx, line) for line in lines])


def show_lines(ctx: Context, part: str, lines: list[Line]) -> None:
    names = [name for line in lines for name in (line.identity, line.own)]
    ctx.saw(f"{part}:{ctx.params['noKunjungan']}|", names, 0, len(lines), len(lines))


def _row(ctx: Context, line: Line) -> Row:
    body = line.body
    free = {"kdObat": None, "nmObat": body["nmObatNonDPHO"], "sedia": 0}
    return {
        "kdObatSK": sk(ctx, line.sk),
        "kdRacikan": body["kdRacikan"],
        "obat": OBAT[body["kdObat"]] if body["obatDPHO"] else free,
        "signa1": body["signa1"],
        "signa2": body["signa2"],
        "jmlObat": body["jmlObat"],
        "jmlHari": 0,
        "kekuatan": 0,
        "jmlPermintaan": body["jmlPermintaan"],
        "jmlObatRacikan": 0,
    }
