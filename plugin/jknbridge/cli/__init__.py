"""The command line: one click group, its own commands by name, and those that plugins bring (DESIGN §9).

Open ``common.py`` first: :class:`~jknbridge.cli.common.App` is what every command, ours or a plugin's, is handed.
Commands are imported when they are used, so that ``jknbridge --help`` does not load the ledger. What a command may
*do* stands outside: decisions in :mod:`jknbridge.decisions`, sums in :mod:`jknbridge.reporting`; a command only reads
its words and prints.
"""

from __future__ import annotations

from collections.abc import Sequence

from jknbridge.cli.common import App
from jknbridge.cli.group import cli

__all__ = ["App", "cli", "main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Console script ``jknbridge``. Ends the process with one of :class:`~jknbridge.cli.common.Exit`."""
    from jknbridge.cli.group import run_cli

    raise SystemExit(run_cli(App(), arguments))
