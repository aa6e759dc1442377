"""``jknbridge doctor``: what would keep the bridge from working, looked at before or beside it. Changes nothing.

A target is asked once without a signature: only whether it answers, and what time it says it is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import click

from jknbridge.cli.common import App, Exit, finish, ledger_file, pass_app, shared_options
from jknbridge.cli.output import Printer, age
from jknbridge.errors import LedgerBusy, StartRefused

if TYPE_CHECKING:
    from jknbridge.ledger.engine import Ledger
    from jknbridge.settings import Settings, TargetSettings

State: TypeAlias = Literal["ok", "peringatan", "gagal"]
_SKEW_WARNS, _SKEW_FAILS = 60.0, 240.0  # a signature is good for about five minutes (bpjs-auth §2)
_STUCK = 300.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    name: str
    state: State
    text: str


@click.command()
@click.option("--tanpa-jaringan", "offline", is_flag=True, help="Tujuan tidak ditanya / do not ask the targets")
@shared_options
@pass_app
def doctor(app: App, offline: bool) -> None:
    """Periksa konfigurasi, kredensial, jam, buku besar / check config, credentials, clock, ledger.

    Keluar 1 bila ada yang gagal / exits 1 if anything fails.
    """
    findings = list(_all(app, offline))
    failed = any(one.state == "gagal" for one in findings)
    rows = [{"name": one.name, "state": one.state, "text": app.masker.text(one.text)} for one in findings]

    def text(out: Printer) -> None:
        out.table(rows, {"state": "HASIL", "name": "APA", "text": "KETERANGAN"})

    app.show({"ok": not failed, "checks": rows}, text)
    if failed:
        finish(Exit.FINDING)


def _all(app: App, offline: bool) -> Iterator[Finding]:
    try:
        settings = app.settings
    except StartRefused as error:
        yield Finding("config", "gagal", str(error))
        return
    where = str(app.config_path or "tanpa berkas / no file")
    some = bool(settings.faskes) and bool(settings.sumber)
    yield Finding("config", "ok" if some else "peringatan", where if some else f"{where}: tanpa faskes atau sumber")
    yield Finding("plugins", "ok", ", ".join(app.plugins.adapters) or "tidak ada tujuan / no targets")
    for kode, facility in settings.faskes.items():
        for target, own in facility.targets.items():
            yield _credentials(f"{kode}/{target}", own)
    if not offline:
        yield from asyncio.run(_clocks(settings))
    yield from _ledger(app, settings)


def _credentials(name: str, own: TargetSettings) -> Finding:
    """Every declared secret and every required text is filled in. Whether it is right, only the target knows."""
    empty = []
    for field, declared in type(own).model_fields.items():
        value = getattr(own, field)
        text = value.get_secret_value() if hasattr(value, "get_secret_value") else value
        if (
            declared.is_required()
            and isinstance(text, str)
            and (not text.strip() or text.startswith(("GANTI", "CHANGE")))
        ):
            empty.append(field)
    if empty:
        return Finding(f"kredensial {name}", "gagal", f"kosong / empty: {', '.join(empty)}")
    mode = own.mode.value
    return Finding(f"kredensial {name}", "ok" if mode == "jalan" else "peringatan", f"lengkap / filled in; mode {mode}")


async def _clocks(settings: Settings) -> list[Finding]:
    """Our clock against each target's Date header; each address once."""
    from jknbridge.http import AnswerLost, Http, NotSent

    places: dict[tuple[str, str | None], str] = {}
    for kode, facility in settings.faskes.items():
        for target, own in facility.targets.items():
            places.setdefault((own.base_url, own.proxy), f"{kode}/{target}")
    findings = []
    for (url, proxy), name in places.items():
        if not url.startswith(("http://", "https://")):
            continue
        http = Http(connect=settings.waktu.connect, total=10.0, proxy=proxy)
        try:
            answer = await http.request("GET", url, headers={})
            findings.append(_skew(f"jam {name}", answer.headers.get("date"), answer.status))
        except (NotSent, AnswerLost) as error:
            findings.append(Finding(f"jam {name}", "peringatan", f"tidak menjawab / does not answer: {error}"))
        finally:
            await http.close()
    return findings


def _skew(name: str, header: str | None, status: int) -> Finding:
    try:
        theirs = parsedate_to_datetime(header or "").timestamp()
    except ValueError:
        return Finding(name, "peringatan", f"menjawab {status} tanpa jam / answers without a Date")
    off = time.time() - theirs
    state: State = "gagal" if abs(off) > _SKEW_FAILS else "peringatan" if abs(off) > _SKEW_WARNS else "ok"
    return Finding(name, state, f"selisih / off by {off:+.0f} s (menjawab / answers {status})")


# --- ledger -----------------------------------------------------------------------------------------------------------


def _ledger(app: App, settings: Settings) -> Iterator[Finding]:
    file = ledger_file(settings.ledger.url)
    if file is not None and not file.exists():
        yield Finding("buku besar", "peringatan", f"belum ada / not there yet: {file}")
        return
    try:
        with app.ledger() as ledger:
            yield Finding("buku besar", "ok", f"{ledger.id}, skema terbaru / schema up to date")
            yield _writable(ledger)
            yield from _stuck(ledger, app.now())
    except (StartRefused, LedgerBusy) as error:
        yield Finding("buku besar", "gagal", str(error))
    if file is not None:
        key = settings.ledger.kunci_file or file.with_suffix(".kunci")
        for path, name in ((file, "berkas buku besar"), (key, "berkas kunci")):
            if path.exists():
                yield _private(path, name)
        if settings.ledger.kunci is None and key.exists() and key.parent == file.parent:
            yield Finding(
                "letak kunci", "peringatan", f"kunci di samping buku besar: simpan salinannya terpisah ({key})"
            )


def _writable(ledger: Ledger) -> Finding:
    began = time.monotonic()
    ledger.write_now(lambda connection: None)
    took = time.monotonic() - began
    return Finding(
        "tulis", "ok" if took < 1 else "peringatan", f"giliran menulis / a turn to write: {took * 1000:.0f} ms"
    )


def _private(path: Path, name: str) -> Finding:
    """The key must be its owner's alone. The ledger's bodies are sealed, so there it is only good manners."""
    mode = path.stat().st_mode & 0o777
    if not mode & 0o077:
        return Finding(name, "ok", f"{path} {mode:o}")
    return Finding(name, "gagal" if name == "berkas kunci" else "peringatan", f"{path} {mode:o}: chmod 600")


def _stuck(ledger: Ledger, now: float) -> Iterator[Finding]:
    from jknbridge import reporting

    made = ledger.read_now(lambda c: reporting.waiting(c, ledger=ledger.id, now=now))
    for row in made.outbox:
        oldest = row.get("oldest_new_seconds", 0.0)
        if row["failed"] or oldest > _STUCK:
            text = f"gagal / failed {row['failed']}, menunggu / waiting {row['new']}, tertua / oldest {age(oldest)}"
            yield Finding(f"keluar {row['topic']}", "gagal" if row["failed"] else "peringatan", text)
    for name in ("credentials_closed", "sources_stopped"):
        if made.waiting[name]:
            yield Finding(name, "gagal", f"{made.waiting[name]}")
    if made.doubts:
        oldest = max(row["age_seconds"] for row in made.doubts)
        yield Finding("diragukan", "peringatan", f"{len(made.doubts)}, tertua / oldest {age(oldest)}")
