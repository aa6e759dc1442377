"""``jknbridge migrate``: the ledger's schema, by hand, where `run` may not change it itself."""

from __future__ import annotations

import click

from jknbridge.cli.common import App, pass_app, shared_options


@click.command()
@shared_options
@pass_app
def migrate(app: App) -> None:
    """Buat atau perbarui skema buku besar / create the ledger, or bring its schema up to date.

    Hentikan `run` dahulu / stop `run` first.
    """
    from jknbridge.cli.process_lock import only_worker

    url = app.settings.ledger.url
    with only_worker(url), app.ledger(create=True, migrate=True) as ledger:
        schema = ledger.read_now(lambda c: c.exec_driver_sql("SELECT version_num FROM alembic_version").scalar())
        made = str(ledger.key_made) if ledger.key_made else None
    answer = {"ledger": ledger.id, "schema": schema, "key_made": made}
    app.show(answer, lambda out: out.pairs(answer.items()))
