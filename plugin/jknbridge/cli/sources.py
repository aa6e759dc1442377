"""``jknbridge sources``: where reading goes on, and the answer when a source stopped and asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from jknbridge.cli.common import App, pass_app, person_options, shared_options
from jknbridge.cli.output import Printer

if TYPE_CHECKING:
    from sqlalchemy import Connection


@click.group()
@shared_options
def sources() -> None:
    """Sumber peristiwa: posisi baca, dan melanjutkan yang berhenti / event sources."""


@sources.command("list")
@shared_options
@pass_app
def list_(app: App) -> None:
    """Posisi baca tiap partisi; STOP berarti menunggu keputusan / reading positions."""
    from jknbridge.ledger import offsets

    with app.ledger() as ledger:
        rows = ledger.read_now(offsets.listed)

    def text(out: Printer) -> None:
        columns = {"topic": "TOPIK", "partition": "PARTISI", "next_offset": "BERIKUTNYA", "why": "STOP, SEBABNYA"}
        out.table([{**row, "why": row["stopped"]["id"] if row["stopped"] else ""} for row in rows], columns)

    app.show({"sources": rows}, text)


@sources.command()
@click.argument("topic")
@click.argument("partition", type=click.IntRange(min=0))
@click.argument("offset", type=click.IntRange(min=0))
@person_options
@shared_options
@pass_app
def resume(app: App, topic: str, partition: int, offset: int, who: str | None, why: str | None) -> None:
    """Lanjutkan membaca TOPIC PARTITION dari OFFSET / read on from here.

    Peristiwa sebelum OFFSET tidak dibaca lagi; yang sudah pernah dibaca tidak dikirim dua kali. Events before OFFSET
    are not read again; what was read before has no second effect.
    """
    from jknbridge.decisions import audit
    from jknbridge.errors import NeedsPerson
    from jknbridge.ledger import offsets

    person, now = app.person(who, why), app.now()
    with app.ledger() as ledger:

        def decide(connection: Connection) -> None:
            if not offsets.resume(connection, (topic, partition), offset):
                raise NeedsPerson(f"{topic}-{partition}: tidak dikenal buku besar ini / not known to this ledger")
            audit(connection, now, person, "sources.resume", f"{topic}-{partition} {offset}")

        ledger.write_now(decide)
    app.show({"topic": topic, "partition": partition, "next_offset": offset}, f"{topic}-{partition}: {offset}")
