"""The click group: built-in commands by table, imported when used; plugins' commands beside them."""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import click

from jknbridge import errors
from jknbridge.cli.common import App, Exit, shared_options

BUILT_IN: dict[str, tuple[str, str]] = {
    "plan": ("plan_cmd:plan", "Apa yang akan terjadi, tanpa mengirim / what would become of FHIR files"),
    "run": ("run:run", "Jalankan jembatan / run the bridge"),
    "report": ("report:report", "Jumlah-jumlah yang harus cocok / the sums that must agree"),
    "journeys": ("journeys:journeys", "Kunjungan: daftar, lihat, coba lagi / journeys"),
    "submissions": ("submissions:submissions", "Pengiriman: daftar, lihat, coba lagi, putuskan / submissions"),
    "proposals": ("proposals:proposals", "Usulan perubahan: terima atau tolak / proposed changes"),
    "mapping": ("mapping:mapping", "Pemetaan kode dan daftar kerjanya / code mappings and their work list"),
    "sources": ("sources:sources", "Posisi baca Kafka; lanjutkan yang berhenti / where reading goes on"),
    "reconcile": ("reconcile_cmd:reconcile", "Cocokkan dengan isi di BPJS / compare with what the targets hold"),
    "sandbox": ("sandbox:sandbox", "Layanan BPJS tiruan / simulated targets"),
    "config": ("config:config", "Konfigurasi yang berlaku / effective settings"),
    "adapters": ("adapters:adapters", "Plugin dan tujuannya / plugins and their targets"),
    "doctor": ("doctor:doctor", "Periksa kesiapan / check readiness"),
    "audit": ("audit:audit", "Keputusan orang / what people decided"),
    "migrate": ("migrate:migrate", "Perbarui skema buku besar / bring the ledger's schema up to date"),
}
"""Command → (module:attribute in this package, one line for ``--help``)."""

CODES: tuple[tuple[type[Exception], Exit], ...] = (
    (errors.StartRefused, Exit.START_REFUSED),
    (errors.LedgerBusy, Exit.LEDGER_BUSY),
    (errors.LeaseLost, Exit.LEDGER_BUSY),
    (errors.NeedsPerson, Exit.NEEDS_PERSON),
    (errors.JknbridgeError, Exit.FINDING),
)
"""Which exit code an error of ours ends with; the first that fits."""


class Commands(click.Group):
    """Built-in commands without importing them, and whatever plugins add."""

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted({*BUILT_IN, *self._brought(context)})

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name in BUILT_IN:
            module, _, attribute = BUILT_IN[name][0].partition(":")
            command: click.Command = getattr(importlib.import_module(f"jknbridge.cli.{module}"), attribute)
            return command
        return self._brought(context).get(name)

    def _brought(self, context: click.Context) -> dict[str, click.Command]:
        """Plugins' commands. A built-in name stays ours: a plugin must not replace what people decide with."""
        commands = context.ensure_object(App).plugins.commands()
        return {command.name: command for command in commands if command.name and command.name not in BUILT_IN}

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        brought = self._brought(context)
        lines = {name: short for name, (_, short) in BUILT_IN.items()}
        lines |= {name: command.get_short_help_str(90) for name, command in brought.items()}
        with formatter.section("Perintah / commands"):
            formatter.write_dl(sorted(lines.items()))
        with formatter.section("Kode keluar / exit codes"):
            formatter.write_dl([(str(code.value), code.meaning) for code in Exit])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="jknbridge", prog_name="jknbridge")
@shared_options
@click.pass_context
def cli(context: click.Context) -> None:
    """Jembatan dari EMR (FHIR, Kafka) ke PCare dan kontak KBK.

    A bridge from a FHIR EMR to BPJS PCare; KBK contacts out. Every command takes --json and works while `run` is up.
    """


def run_cli(app: App, arguments: Sequence[str] | None = None) -> int:
    """Run one command line; returns the exit code. Errors of ours are one line on stderr, a defect a masked trace."""
    try:
        result = cli.main(arguments, prog_name="jknbridge", standalone_mode=False, obj=app)
        return int(result) if isinstance(result, int) else Exit.OK
    except click.ClickException as error:
        error.show()
        return Exit.USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("dihentikan / interrupted", err=True)
        return Exit.INTERRUPTED
    except BrokenPipeError:  # `jknbridge … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains at its end
        return Exit.OK
    except errors.JknbridgeError as error:
        code = next(code for kind, code in CODES if isinstance(error, kind))
        return _failed(app, str(error), code)
    except Exception as error:  # whatever it quotes is masked before anybody sees it
        click.echo(app.masker.text(traceback.format_exc()), err=True)
        return _failed(app, f"kesalahan program / a defect of the program: {type(error).__name__}", Exit.DEFECT)


def _failed(app: App, text: str, code: Exit) -> int:
    masked = app.masker.text(text)
    if app.as_json:
        answer: dict[str, Any] = {"error": {"code": int(code), "meaning": code.meaning, "text": masked}}
        click.echo(json.dumps(answer, ensure_ascii=False))
    click.echo(f"jknbridge: {masked}", err=True)
    return int(code)
