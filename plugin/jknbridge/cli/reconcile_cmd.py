"""``jknbridge reconcile``: read what the targets show for a day and lay it beside what we hold (DESIGN §4 step 9).

Reads with connections of its own and works while `run` is up. What a reading means is :mod:`jknbridge.reconciling`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

import click

from jknbridge.cli.common import App, Exit, pass_app, person_options, shared_options
from jknbridge.cli.output import Printer

if TYPE_CHECKING:
    from jknbridge.host import Host
    from jknbridge.reconciling import DayReport
    from jknbridge.targets import Instance

_COLUMNS = {
    "facility": "faskes", "target": "tujuan", "day": "tanggal", "same": "sama", "gone": "hilang", "changed": "berubah",
    "foreign": "asing", "undecided": "belum pasti", "hasil": "hasil",
}  # fmt: skip
_WORDS = {"gone": "hilang", "changed": "berubah", "foreign": "asing"}


@click.command("reconcile")
@click.option("--faskes", "facilities", multiple=True, metavar="KODE", help="Hanya faskes ini / only this facility")
@click.option("--tujuan", "targets", multiple=True, metavar="NAMA", help="Hanya tujuan ini / only this target")
@click.option(
    "--tanggal",
    "dates",
    multiple=True,
    type=click.DateTime(["%Y-%m-%d"]),
    help="Tanggal pelayanan / service date, YYYY-MM-DD",
)
@click.option(
    "--hari",
    "many",
    type=click.IntRange(1, 62),
    default=2,
    show_default=True,
    help="Sekian hari terakhir, hari ini termasuk / the last days, today included",
)
@click.option("--isi", "rows", is_flag=True, help="Tampilkan isi baris (data pribadi) / show the rows (personal data)")
@click.option("--lepas", "release", is_flag=True, help="Lepas rem: memang sebanyak itu yang hilang / release the brake")
@person_options
@shared_options
@pass_app
def reconcile(
    app: App,
    facilities: Sequence[str],
    targets: Sequence[str],
    dates: Sequence[datetime],
    many: int,
    rows: bool,
    release: bool,
    who: str | None,
    why: str | None,
) -> int:
    """Cocokkan catatan kami dengan daftar di PCare: yang hilang, berubah, atau diketik tangan.

    Reads what the targets show and lays it beside what we hold. What staff deleted there is noted as gone, its contact
    is retracted, and it is never sent again by itself; what they typed is shown and left alone. Exit code 1: something
    is gone or changed, or a day could not be read.
    """
    with app.host() as host:
        host.check_start()
        chosen = [i for i in host.instances if _asked_for(i, facilities, targets)]
        if not chosen:
            raise click.UsageError("tidak ada faskes atau tujuan itu di konfigurasi / no such facility or target")
        if release:
            _note_release(app, host, who, why, chosen)
        reports = asyncio.run(_round(host, chosen, [one.date() for one in dates], many, release=release))
    app.show({"days": [one.to_json(rows=rows) for one in reports]}, lambda printer: _print(printer, reports, rows=rows))
    return Exit.FINDING if any(map(_wants_a_look, reports)) else Exit.OK


def _wants_a_look(report: DayReport) -> bool:
    """Foreign rows are daily life in a clinic, and a facility in shadow mode is not read by choice."""
    if report.outcome == "skipped":
        return report.reason.code != "rekonsiliasi.mode"
    return report.outcome == "unread" or any(one.outcome != "foreign" for one in report.noted)


def _asked_for(instance: Instance, facilities: Sequence[str], targets: Sequence[str]) -> bool:
    return (not facilities or instance.facility in facilities) and (not targets or instance.target in targets)


async def _round(
    host: Host, chosen: Sequence[Instance], dates: Sequence[date], many: int, *, release: bool
) -> list[DayReport]:
    from jknbridge import reconciling

    now = host.clock.now()
    wanted = [(one, list(dates) or reconciling.days_back(one, now, many)) for one in chosen]
    async with reconciling.own_clients(host) as client_of:
        return await reconciling.reconcile(host, wanted, client_of, release=release)


def _note_release(app: App, host: Host, who: str | None, why: str | None, chosen: Sequence[Instance]) -> None:
    """That so much may go at once is a person's decision."""
    from jknbridge.decisions import audit

    person = app.person(who, why)
    subject = "reconcile " + ", ".join(one.name for one in chosen)
    host.ledger.write_now(lambda c: audit(c, host.clock.now(), person, "release", subject))


def _print(printer: Printer, reports: Sequence[DayReport], *, rows: bool) -> None:
    lines = []
    for one in reports:
        told = "dibaca" if one.outcome == "read" else one.reason.id
        shown = one.counts() if one.outcome != "skipped" else {}
        lines.append({**one.to_json(), **dict.fromkeys(("same", "gone", "changed", "foreign", "undecided"))} | shown)
        lines[-1]["hasil"] = told
    printer.table(lines, _COLUMNS, empty="tidak ada yang dibaca / nothing to read")
    for one in reports:
        if not one.noted:
            continue
        printer.title(f"{one.instance.facility} {one.instance.target} {one.day.isoformat()}")
        for noted in one.noted:
            number = " ".join(noted.values.values())
            key = f"  {noted.key}" if noted.key else ""
            printer.line(f"{_WORDS[noted.outcome]:8} {noted.kind} {number}{key}")
            printer.line(f"         {noted.reason.id}")
            printer.line(f"         {noted.reason.en}")
            if rows and noted.row:
                printer.line(f"         {dict(noted.row)}")
