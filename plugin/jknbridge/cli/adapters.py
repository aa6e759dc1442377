"""``jknbridge adapters``: which plugins are there, what they bring."""

from __future__ import annotations

from typing import Any

import click

from jknbridge.cli.common import App, pass_app, shared_options
from jknbridge.cli.output import Printer


@click.group()
@shared_options
def adapters() -> None:
    """Plugin dan tujuannya / plugins and their targets."""


@adapters.command("list")
@shared_options
@pass_app
def list_(app: App) -> None:
    """Tiap plugin: versi, kait, tujuan dan jenis pengirimannya / each plugin: version, hooks, targets, kinds."""
    plugins = app.plugins
    rows = plugins.describe()
    targets = [
        {
            "target": adapter.target,
            "translator": adapter.version,
            "reads": sorted(adapter.reads),
            "kinds": [
                {
                    "kind": kind.name,
                    "needs": list(kind.needs),
                    "receipt": list(kind.receipt),
                    "operations": [verb for verb in ("add", "edit", "delete") if getattr(kind, verb) is not None],
                    "natural_key": kind.add.natural_key,
                }
                for kind in adapter.kinds.values()
            ],
        }
        for adapter in plugins.adapters.values()
    ]
    app.show({"plugins": rows, "targets": targets}, lambda out: _print(out, rows, targets))


def _print(out: Printer, rows: list[dict[str, Any]], targets: list[dict[str, Any]]) -> None:
    out.table(rows, {"name": "PLUGIN", "version": "VERSI", "targets": "TUJUAN", "hooks": "KAIT"})
    for target in targets:
        out.title(f"{target['target']} (penerjemah / translator {target['translator']})")
        columns = {
            "kind": "JENIS",
            "needs": "PERLU",
            "operations": "OPERASI",
            "natural_key": "KUNCI ALAMI",
            "receipt": "TANDA TERIMA",
        }
        out.table(target["kinds"], columns)
