"""``jknbridge plan``: what would become of FHIR files, without sending anything. Printing only; see
:mod:`jknbridge.planning`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jknbridge.cli.common import App, Exit, ledger_file, pass_app, shared_options
from jknbridge.cli.output import Printer

if TYPE_CHECKING:
    from jknbridge.ledger.engine import Ledger
    from jknbridge.planning_input import Source
    from jknbridge.planning_result import InputPlan, JourneyPlan, Plan, SubmissionPlan, TargetPlan, Wait
    from jknbridge.planning_upgrade import Upgrade
    from jknbridge.reasons import Reason

_DIFFERENCES = {
    "send": "kirim / send",
    "revise": "perbarui / revise",
    "replace": "hapus lalu buat ulang / replace",
    "withdraw": "tarik / withdraw",
    "proposal": "usulan bagi seseorang / proposal",
    "under_way": "sedang berjalan / under way",
    "nothing": "tidak ada / nothing",
}
_VERDICTS = {
    "wanted": "diinginkan", "waiting": "menunggu", "parked": "diparkir", "unwanted": "tidak diinginkan",
    "not_applicable": "tidak berlaku", "silent": "tidak disebut (yatim)",
}  # fmt: skip


@click.command("plan")
@click.argument(
    "files", nargs=-1, type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path), metavar="FILE..."
)
@click.option("--fakta", "answers", type=click.File("rb"), help="Jawaban fakta (JSON) / answers to facts, e.g. peserta")
@click.option(
    "--pemetaan", "codes", type=click.File("rb"), help="Pemetaan kode (JSON: daftar → lokal → kode) / mappings"
)
@click.option("--sumber", "source", metavar="NAMA", help="Nama sumber di konfigurasi / the source the files stand for")
@click.option("--tanpa-ledger", "bare", is_flag=True, help="Jangan lihat buku besar / leave an existing ledger aside")
@click.option("--samarkan", "mask", is_flag=True, help="Samarkan nilai pribadi / mask personal values")
@click.option(
    "--upgrade", "newer", is_flag=True, help="Apa yang akan berbeda menurut versi ini / what newer code changes"
)
@shared_options
@pass_app
def plan(
    app: App,
    files: Sequence[Path],
    answers: Any,
    codes: Any,
    source: str | None,
    bare: bool,
    mask: bool,
    newer: bool,
) -> int:
    """Apa yang akan terjadi dengan berkas FHIR ini, tanpa mengirim apa pun.

    FILE: a FHIR resource, a Bundle, NDJSON or a CloudEvent; ``-`` is standard input. Shows each verdict with its
    payload, its claim, the facts it needs and what it waits for. With a config and its ledger also the difference:
    send, revise, replace, withdraw. Exit code 1: something is dead-lettered, or an adapter failed.
    """
    if not files and not newer:
        raise click.UsageError("sebutkan berkas FHIR, atau - / name FHIR files, or -")
    configured = app.config_path is not None or bool(app.overrides)
    with _ledger(app, configured and not bare) as (ledger, existing):
        if newer:
            return _upgrade(app, ledger, existing)
        return _plan(app, _read(files), ledger, existing, configured, source, _json(answers), _json(codes), mask)


@contextmanager
def _ledger(app: App, wanted: bool) -> Iterator[tuple[Ledger, bool]]:
    """The existing ledger of the config, or one in memory."""
    from jknbridge.planning import memory_ledger

    if wanted:
        file = ledger_file(app.settings.ledger.url)
        if file is None or file.exists():
            with app.ledger() as ledger:
                yield ledger, True
            return
    with memory_ledger() as ledger:
        yield ledger, False


def _read(files: Sequence[Path]) -> list[Source]:
    from jknbridge.planning_input import Source

    def data(file: Path) -> bytes:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()

    return [Source(str(file), data(file)) for file in files]


def _json(handle: Any) -> Any:
    if handle is None:
        return None
    try:
        return json.load(handle)
    except ValueError as error:
        raise click.UsageError(f"{handle.name}: bukan JSON / not JSON: {error}") from None


def _plan(
    app: App, sources: list[Source], ledger: Ledger, existing: bool, configured: bool, source: str | None,
    answers: Any, codes: Any, mask: bool,
) -> int:  # fmt: skip
    from jknbridge import planning
    from jknbridge.planning_config import guessed
    from jknbridge.settings import Settings

    settings = app.settings if configured else Settings()
    notes: list[Reason] = []
    name = _source(settings.sumber, source)
    pieces, rules = planning.read(sources, settings, app.plugins, ledger, name)
    if not configured:
        settings, notes = guessed(app.plugins, [entry for piece in pieces for entry in piece.decoded.entries])
    try:
        given = [planning.Answered.from_json(item) for item in answers or ()]
    except (KeyError, TypeError, AttributeError):
        raise click.UsageError('--fakta: [{"kind": …, "subject": …, "value": {…}}]') from None
    wanted = planning.Wanted(
        settings, app.plugins, ledger, existing, name, app.now(), given, codes or {}, notes, mask=mask
    )
    found = planning.plan(pieces, rules, wanted)
    app.show(found, lambda printer: _print(printer, found))
    return Exit.FINDING if found.finding else Exit.OK


def _source(known: Any, asked: str | None) -> str:
    if asked is not None and known and asked not in known:
        raise click.UsageError(f"sumber {asked!r} tidak ada / no such source; ada / known: {', '.join(known)}")
    return asked or next(iter(known), "emr")


def _upgrade(app: App, ledger: Ledger, existing: bool) -> int:
    from jknbridge import planning
    from jknbridge.planning_upgrade import upgrade

    if not existing:
        raise click.UsageError("--upgrade membutuhkan buku besar / needs an existing ledger (--config)")
    found = upgrade(planning.Wanted(app.settings, app.plugins, ledger, True, "", app.now()))
    app.show(found, lambda printer: _print_upgrade(printer, found))
    return Exit.FINDING if found.failed else Exit.OK


# --- for people -------------------------------------------------------------------------------------------------------


def _print(printer: Printer, found: Plan) -> None:
    for note in found.notes:
        _reason(printer, note, "! ")
    printer.title("Masuk / in")
    printer.pairs([("catatan / records", found.records), ("entri / entries", found.entries)])
    printer.pairs([("resource", found.resources), ("jumlah cocok / adds up", found.adds_up)])
    for one in found.inputs:
        _print_input(printer, one)
    if found.orphans:
        printer.line(f"tanpa kunjungan / orphans: {', '.join(found.orphans)}")
    for journey in found.journeys:
        _print_journey(printer, journey)


def _print_input(printer: Printer, one: InputPlan) -> None:
    place = one.file if one.line is None else f"{one.file}:{one.line}"
    for dead in one.dead:
        at = "" if dead.entry is None else f" (entri / entry {dead.entry})"
        _reason(printer, dead.reason, f"{place}{at}: DLT: ")
    if one.ignored:
        types = ", ".join(f"{name} {n}" for name, n in one.ignored_types.items())
        kinds = ", ".join(f"{name} {n}" for name, n in one.ignored.items())
        printer.line(f"{place}: tidak dibaca / ignored: {kinds}" + (f" ({types})" if types else ""))
    for ref, findings in one.findings.items():
        for line in findings:
            printer.line(f"{place}: R4B {ref}: {line}")


def _print_journey(printer: Printer, journey: JourneyPlan) -> None:
    printer.title(f"{journey.anchor}  faskes {journey.facility or '-'} ({journey.zone})")
    printer.line(f"  resource: {', '.join(journey.resources)}")
    for fact in journey.facts:
        subject = " ".join(map(str, fact.subject))
        state = "perlu ditanyakan / needed" if fact.state == "asked" else fact.state
        printer.line(f"  fakta {fact.kind} {subject} per {fact.as_of}: {state}")
    for target in journey.targets:
        _print_target(printer, target)


def _print_target(printer: Printer, target: TargetPlan) -> None:
    gates = ", ".join(f"{name} {value}" for name, value in target.gates.items())
    printer.line(f"  [{target.instance or target.target}] {gates}".rstrip())
    if target.reason is not None:
        _reason(printer, target.reason, "    ")
    for one in target.submissions:
        _print_submission(printer, one)


def _print_submission(printer: Printer, one: SubmissionPlan) -> None:
    printer.line(f"    {one.kind} {one.key}: {_VERDICTS[one.verdict]} / {one.verdict}")
    pad = "      "
    action = f" ({one.action})" if one.action else ""
    printer.line(f"{pad}beda / difference: {_DIFFERENCES[one.difference]}{action}; {one.held}, {one.work}")
    facts: list[tuple[str, Any]] = [
        ("tanda terima / receipt", one.receipt and f"{one.receipt} {one.how}"), ("bukti / evidence", one.evidence),
        ("tanggal / service date", one.service_date), ("klaim / claim", one.claim), ("tenang / settle", one.settle),
        ("tidak sebelum / not before", one.not_before), ("batas / deadline", one.deadline),
        ("dari EMR / adopt", one.adopt), ("kontak / contact", one.contact),
    ]  # fmt: skip
    for name, value in facts:
        if value:
            printer.line(f"{pad}{name}: {_line(value)}")
    if one.reason is not None:
        _reason(printer, one.reason, pad)
    for note in one.notes:
        _reason(printer, note, f"{pad}catatan: ")
    for wait in one.waits:
        _wait(printer, wait, pad)
    if one.payload is not None:
        for name, value in one.payload.items():
            printer.line(f"{pad}  {name} = {_line(value)}")


def _wait(printer: Printer, wait: Wait, pad: str) -> None:
    where = f" [{wait.where}]" if wait.where else ""
    printer.line(f"{pad}menunggu: {wait.reason.id}{where}")
    printer.line(f"{pad}  waits: {wait.reason.en}")


def _reason(printer: Printer, reason: Reason, lead: str) -> None:
    printer.line(f"{lead}{reason.id} / {reason.en} ({reason.code})")


def _line(value: Any) -> str:
    from jknbridge.planning_view import line

    return line(value)


def _print_upgrade(printer: Printer, found: Upgrade) -> None:
    printer.line(
        f"{found.journeys} kunjungan diterjemahkan ulang / journeys translated, {found.skipped} dilewati / skipped"
    )
    rows = [
        {"submission": f"{one.kind} {one.key}", "instance": one.instance, "fields": ", ".join(one.fields),
         "version": f"{one.translator_then} → {one.translator_now}"}
        for one in found.differ
    ]  # fmt: skip
    for journey in found.failed:
        printer.line(f"galat adaptor / the adapter failed: {journey}")
    columns = {"submission": "pengiriman", "instance": "tujuan", "version": "versi", "fields": "isi yang berbeda"}
    printer.table(rows, columns, empty="tidak ada yang berbeda / nothing would differ")
