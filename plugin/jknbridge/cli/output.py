"""How answers are printed: one JSON document on stdout, or lines and tables for people. Never logs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

import click


class Printer:
    """Writes to stdout through click, which copes with pipes and odd encodings."""

    def line(self, text: str = "") -> None:
        click.echo(text)

    def title(self, text: str) -> None:
        click.echo()
        click.secho(text, bold=True)

    def json(self, data: Any) -> None:
        click.echo(json.dumps(data, ensure_ascii=False, indent=2, default=plain))

    def pairs(self, pairs: Iterable[tuple[str, Any]]) -> None:
        shown = [(name, text(value)) for name, value in pairs]
        width = max((len(name) for name, _ in shown), default=0)
        for name, value in shown:
            click.echo(f"{name.ljust(width)}  {value}".rstrip())

    def table(self, rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], *, empty: str = "–") -> None:
        """``columns``: key → heading. The last column is never cut."""
        if not rows:
            click.echo(empty)
            return
        cells = [[text(row.get(key)) for key in columns] for row in rows]
        widths = [max(len(cell) for cell in column) for column in zip(columns.values(), *cells, strict=True)]
        click.secho(_joined(list(columns.values()), widths), dim=True)
        for line in cells:
            click.echo(_joined(line, widths))


def _joined(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def text(value: Any) -> str:
    """One cell: no ``None``, no brackets."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "ya" if value else "tidak"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {text(item)}" for name, item in value.items()) or "-"
    if isinstance(value, list | tuple):
        return ", ".join(map(text, value)) or "-"
    return str(value)


def plain(value: Any) -> Any:
    """What JSON cannot hold by itself."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, Path | datetime):
        return str(value)
    return str(value)


def moment(epoch: float | None, zone: tzinfo = UTC) -> str | None:
    """A moment as ISO text with seconds."""
    return None if epoch is None else datetime.fromtimestamp(epoch, zone).isoformat(timespec="seconds")


def age(seconds: float | None) -> str:
    """``3 h 20 m``, ``2 hari``: the two largest parts."""
    if seconds is None:
        return "-"
    whole = int(seconds)
    days, hours, minutes = whole // 86400, whole // 3600 % 24, whole // 60 % 60
    if days:
        return f"{days} hari {hours} jam" if hours else f"{days} hari"
    return f"{hours} jam {minutes} mnt" if hours else f"{minutes} mnt {whole % 60} dtk"


def reason(stored: str | None, *, english: bool = False) -> str | None:
    """A reason out of the ledger, in Bahasa Indonesia."""
    data = reason_data(stored)
    return None if data is None else data["en" if english else "id"]


def reason_data(stored: str | None) -> dict[str, str] | None:
    """The same with both languages and who can mend it, for ``--json``."""
    if not stored:
        return None
    found: dict[str, str] = json.loads(stored)
    return found
