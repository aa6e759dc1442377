"""``jknbridge reconcile``: what the targets show for a day against what the ledger holds (DESIGN §4 step 9)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import click

from jknbridge.cli.common import App, Exit, finish, pass_app, person_options, shared_options
from jknbridge.cli.output import Printer

if TYPE_CHECKING:
    from jknbridge.host import Host
    from jknbridge.reconciling import DayReport


@click.command()
@click.option("--faskes", "facility", help="Hanya faskes ini / only this facility")
@click.option("--target", help="Hanya tujuan ini / only this target")
@click.option(
    "--hari",
    "days",
    multiple=True,
    type=click.DateTime(["%Y-%m-%d"]),
    help="Tanggal pelayanan, boleh berulang / service date",
)
@click.option("--mundur", "back", type=click.IntRange(1, 62), help="Berapa hari ke belakang / how many days back")
@click.option(
    "--lepas-rem", "release", is_flag=True, help="Simpulkan walau banyak yang hilang / conclude beyond the brake"
)
@click.option("--baris", "rows", is_flag=True, help="Tampilkan baris di tujuan (data pasien) / show the target's rows")
@person_options
@shared_options
@pass_app
def reconcile(
    app: App,
    facility: str | None,
    target: str | None,
    days: tuple[datetime, ...],
    back: int | None,
    release: bool,
    rows: bool,
    who: str | None,
    why: str | None,
) -> None:
    """Cocokkan dengan isi di BPJS; hanya membaca, tidak pernah menambah lagi / compare; only reads, never re-adds.

    Keluar 1 bila ada yang hilang, berubah, asing, tidak terbaca / exits 1 if anything is gone, changed, foreign, unread
    """
    from jknbridge import decisions

    person = app.person(who, why) if release or rows else None
    with app.host() as host:
        host.check_start()  # knows which credentials are closed
        if person is not None:
            now, what = host.clock.now(), "reconcile" + (" lepas-rem" if release else "") + (" baris" if rows else "")
            host.ledger.write_now(lambda c: decisions.audit(c, now, person, what, f"{facility or '*'} {target or '*'}"))
        chosen = [day.date() for day in days]
        reports = asyncio.run(_reconcile(host, facility, target, chosen, back or 1, release))
    answer = {"days": [one.to_json(rows=rows) for one in reports]}
    app.show(answer, lambda out: _print(out, reports))
    found = any(
        one.outcome != "read" or any(one.counts()[n] for n in ("gone", "changed", "foreign")) for one in reports
    )
    if found:
        finish(Exit.FINDING)


async def _reconcile(
    host: Host, facility: str | None, target: str | None, days: Sequence[date], back: int, release: bool
) -> list[DayReport]:
    from jknbridge import reconciling

    wanted = [
        (instance, days or reconciling.days_back(instance, host.clock.now(), back))
        for instance in host.instances
        if facility in (None, instance.facility) and target in (None, instance.target)
    ]
    async with reconciling.own_clients(host) as client_of:
        return await reconciling.reconcile(host, wanted, client_of, release=release)


def _print(out: Printer, reports: Sequence[DayReport]) -> None:
    lines: list[dict[str, Any]] = [
        {"where": one.instance.name, "day": one.day.isoformat(), "outcome": one.outcome, **one.counts()}
        for one in reports
    ]
    columns = {
        "where": "TUJUAN",
        "day": "HARI",
        "outcome": "HASIL",
        "same": "SAMA",
        "gone": "HILANG",
        "changed": "BERUBAH",
    }
    out.table(lines, {**columns, "foreign": "ASING", "undecided": "BELUM JELAS"})
    for one in reports:
        if one.outcome != "read":
            out.line(f"  {one.instance.name} {one.day}: {one.reason.id}")
        for noted in one.noted:
            out.line(f"  {noted.outcome} {noted.kind} {noted.key or ''} – {noted.reason.id}")
