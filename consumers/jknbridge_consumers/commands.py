"""The commands this plugin brings: ``jknbridge demo`` and ``jknbridge publish``.

Kafka, the broker and the demo's day are imported when a command runs, so that ``jknbridge --help`` stays quick.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jknbridge.cli.common import App, Exit, finish, pass_app, shared_options
from jknbridge.errors import StartRefused

if TYPE_CHECKING:
    from jknbridge.cli.output import Printer
    from jknbridge_consumers.kafka_settings import KafkaSettings
    from jknbridge_consumers.publishing import Document, Order, Sent, Skipped


def commands() -> list[click.Command]:
    return [demo, publish]


# --- demo -------------------------------------------------------------------------------------------------------------


@click.command()
@click.option(
    "--batas",
    "limit",
    type=click.FloatRange(min=10),
    default=120.0,
    show_default=True,
    help="Menyerah setelah sekian detik / give up after so many seconds",
)
@shared_options
@pass_app
def demo(app: App, limit: float) -> None:
    """Sehari di dua klinik rekaan: dari peristiwa FHIR di Kafka sampai PCare dan kontak KBK.

    A day at two invented clinics, from FHIR events on Kafka to PCare and KBK contacts: an in-process broker, the
    sandbox and the bridge, with answers lost on purpose. Needs nothing installed beside this package, reads no config,
    writes only into a temporary folder. Ends with a table that is compared with what the sandbox knows to be true.

    \b
    Kode keluar / exit codes:
      0    sesuai / agrees
      1    ada yang hilang, ganda, salah urutan atau diulang buta; atau waktunya habis
           a loss, a double, an order break or a blind repeat; or the time was up
      3    tidak dapat mulai / could not start
      130  dihentikan (Ctrl-C) / interrupted
    """
    from jknbridge_consumers.demo import runner, table
    from jknbridge_consumers.demo.progress import Progress

    app.start_logs("ERROR")  # lost answers are this day's business; the table tells what became of them
    progress = Progress()
    progress.say(table.opening())
    outcome = runner.run(app.plugins, progress, limit=limit)
    app.show(table.as_json(outcome), table.as_text(outcome))
    if not outcome.findings.clean:
        for kind, line in outcome.findings.all():
            progress.say(f"! {kind}: {line}")
        finish(Exit.FINDING)


# --- publish ----------------------------------------------------------------------------------------------------------


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="FILE…", type=click.Path(exists=True, path_type=Path))
@click.option("--topic", help="Semua ke topik ini; tanpa ini dipilih menurut tipe / all to this one; else by type")
@click.option("--sumber", "source", help="Topik dari [sumber.<nama>] ini / the topics of this source")
@click.option("--broker", metavar="HOST:PORT", help="Broker lain daripada di konfigurasi / another than the config's")
@click.option(
    "--order",
    type=click.Choice(["newest", "oldest"]),
    help="Terbaru atau terlama dahulu menurut lastUpdated / newest or oldest first",
)
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), metavar="N", help="Paling banyak N per detik")
@click.option("--split", is_flag=True, help="Entri Bundle satu per satu / a Bundle's entries one by one")
@shared_options
@pass_app
def publish(
    app: App,
    paths: tuple[Path, ...],
    topic: str | None,
    source: str | None,
    broker: str | None,
    order: Order | None,
    rate: float | None,
    split: bool,
) -> None:
    """Kirim berkas FHIR ke Kafka: resource atau Bundle JSON, NDJSON, atau folder.

    FHIR files to Kafka: a JSON resource or Bundle, NDJSON, or a folder of them. Each goes to the topic of its type
    among the configured source's, keyed Type/id, and counts once the broker has acknowledged it.

    \b
    Kode keluar / exit codes:
      0  semua diterima broker / the broker has all of it
      1  ada berkas yang tidak terbaca atau pesan yang ditolak / a file unread or a record refused
      3  broker tidak ada, atau konfigurasi salah / no broker there, or a wrong config
    """
    from jknbridge_consumers import publishing

    kafka, topics = _where(app, broker, source, topic)
    documents: list[Document] = []
    skipped: list[Skipped] = []
    for found in publishing.read(paths):
        if isinstance(found, publishing.Skipped):
            skipped.append(found)
        else:
            documents += publishing.split(found) if split else [found]
    records = [publishing.outgoing(one, topics, topic) for one in publishing.in_order(documents, order)]
    try:
        with publishing.Sender(kafka) as sender:
            sent = sender.send(records, rate=rate)
    except publishing.BrokerMissing as error:
        servers = ", ".join(kafka.bootstrap_servers)
        raise StartRefused(f"broker tidak menjawab di / no broker answers at {servers}: {error}") from error
    app.show(_result(len(records), sent, skipped), lambda out: _print(out, len(records), sent, skipped))
    if skipped or sent.refused or sent.unconfirmed:
        finish(Exit.FINDING)


def _where(app: App, broker: str | None, source: str | None, topic: str | None) -> tuple[KafkaSettings, list[str]]:
    """The broker, and the topics to choose among."""
    from jknbridge_consumers.kafka_settings import KafkaSettings
    from jknbridge_consumers.topics import FHIR_TOPICS

    if broker is not None:
        app.overrides["kafka"] = {**app.overrides.get("kafka", {}), "bootstrap_servers": broker}
    kafka = app.settings.bagian["kafka"]
    assert isinstance(kafka, KafkaSettings)
    sources = app.settings.sumber
    if source is not None and source not in sources:
        raise click.UsageError(f"tidak ada / no [sumber.{source}]; ada / there is: {', '.join(sources) or '-'}")
    if topic is not None:
        return kafka, [topic]
    if source is None and len(sources) > 1:
        raise click.UsageError(f"pilih salah satu / choose one: --sumber {' | '.join(sources)}")
    chosen = sources.get(source) if source is not None else next(iter(sources.values()), None)
    return kafka, list(chosen.topics) if chosen is not None else list(FHIR_TOPICS)


def _result(records: int, sent: Sent, skipped: list[Skipped]) -> dict[str, Any]:
    def told(found: list[Skipped]) -> list[dict[str, Any]]:
        return [{"place": one.place, "reason": one.reason.to_json()} for one in found]

    return {
        "records": records,
        "acknowledged": sent.acknowledged,
        "topics": dict(sorted(sent.topics.items())),
        "refused": told(sent.refused),
        "unconfirmed": told(sent.unconfirmed),
        "skipped": told(skipped),
    }


def _print(out: Printer, records: int, sent: Sent, skipped: list[Skipped]) -> None:
    out.pairs(
        [
            ("pesan / records", records),
            ("diterima broker / acknowledged", sent.acknowledged),
            *((f"  {topic}", number) for topic, number in sorted(sent.topics.items())),
            ("ditolak / refused", len(sent.refused)),
            ("tanpa jawaban / unconfirmed", len(sent.unconfirmed)),
            ("dilewati / skipped", len(skipped)),
        ]
    )
    for one in (*skipped, *sent.refused, *sent.unconfirmed):
        out.line(f"  {one.place}: {one.reason.id} / {one.reason.en}")
