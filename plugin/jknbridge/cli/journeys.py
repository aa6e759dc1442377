"""``jknbridge journeys``: visits with what each came to at each target."""

from __future__ import annotations

from typing import Any

import click

from jknbridge.cli.common import App, pass_app, person_options, shared_options
from jknbridge.cli.output import Printer
from jknbridge.cli.submissions import shown


@click.group()
@shared_options
def journeys() -> None:
    """Kunjungan dan hasilnya di tiap tujuan / visits and what each came to."""


@journeys.command("list")
@click.option("--faskes", "facility", help="Kode faskes")
@click.option("--hari", "day", metavar="YYYY-MM-DD", help="Tanggal pelayanan / service date")
@click.option("--sumber", "source", help="Nama sumber / source")
@click.option(
    "--keadaan",
    "state",
    type=click.Choice(["submissions", "not_applicable", "galat", "silent"]),
    help="Hasil di suatu tujuan / what it came to",
)
@click.option("--banyak", "most", default=100, show_default=True, help="Paling banyak baris / at most")
@shared_options
@pass_app
def list_(app: App, facility: str | None, day: str | None, source: str | None, state: str | None, most: int) -> None:
    """Daftar kunjungan, yang terakhir berubah dahulu / newest change first."""
    from jknbridge.cli import reading

    wanted = {"facility": facility, "service_date": day, "source": source, "state": state}
    with app.ledger() as ledger:
        rows, total = ledger.read_now(lambda c: reading.journeys(c, wanted, most))

    def text(out: Printer) -> None:
        lines = [{**row, "targets": {t["target"]: t["state"] for t in row["targets"]}} for row in rows]
        out.table(lines, _COLUMNS)
        out.line(f"\n{len(rows)} dari / of {total}")

    app.show({"total": total, "journeys": rows}, text)


_COLUMNS = {
    "id": "ID",
    "source": "SUMBER",
    "anchor": "KUNJUNGAN",
    "facility": "FASKES",
    "service_date": "TANGGAL",
    "targets": "HASIL",
    "submissions": "PENGIRIMAN",
}


@journeys.command()
@click.argument("name", metavar="ID|Encounter/…")
@shared_options
@pass_app
def show(app: App, name: str) -> None:
    """Satu kunjungan dengan pengiriman dan pertanyaannya / one visit with its submissions and facts."""
    from jknbridge.cli import reading

    with app.ledger() as ledger:
        found = ledger.read_now(lambda c: reading.journey(c, reading.journey_id(c, name)))
    app.show(found, lambda out: _one(out, found))


def _one(out: Printer, found: dict[str, Any]) -> None:
    out.pairs((name, value) for name, value in found.items() if name not in ("targets", "submissions", "facts"))
    out.title("Tujuan / targets")
    lines = [{**row, "why": (row["reason"] or {}).get("id")} for row in found["targets"]]
    out.table(lines, {"target": "TUJUAN", "state": "HASIL", "why": "ALASAN"})
    out.title("Pengiriman / submissions")
    lines = [{**row, "why": (row["reason"] or {}).get("id")} for row in found["submissions"]]
    out.table(lines, {"id": "ID", "kind": "JENIS", "key": "KUNCI", "held": "ADA", "work": "PEKERJAAN", "why": "ALASAN"})
    out.title("Pertanyaan / facts")
    lines = [{**row, "why": (row["reason"] or {}).get("id")} for row in found["facts"]]
    out.table(lines, {"kind": "JENIS", "as_of": "PER", "state": "STATUS", "tries": "×", "why": "ALASAN"})


@journeys.command()
@click.argument("name", metavar="ID|Encounter/…")
@person_options
@shared_options
@pass_app
def retry(app: App, name: str, who: str | None, why: str | None) -> None:
    """Terjemahkan lagi, tanyakan lagi, coba lagi yang boleh / translate, ask and try again what may be."""
    from jknbridge import decisions
    from jknbridge.cli import reading

    person = app.person(who, why)
    with app.host() as host:
        ident = host.ledger.read_now(lambda c: reading.journey_id(c, name))
        done = host.ledger.write_now(lambda c: decisions.retry_journey(c, host.desk(), ident, person))
    shown(app, done)
