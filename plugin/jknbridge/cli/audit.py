"""``jknbridge audit``: who decided what, when and why."""

from __future__ import annotations

import click

from jknbridge.cli.common import App, pass_app, shared_options


@click.command()
@click.option("--banyak", "most", default=50, show_default=True, help="Paling banyak baris / at most")
@shared_options
@pass_app
def audit(app: App, most: int) -> None:
    """Keputusan orang, yang terakhir dahulu / people's decisions, newest first."""
    from jknbridge.cli import reading

    with app.ledger() as ledger:
        rows, total = ledger.read_now(lambda c: reading.audit(c, most))
    columns = {"at": "WAKTU", "who": "SIAPA", "action": "APA", "object": "TENTANG", "why": "ALASAN"}
    app.show({"total": total, "audit": rows}, lambda out: out.table(rows, columns))
