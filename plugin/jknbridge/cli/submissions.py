"""``jknbridge submissions``: what should exist at the targets, one by one, and what a person decides about it."""

from __future__ import annotations

from typing import Any

import click

from jknbridge.cli.common import App, pass_app, person_options, shared_options
from jknbridge.cli.output import Printer, moment


@click.group()
@shared_options
def submissions() -> None:
    """Pengiriman: satu hal yang harus ada di satu tujuan / one thing that should exist at one target."""


@submissions.command("list")
@click.option("--faskes", "facility", help="Kode faskes")
@click.option("--target", help="Tujuan, mis. pcare")
@click.option("--kind", help="Jenis, mis. pendaftaran, kunjungan, obat")
@click.option("--work", help="none, waiting, ready, sending, retry, in_doubt, parked, expired, …")
@click.option("--held", type=click.Choice(["absent", "present", "unknown"]), help="Yang ada di tujuan")
@click.option("--hold", help="Menunggu orang: gone, refused, doubt, brake, adopt")
@click.option("--hari", "day", metavar="YYYY-MM-DD", help="Tanggal pelayanan / service date")
@click.option("--yatim", is_flag=True, help="Hanya yang tidak lagi disebut EMR / only those no longer mentioned")
@click.option("--banyak", "most", default=100, show_default=True, help="Paling banyak baris / at most")
@shared_options
@pass_app
def list_(
    app: App,
    facility: str | None,
    target: str | None,
    kind: str | None,
    work: str | None,
    held: str | None,
    hold: str | None,
    day: str | None,
    yatim: bool,
    most: int,
) -> None:
    """Daftar pengiriman, yang terakhir berubah dahulu / newest change first."""
    from jknbridge.cli import reading

    wanted: dict[str, Any] = {"facility": facility, "target": target, "kind": kind, "work": work, "held": held}
    wanted |= {"hold": hold, "service_date": day, "desire": "silent" if yatim else None}
    with app.ledger() as ledger:
        rows, total = ledger.read_now(lambda c: reading.submissions(c, wanted, most))

    def text(out: Printer) -> None:
        lines = [{**row, "why": (row["reason"] or {}).get("id"), "hold": row["hold"]} for row in rows]
        out.table(lines, _COLUMNS)
        out.line(f"\n{len(rows)} dari / of {total}")

    app.show({"total": total, "submissions": rows}, text)


_COLUMNS = {
    "id": "ID",
    "facility": "FASKES",
    "kind": "JENIS",
    "key": "KUNCI",
    "service_date": "TANGGAL",
    "held": "ADA",
    "work": "PEKERJAAN",
    "hold": "TAHAN",
    "why": "ALASAN",
}


@submissions.command()
@click.argument("ident", type=int, metavar="ID")
@click.option(
    "--isi",
    "open_",
    is_flag=True,
    help="Buka isinya (data pasien; dicatat) / open the contents (patient data; audited)",
)
@person_options
@shared_options
@pass_app
def show(app: App, ident: int, open_: bool, who: str | None, why: str | None) -> None:
    """Satu pengiriman: keadaan, tanda terima, permintaan / one submission: state, receipts, requests."""
    from jknbridge import decisions
    from jknbridge.cli import reading

    with app.ledger() as ledger:
        found = ledger.read_now(lambda c: reading.submission(c, ledger.vault, ident))
        if open_:
            person, now = app.person(who, why), app.now()
            ledger.write_now(lambda c: decisions.audit(c, now, person, "lihat isi", f"submission {ident}"))
            found["contents"] = ledger.read_now(lambda c: reading.contents(c, ledger.vault, ident))
    app.show(found, lambda out: _one(out, found))


def _one(out: Printer, found: dict[str, Any]) -> None:
    lists = ("receipts", "requests", "proposals", "notes", "contents", "reason")
    out.pairs((name, value) for name, value in found.items() if name not in lists)
    for reason in [found["reason"], *found["notes"]]:
        if reason:
            out.line(f"  – {reason['id']}\n    {reason['en']} [{reason['who']}]")
    out.title("Tanda terima / receipts")
    out.table(
        found["receipts"], {"kind": "JENIS", "values": "NILAI", "how": "ASAL", "at": "SEJAK", "ended_by": "AKHIR"}
    )
    out.title("Permintaan / requests")
    lines = [{**row, "why": (row["reason"] or {}).get("id")} for row in found["requests"]]
    out.table(
        lines, {"at": "WAKTU", "verb": "APA", "state": "STATUS", "outcome": "HASIL", "probes": "×", "why": "ALASAN"}
    )
    if found["proposals"]:
        out.title("Usulan / proposals")
        out.table(found["proposals"], {"id": "ID", "action": "APA", "state": "STATUS", "decided_by": "OLEH"})
    if "contents" in found:
        out.title("Isi / contents")
        out.json(found["contents"])


# --- decisions --------------------------------------------------------------------------------------------------------


@submissions.command()
@click.argument("idents", type=int, nargs=-1, required=True, metavar="ID…")
@click.option(
    "--tambah-lagi", "add_again", is_flag=True, help="Tambahkan lagi yang dihapus tangan / re-add what is gone"
)
@person_options
@shared_options
@pass_app
def retry(app: App, idents: tuple[int, ...], add_again: bool, who: str | None, why: str | None) -> None:
    """Coba lagi sekarang; yang diragukan ditanyakan, tidak dikirim buta / try again now, doubts are asked again."""
    from jknbridge import decisions

    person = app.person(who, why)
    with app.host() as host:
        done = host.ledger.write_now(
            lambda c: [decisions.retry(c, host.desk(), i, person, add_again=add_again) for i in idents]
        )
    shown(app, done)


@submissions.command()
@click.argument("idents", type=int, nargs=-1, metavar="[ID…]")
@click.option("--rem", "instance", metavar="FASKES/TUJUAN/LINGKUNGAN", help="Semua yang ditahan rem di tujuan ini")
@person_options
@shared_options
@pass_app
def release(app: App, idents: tuple[int, ...], instance: str | None, who: str | None, why: str | None) -> None:
    """Lepaskan yang ditahan rem, atau tanyakan lagi keraguan / let a brake go, or have a doubt asked again."""
    from jknbridge import decisions

    if bool(idents) == bool(instance):
        raise click.UsageError("sebutkan ID, atau --rem / name IDs, or --rem")
    person = app.person(who, why)
    with app.host() as host:
        done = host.ledger.write_now(
            lambda c: (
                decisions.release_brake(c, host.desk(), instance, person)
                if instance
                else [decisions.release(c, host.desk(), i, person) for i in idents]
            )
        )
    shown(app, done)


@submissions.command()
@click.argument("ident", type=int, metavar="ID")
@click.option(
    "--ada", "present", multiple=True, metavar="NAMA=NILAI", help="Ada di tujuan dengan nomor ini, mis. noUrut=A3"
)
@click.option("--masih-ada", "still", is_flag=True, help="Penarikan: datanya masih ada / withdrawal: it is still there")
@click.option("--tidak-ada", "absent", is_flag=True, help="Tidak ada di tujuan / it is not there")
@person_options
@shared_options
@pass_app
def settle(
    app: App, ident: int, present: tuple[str, ...], still: bool, absent: bool, who: str | None, why: str | None
) -> None:
    """Putuskan keraguan setelah melihat laman BPJS / settle a doubt after looking in BPJS's page."""
    from jknbridge import decisions

    if [bool(present), still, absent].count(True) != 1:
        raise click.UsageError("pilih satu: --ada, --masih-ada atau --tidak-ada / choose one")
    values = dict(_pair(text) for text in present)
    person = app.person(who, why)
    with app.host() as host:

        def decide(connection: Any) -> decisions.Decided:
            if absent:
                return decisions.settle_absent(connection, host.desk(), ident, person)
            return decisions.settle_present(connection, host.desk(), ident, values, person)

        done = host.ledger.write_now(decide)
    shown(app, [done])


def _pair(text: str) -> tuple[str, str]:
    name, mark, value = text.partition("=")
    if not (mark and name.strip() and value.strip()):
        raise click.UsageError(f"{text}: tulis NAMA=NILAI / write NAME=VALUE")
    return name.strip(), value.strip()


def shown(app: App, done: list[Any]) -> None:
    """Print what decisions came to."""
    rows = [
        {
            "id": one.submission,
            "target": one.target,
            "kind": one.kind,
            "key": one.key,
            "held": one.held,
            "work": one.work,
        }
        for one in done
    ]
    columns = {"id": "ID", "kind": "JENIS", "key": "KUNCI", "held": "ADA", "work": "PEKERJAAN"}
    app.show({"submissions": rows, "at": moment(app.now())}, lambda out: out.table(rows, columns))
