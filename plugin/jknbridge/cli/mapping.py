"""``jknbridge mapping``: local codes to the targets', and the work list of those that have none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jknbridge.cli.common import App, pass_app, person_options, shared_options
from jknbridge.cli.output import Printer, age

if TYPE_CHECKING:
    from jknbridge.mappings import Applied, Line

_REVISE = "Perbaiki juga yang sudah diterima dengan kode lain / revise what was accepted under another code"


@click.group()
@shared_options
def mapping() -> None:
    """Pemetaan kode lokal ke kode BPJS / local codes to the targets'."""


@mapping.command("list")
@click.option("--faskes", "facility", help="Kode faskes, atau * untuk semua")
@click.option("--daftar", "list_", help="Daftar kode, mis. pcare.poli")
@shared_options
@pass_app
def list_command(app: App, facility: str | None, list_: str | None) -> None:
    """Daftar kerja (belum dipetakan) dan pemetaan yang ada / the work list, and what is mapped."""
    from jknbridge import mappings

    with app.ledger() as ledger:
        work = ledger.read_now(lambda c: mappings.work_list(c, facility=facility, list_=list_))
        known = ledger.read_now(lambda c: mappings.mapped(c, facility=facility, list_=list_))
    now = app.now()
    lines = [{**row, "age": age(now - row["first_seen"])} for row in work]
    rows = [_line(line) for line in known]

    def text(out: Printer) -> None:
        out.title("Belum dipetakan / work list")
        out.table(lines, {**_COLUMNS, "display": "KETERANGAN", "waiting": "MENUNGGU", "age": "SEJAK"})
        out.title("Pemetaan / mappings")
        out.table(rows, {**_COLUMNS, "code": "KODE"})

    app.show({"work_list": work, "mappings": rows}, text)


_COLUMNS = {"facility": "FASKES", "list": "DAFTAR", "local": "LOKAL"}


def _line(line: Line) -> dict[str, Any]:
    return {"facility": line.facility, "list": line.list, "local": line.local, "code": line.code}


@mapping.command("set")
@click.argument("list_", metavar="DAFTAR")
@click.argument("local", metavar="LOKAL")
@click.argument("code", metavar="KODE")
@click.option("--faskes", "facility", default="*", show_default=True, help="Kode faskes, atau * untuk semua")
@click.option("--revise", is_flag=True, help=_REVISE)
@person_options
@shared_options
@pass_app
def set_command(
    app: App, list_: str, local: str, code: str, facility: str, revise: bool, who: str | None, why: str | None
) -> None:
    """Petakan satu kode; yang menunggu dilepas / map one code and release what waited.

    Contoh / example: jknbridge mapping set pcare.poli Location/umum 001 --faskes 99990001
    """
    from jknbridge.mappings import Line

    _apply(app, [Line(facility, list_, local, code)], revise, who, why)


@mapping.command("remove")
@click.argument("list_", metavar="DAFTAR")
@click.argument("local", metavar="LOKAL")
@click.option("--faskes", "facility", default="*", show_default=True, help="Kode faskes, atau * untuk semua")
@person_options
@shared_options
@pass_app
def remove_command(app: App, list_: str, local: str, facility: str, who: str | None, why: str | None) -> None:
    """Hapus satu pemetaan; yang sudah diterima dibiarkan / remove one; what was accepted stays."""
    from jknbridge import mappings
    from jknbridge.decisions import refuse_to

    person = app.person(who, why)
    with app.host() as host:
        gone = host.ledger.write_now(lambda c: mappings.remove(c, host.desk(), facility, list_, local, person))
    if not gone:
        refuse_to("putus.tidak_ada", what="pemetaan", id=f"{facility} {list_} {local}")
    app.show({"removed": 1}, "dihapus / removed")


@mapping.command("import")
@click.argument("file", type=click.File("r", encoding="utf-8-sig"), metavar="FILE.csv")
@click.option("--revise", is_flag=True, help=_REVISE)
@person_options
@shared_options
@pass_app
def import_command(app: App, file: Any, revise: bool, who: str | None, why: str | None) -> None:
    """Baca CSV: faskes,daftar,lokal,kode; baris tanpa kode dilewati / rows without a code are skipped."""
    from jknbridge.mappings import from_csv

    _apply(app, from_csv(file.read()), revise, who, why)


@mapping.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), default="-", metavar="[FILE]")
@click.option("--kerja", "only_work", is_flag=True, help="Hanya yang belum dipetakan / only the work list")
@click.option("--faskes", "facility", help="Kode faskes")
@shared_options
@pass_app
def export_command(app: App, file: Path, only_work: bool, facility: str | None) -> None:
    """Tulis CSV: daftar kerja dahulu (kode kosong, untuk diisi), lalu pemetaan / the work list first, to fill in."""
    from jknbridge import mappings

    with app.ledger() as ledger:
        work = ledger.read_now(lambda c: mappings.work_list(c, facility=facility))
        known = [] if only_work else ledger.read_now(lambda c: mappings.mapped(c, facility=facility))
    lines = [mappings.Line(w["facility"], w["list"], w["local"], "", w["display"]) for w in work] + known
    if app.as_json:
        app.show({"mappings": [{**_line(line), "display": line.display} for line in lines]}, "")
    elif str(file) == "-":
        click.echo(mappings.to_csv(lines), nl=False)
    else:
        file.write_text(mappings.to_csv(lines), encoding="utf-8-sig")
        click.echo(f"{len(lines)} baris / lines → {file}", err=True)


def _apply(app: App, lines: list[Line], revise: bool, who: str | None, why: str | None) -> None:
    from jknbridge import mappings

    person = app.person(who, why)
    with app.host(create=True) as host:
        done = host.ledger.write_now(lambda c: mappings.put(c, host.desk(), lines, person, revise=revise))
    app.show(_applied(done), lambda out: _print_applied(out, done))


def _applied(done: Applied) -> dict[str, Any]:
    return {
        "written": done.written,
        "unchanged": done.unchanged,
        "skipped": done.skipped,
        "released": [one.submission for one in done.released],
        "revised": [one.submission for one in done.revised],
        "nobody_asked": [_line(line) for line in done.unasked],
    }


def _print_applied(out: Printer, done: Applied) -> None:
    out.pairs(
        [
            ("ditulis / written", done.written),
            ("tetap / unchanged", done.unchanged),
            ("tanpa kode, dilewati / skipped", done.skipped),
            ("pengiriman dilepas / released", len(done.released)),
            ("pengiriman diperbaiki / revised", len(done.revised)),
        ]
    )
    for line in done.unasked:
        out.line(f"  belum ada yang menunggu / nobody waits yet for: {line.facility} {line.list} {line.local}")
