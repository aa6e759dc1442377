"""``jknbridge config``: the effective settings, secrets masked, and where each value comes from."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

import click
from pydantic import BaseModel, SecretBytes, SecretStr

from jknbridge.cli.common import App, pass_app, shared_options
from jknbridge.cli.output import Printer
from jknbridge.masking import is_secret_name

_MASK = "********"


@click.group()
@shared_options
def config() -> None:
    """Konfigurasi / settings."""


@config.command()
@click.option("--semua", "whole", is_flag=True, help="Termasuk nilai bawaan / defaults too")
@shared_options
@pass_app
def show(app: App, whole: bool) -> None:
    """Yang berlaku, rahasia ditutup, dengan asalnya / what is in force, secrets masked, and where it comes from."""
    settings = app.settings
    raw = _raw(app)
    environment = {".".join(_path(name)) for name in os.environ if name.startswith("JKNBRIDGE__")}
    rows = [_row(*leaf, raw, environment, app) for leaf in leaves(settings)]
    shown = [row for row in rows if whole or app.as_json or row["source"] != "bawaan"]

    def text(out: Printer) -> None:
        out.line(f"# {app.config_path or 'tanpa berkas / no file'}")
        out.table(shown, {"key": "KUNCI", "value": "NILAI", "source": "ASAL", "description": "KETERANGAN"})
        if not whole:
            out.line(f"\n{len(rows) - len(shown)} nilai bawaan tidak ditampilkan / defaults not shown: --semua")

    app.show({"file": str(app.config_path) if app.config_path else None, "settings": shown}, text)


def leaves(model: BaseModel, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any, str]]:
    """Every setting as (path, value, description), along the tables of the config file."""
    for name, declared in type(model).model_fields.items():
        yield from _leaf((*path, name), getattr(model, name), declared.description or "")


def _leaf(path: tuple[str, ...], value: Any, description: str) -> Iterator[tuple[tuple[str, ...], Any, str]]:
    if isinstance(value, BaseModel):
        yield from leaves(value, path)
    elif isinstance(value, Mapping) and value and all(isinstance(item, BaseModel) for item in value.values()):
        # facilities' targets and plugins' sections stand one table higher in the file than in the model
        base = path[:-1] if path[-1] in ("targets", "bagian") else path
        for name, item in value.items():
            yield from leaves(item, (*base, str(name)))
    elif path[-1] not in ("targets", "bagian"):
        yield path, value, description


def _row(
    path: tuple[str, ...], value: Any, description: str, raw: Mapping[str, Any], environment: set[str], app: App
) -> dict[str, Any]:
    secret = isinstance(value, SecretStr | SecretBytes) or (isinstance(value, str) and is_secret_name(path[-1]))
    key = ".".join(path)
    return {
        "key": key,
        "value": (_MASK if value else value) if secret else _plain(app.masker.value(_plain(value))),
        "source": _source(path, raw, environment, app),
        "secret": secret,
        "description": description,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {str(key): _MASK if is_secret_name(str(key)) else _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, bool | int | float | str | type(None)) else str(value)


def _source(path: tuple[str, ...], raw: Mapping[str, Any], environment: set[str], app: App) -> str:
    key = ".".join(path).lower()
    if key == "ledger.url" and app.ledger_url is not None:
        return "--ledger"
    if key in environment or f"{key}_file" in environment:
        return "lingkungan"
    here: Any = raw
    for part in path:
        if not isinstance(here, Mapping) or part not in here:
            return "bawaan"
        here = here[part]
    return "berkas"


def _path(name: str) -> list[str]:
    return name.removeprefix("JKNBRIDGE__").lower().split("__")


def _raw(app: App) -> dict[str, Any]:
    return tomllib.loads(app.config_path.read_text(encoding="utf-8")) if app.config_path else {}
