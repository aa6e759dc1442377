"""``jknbridge report``: the sums of DESIGN §2.7 as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from jknbridge.cli.common import App, Exit, finish, pass_app, shared_options
from jknbridge.cli.output import Printer, age, moment

if TYPE_CHECKING:
    from jknbridge.reporting import Report


@click.command()
@click.option("--faskes", "facility", help="Hanya baris faskes ini / only this facility's lines")
@shared_options
@pass_app
def report(app: App, facility: str | None) -> None:
    """Tidak ada yang hilang: jumlah per sumber, faskes dan hari / nothing disappears: the sums.

    Keluar 1 bila ada jumlah yang tidak cocok / exits 1 if a sum does not add up.
    """
    from jknbridge import reporting

    targets = sorted(app.plugins.adapters)
    now = app.now()
    with app.ledger() as ledger:
        made = ledger.read_now(
            lambda c: reporting.report(c, ledger=ledger.id, now=now, targets=targets, facility=facility)
        )
    app.show(made.to_json(), lambda out: _print(out, made))
    if not made.ok:
        finish(Exit.FINDING)


def _print(out: Printer, made: Report) -> None:
    out.line(f"Buku besar {made.ledger}, {moment(made.at)}")
    out.title("Masuk / in")
    out.table([_day(day) for day in made.days], _DAYS)
    out.title("Sumber daya / resources")
    kept = {name: made.resources[name] for name in ("total", "in_journey", "orphan", "deleted")}
    out.pairs([*kept.items(), ("orphan tertua / oldest", age(made.resources["oldest_orphan_seconds"]))])
    out.title(f"Kunjungan × tujuan / journeys × targets: {made.journeys['total']}")
    out.table([{"target": name, **states} for name, states in made.journeys["targets"].items()], _STATES)
    out.title("Pengiriman per faskes dan hari / submissions by facility and day")
    out.table([_line(place, line) for place in made.facilities for line in place["submissions"]], _SUBMISSIONS)
    out.title("Kontak / contacts")
    out.table([{"kind": kind, **n} for kind, n in made.contacts["by_kind"].items()], _CONTACTS)
    out.title("Keluar / outbox")
    out.table([{**row, "age": age(row.get("oldest_new_seconds"))} for row in made.outbox], _OUTBOX)
    _waiting(out, made)
    _checks(out, made)


def _waiting(out: Printer, made: Report) -> None:
    if made.doubts:
        out.title("Diragukan / in doubt")
        out.table([{**row, "age": age(row["age_seconds"])} for row in made.doubts], _DOUBTS)
    if made.dead_letters:
        out.title("Surat mati / dead letters")
        out.pairs(made.dead_letters.items())
    out.title("Menunggu / waiting")
    out.pairs((name, n) for name, n in made.waiting.items() if n)


def _checks(out: Printer, made: Report) -> None:
    wrong = [check for check in made.checks if not check.ok]
    out.title("Pemeriksaan / checks")
    if not wrong:
        out.line(f"cocok semua / all {len(made.checks)} agree")
    for check in wrong:
        out.line(f"TIDAK COCOK / DISAGREES  {check.name} [{check.where}]: {check.left} ≠ {check.right}")


def _day(day: dict[str, Any]) -> dict[str, Any]:
    entries = {f"e_{name}": n for name, n in day["entries"].items()}
    return {"day": day["day"], "source": day["source"], **day["records"], **entries}


def _line(place: dict[str, Any], line: dict[str, Any]) -> dict[str, Any]:
    return {"facility": place["facility"], "day": place["day"], **line}


_DAYS = {
    "day": "HARI",
    "source": "SUMBER",
    "in": "REKAMAN",
    "decoded": "TERBACA",
    "dead_lettered": "MATI",
    "e_newest": "TERBARU",
    "e_superseded": "LAMA",
    "e_duplicate": "GANDA",
    "e_ignored": "ABAI",
    "e_dead_lettered": "ENTRI MATI",
}
_STATES = {
    "target": "TUJUAN",
    "submissions": "PENGIRIMAN",
    "nothing_wanted": "TIDAK PERLU",
    "not_applicable": "TIDAK BERLAKU",
    "galat": "GALAT",
    "silent": "DIAM",
    "untranslated": "BELUM",
}
_SUBMISSIONS = {
    "facility": "FASKES",
    "day": "TANGGAL",
    "target": "TUJUAN",
    "kind": "JENIS",
    "held": "ADA",
    "work": "PEKERJAAN",
    "count": "JUMLAH",
}
_CONTACTS = {"kind": "JENIS", "recorded": "TERCATAT", "retracted": "DITARIK"}
_OUTBOX = {"topic": "TOPIK", "new": "BARU", "published": "TERKIRIM", "failed": "GAGAL", "age": "TERTUA"}
_DOUBTS = {
    "submission": "ID",
    "facility": "FASKES",
    "kind": "JENIS",
    "key": "KUNCI",
    "age": "SEJAK",
    "probes": "×",
    "with_a_person": "MENUNGGU ORANG",
}
