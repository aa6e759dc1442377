"""``jknbridge proposals``: differences that only a person may let through."""

from __future__ import annotations

from typing import Any

import click

from jknbridge.cli.common import App, pass_app, person_options, shared_options
from jknbridge.cli.output import Printer
from jknbridge.cli.submissions import shown


@click.group()
@shared_options
def proposals() -> None:
    """Usulan perubahan yang menunggu keputusan orang / changes that wait for a person."""


@proposals.command("list")
@click.option("--faskes", "facility", help="Kode faskes")
@click.option("--target", help="Tujuan, mis. pcare")
@click.option(
    "--keadaan",
    "state",
    type=click.Choice(["open", "accepted", "refused", "moot", "semua"]),
    default="open",
    show_default=True,
)
@click.option("--banyak", "most", default=100, show_default=True, help="Paling banyak baris / at most")
@shared_options
@pass_app
def list_(app: App, facility: str | None, target: str | None, state: str, most: int) -> None:
    """Daftar usulan / list proposals."""
    from jknbridge.cli import reading

    wanted = {"facility": facility, "target": target, "state": None if state == "semua" else state}
    with app.ledger() as ledger:
        rows, total = ledger.read_now(lambda c: reading.proposals(c, wanted, most))

    def text(out: Printer) -> None:
        out.table([{**row, "why": row["reason"]["id"]} for row in rows], _COLUMNS)
        out.line(f"\n{len(rows)} dari / of {total}")

    app.show({"total": total, "proposals": rows}, text)


_COLUMNS = {
    "id": "ID",
    "action": "APA",
    "facility": "FASKES",
    "kind": "JENIS",
    "key": "KUNCI",
    "service_date": "TANGGAL",
    "submission": "PENGIRIMAN",
    "why": "ALASAN",
}


@proposals.command()
@click.argument("ident", type=int, metavar="ID")
@shared_options
@pass_app
def show(app: App, ident: int) -> None:
    """Satu usulan: apa yang berubah, apa yang ikut, apakah boleh / what changes, what hangs on it, whether it may."""
    from jknbridge import decisions
    from jknbridge.cli import reading
    from jknbridge.difference import changed_fields
    from jknbridge.proposals import cannot_return, chain_of

    with app.host() as host:

        def read(connection: Any) -> dict[str, Any]:
            rows, _ = reading.proposals(connection, {"id": ident}, 1)
            if not rows:
                decisions.refuse_to("putus.tidak_ada", what="usulan", id=ident)
            sheet, row = decisions.sheet_of(connection, host.desk(), rows[0]["submission"])
            desired, accepted = sheet.open(row, "desired_box"), sheet.open(row, "accepted_box")
            fields = changed_fields(desired["payload"], accepted["payload"]) if desired and accepted else []
            chain = []
            for link in chain_of(sheet, row):
                why = cannot_return(sheet, link)
                line = {name: link[name] for name in ("id", "kind", "key", "held", "work", "how")}
                chain.append({**line, "obstacle": why.to_json() if why else None})
            return {**rows[0], "changed_fields": fields, "chain": chain}

        found = host.ledger.read_now(read)
    app.show(found, lambda out: _one(out, found))


def _one(out: Printer, found: dict[str, Any]) -> None:
    out.pairs((name, value) for name, value in found.items() if name not in ("reason", "chain"))
    out.line(f"  – {found['reason']['id']}\n    {found['reason']['en']}")
    out.title("Rangkaian / chain")
    lines = [{**row, "why": (row["obstacle"] or {}).get("id")} for row in found["chain"]]
    columns = {"id": "ID", "kind": "JENIS", "key": "KUNCI", "held": "ADA", "how": "ASAL", "why": "HALANGAN"}
    out.table(lines, columns)


@proposals.command()
@click.argument("idents", type=int, nargs=-1, required=True, metavar="ID…")
@person_options
@shared_options
@pass_app
def accept(app: App, idents: tuple[int, ...], who: str | None, why: str | None) -> None:
    """Terima: perubahan ini dikirim / accept: the change is sent."""
    from jknbridge import proposals as deciding

    person = app.person(who, why)
    with app.host() as host:
        done = host.ledger.write_now(
            lambda c: [one for i in idents for one in deciding.accept(c, host.desk(), host.instances, i, person)]
        )
    shown(app, done)


@proposals.command()
@click.argument("idents", type=int, nargs=-1, required=True, metavar="ID…")
@person_options
@shared_options
@pass_app
def refuse(app: App, idents: tuple[int, ...], who: str | None, why: str | None) -> None:
    """Tolak: yang sudah diterima dibiarkan; keadaan yang sama tidak diusulkan lagi / leave what was accepted."""
    from jknbridge import proposals as deciding

    person = app.person(who, why)
    with app.host() as host:
        done = host.ledger.write_now(lambda c: [deciding.refuse(c, host.desk(), i, person) for i in idents])
    shown(app, done)
