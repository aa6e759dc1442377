"""The reference pages of ``docs/``, printed from the code that they describe (HOUSE 8, 9, 11).

``python -m jknbridge.documents`` rewrites them, ``--check`` only names those that are stale (exit code 1). Two forms:

* :func:`pages`: whole files (settings, commands, reasons, ledger, JSON Schemas).
* :func:`blocks`: tables inside hand-written pages, between ``<!-- printed: name -->`` and ``<!-- end -->``.

Pure: plugins in, texts out; only :func:`main` touches files. Run it in a process of its own: which reasons exist
depends on what has been imported, and a test's own reasons do not belong on a page. Not for ``docs/asyncapi.yaml``,
which is written by hand and held to the models by a test.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel

from jknbridge import contacts, documents_settings, events, reasons
from jknbridge.plugins import Plugins, build

HEAD = "<!-- Printed by `python -m jknbridge.documents`: change the code it names, not this page. -->\n\n"
_BLOCK = re.compile(r"(?P<open><!-- printed: (?P<name>[\w.-]+) -->\n).*?(?P<close><!-- end -->)", re.DOTALL)
SCHEMAS: Mapping[str, type[BaseModel]] = {contacts.TOPIC: contacts.Kontak, events.RESULT_TOPIC: events.Hasil}
"""Topic → the model of its values."""


def pages(plugins: Plugins) -> dict[str, str]:
    """Path under ``docs/`` → text, for the files that are printed whole."""
    whole = {
        "settings.md": HEAD + documents_settings.page(plugins),
        "commands.md": HEAD + commands_page(plugins),
        "reasons.md": HEAD + reasons_page(known_reasons(plugins)),
        "ledger.md": HEAD + ledger_page(),
    }
    return whole | {f"schemas/{topic}.json": schema_text(topic, model) for topic, model in SCHEMAS.items()}


def blocks(plugins: Plugins) -> dict[str, str]:
    """Name → table, for the marked places of hand-written pages."""
    made = {
        "hooks": hooks_table(),
        "exit-codes": exit_codes_table(),
        "sandbox.faults": faults_table(),
        "fields.kontak": fields_table(contacts.Kontak),
        "fields.hasil": fields_table(events.Hasil),
    }
    for name, factory in plugins.sandboxes().items():
        made[f"sandbox.{name}.options"] = options_table(factory)
        made[f"sandbox.{name}.operations"] = operations_table(factory)
    return made


def filled(text: str, tables: Mapping[str, str]) -> str:
    """A hand-written page with its marked places filled. Raises :class:`LookupError` for a name nobody prints."""

    def fill(found: re.Match[str]) -> str:
        if found["name"] not in tables:
            raise LookupError(f"no table is printed as {found['name']!r}")
        return f"{found['open']}{tables[found['name']]}{found['close']}"

    return _BLOCK.sub(fill, text)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; ``|``, line ends and what looks like an HTML tag are made harmless inside cells."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join("| " + " | ".join(_cell(cell) for cell in line) + " |\n" for line in lines)


def _cell(text: str) -> str:
    parts = " ".join(text.split()).replace("|", "\\|").split("`")
    parts[::2] = [
        part.replace("<", "&lt;").replace(">", "&gt;") for part in parts[::2]
    ]  # code stands between backticks
    return "`".join(parts)


# --- commands ---------------------------------------------------------------------------------------------------------


def commands_page(plugins: Plugins) -> str:
    """Every command with its usage, help and options, as click knows them."""
    from jknbridge.cli.common import App
    from jknbridge.cli.group import cli

    app = App()
    app.plugins = plugins
    context = click.Context(cli, info_name="jknbridge", obj=app)
    shared: set[str | None] = {parameter.name for parameter in cli.params}
    parts = [
        "# Commands\n\n",
        "Help texts are in Bahasa Indonesia with English beside them. Commands that read or decide work beside a\n"
        "running `jknbridge run`; every decision is kept with who, when and why (`jknbridge audit`).\n\n",
        "## Options of every command\n\nThey may stand before or after the command's name.\n\n",
        table(("Option", "Meaning"), (_option(p, context) for p in cli.params)),
        "\n## Exit codes\n\n",
        exit_codes_table(),
    ]
    for path, command in _walk(cli, context, ()):
        parts.append(_command(path, command, context, shared))
    return "".join(parts)


def _walk(
    group: click.Group, context: click.Context, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from _walk(command, context, (*path, name))


def _command(path: tuple[str, ...], command: click.Command, parent: click.Context, shared: set[str | None]) -> str:
    context = click.Context(command, info_name=" ".join(path), parent=parent)
    usage = " ".join(["jknbridge", *path, *command.collect_usage_pieces(context)])
    heading = f"\n{'#' * (len(path) + 1)} jknbridge {' '.join(path)}\n\n`{usage}`\n\n"
    text = heading + _help(inspect.cleandoc(command.help or "")) + "\n"
    own = [p for p in command.params if p.name not in shared and not getattr(p, "hidden", False)]
    rows = [_option(parameter, context) for parameter in own if isinstance(parameter, click.Option)]
    return text + ("\n" + table(("Option", "Meaning"), rows) if rows else "")


def _help(text: str) -> str:
    """Help as Markdown: a paragraph that click prints line by line (``\\b``) becomes a block."""
    paragraphs = [part.strip() for part in re.split(r"\n\s*\n", text)]
    return "\n\n".join(
        f"```text\n{part.removeprefix(chr(8)).strip(chr(10))}\n```" if part.startswith("\b") else part
        for part in paragraphs
    )


def _option(parameter: click.Parameter, context: click.Context) -> tuple[str, str]:
    record = parameter.get_help_record(context)
    assert record is not None, f"{parameter.name} has no help"
    return f"`{record[0]}`", record[1]


def exit_codes_table() -> str:
    from jknbridge.cli.common import Exit

    return table(("Code", "Meaning"), ((f"`{code.value}`", code.meaning) for code in Exit))


# --- reasons ----------------------------------------------------------------------------------------------------------


def known_reasons(plugins: Plugins) -> reasons.Table:
    """Every reason of the host and of the plugins' packages; imports all their modules, the testing kit's excepted."""
    for root in ["jknbridge", *sorted(_packages(plugins))]:
        package = importlib.import_module(root)
        for module in pkgutil.walk_packages(package.__path__, f"{root}."):
            if not re.search(r"\.testing(\.|$)|\.migrations(\.|$)|\.__main__$", module.name):
                importlib.import_module(module.name)
    return reasons.registered()


def _packages(plugins: Plugins) -> set[str]:
    """Top-level packages of whatever the plugins bring."""
    brought = [*map(type, plugins.adapters.values()), *plugins.settings().values(), *plugins.sandboxes().values()]
    return {str(one.__module__).partition(".")[0] for one in brought}


def reasons_page(rows: reasons.Table) -> str:
    """One table for each room (the code's first word), both languages and who can mend it."""
    rooms: dict[str, list[tuple[str, str, str, str]]] = {}
    for code, (id_, en, who) in rows.items():
        rooms.setdefault(code.partition(".")[0], []).append((f"`{code}`", id_, en, who))
    text = (
        "# Reasons\n\n"
        "Why something waits, was refused or went to the dead letters. The same code stands in `--json`, in\n"
        "`jkn.hasil.v1` and in the header `x-jkn-reason`. Words in braces are filled in, never with patient data.\n\n"
        "*Who* can mend it: IT (operations), klinik (the staff who record visits), integrator (whoever connects the\n"
        "EMR), BPJS (nobody here: it is asked or tried again).\n"
    )
    for room, lines in rooms.items():
        text += f"\n## {room}\n\n" + table(("Code", "Bahasa Indonesia", "English", "Who"), lines)
    return text


# --- ledger -----------------------------------------------------------------------------------------------------------

_TABLE_LINE = re.compile(r'^\s+"(\w+)",$')
_COLUMN_NOTE = re.compile(r'^\s+Column\("(\w+)".*\),\s+# (.+)$')


def ledger_page() -> str:
    """Every table and column, with the comments of ``ledger/schema.py``."""
    from jknbridge.ledger import schema

    notes = _notes(inspect.getsource(schema))
    text = "# The ledger's tables\n\n" + (
        "Read it with `jknbridge report`, `journeys` and `submissions`; write it only through commands. Moments are\n"
        "seconds since the epoch (UTC). `*_box` columns are sealed (AES-256-GCM, a data key per patient), `*_hmac`\n"
        "columns are keyed digests: neither can be read without the master key.\n"
    )
    for made in schema.metadata.tables.values():
        comment = f"{made.comment}.\n\n" if made.comment else ""
        rows = []
        for column in made.columns:
            marks = ["key"] if column.primary_key else []
            marks += [f"→ {key.target_fullname}" for key in column.foreign_keys]
            marks += [] if column.nullable or column.primary_key else ["required"]
            note = notes.get((made.name, column.name), "")
            rows.append((f"`{column.name}`", str(column.type).lower(), ", ".join(marks), note))
        text += f"\n## {made.name}\n\n{comment}" + table(("Column", "Type", "", "Meaning"), rows)
    return text


def _notes(source: str) -> dict[tuple[str, str], str]:
    """Trailing comments of the column lines: the schema's own documentation."""
    notes: dict[tuple[str, str], str] = {}
    here = ""
    for line in source.splitlines():
        if found := _TABLE_LINE.match(line):
            here = found[1]
        elif found := _COLUMN_NOTE.match(line):
            notes[here, found[1]] = found[2]
    return notes


# --- events and hooks -------------------------------------------------------------------------------------------------


def schema_text(topic: str, model: type[BaseModel]) -> str:
    """The JSON Schema of a topic's values as they are sent."""
    schema = model.model_json_schema(mode="serialization")
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"urn:jknbridge:schema:{topic}"}
    return json.dumps({**head, **schema}, ensure_ascii=False, indent=2) + "\n"


def fields_table(model: type[BaseModel]) -> str:
    rows = ((f"`{name}`", field.description or "") for name, field in model.model_fields.items())
    return table(("Field", "Meaning"), rows)


def hooks_table() -> str:
    from jknbridge.spec import Specs

    hooks = {name: hook for name, hook in vars(Specs).items() if name.startswith("jknbridge_")}
    rows = []
    for name, hook in hooks.items():
        arguments = ", ".join(n for n in inspect.signature(hook).parameters if n != "self")
        told = (inspect.getdoc(hook) or "").replace("``", "`")
        rows.append((f"`{name}({arguments})`", f"`{hook.__annotations__['return']}`", told))
    return table(("Hook", "Returns", "What and when"), rows)


# --- sandbox ----------------------------------------------------------------------------------------------------------


def options_table(factory: Any) -> str:
    from jknbridge.clock import SystemClock

    rows = []
    for option in factory(SystemClock()).options:
        choices = ", ".join(f"`{json.dumps(choice)}`" for choice in option.choices) or option.type
        rows.append((f"`{option.name}`", f"`{json.dumps(option.default)}`", choices, option.description, option.source))
    return table(("Switch", "Default", "Values", "Meaning", "Contract"), rows)


_KINDS = ((True, "writes"), (False, "reads"))


def operations_table(factory: Any) -> str:
    from jknbridge.clock import SystemClock

    kinds = {True: "writes", False: "reads"}
    found = factory(SystemClock()).operations.items()
    rows = (
        (kind, ", ".join(f"`{name}`" for name, writes in found if writes is wanted)) for wanted, kind in kinds.items()
    )
    return table(("", "Operations"), rows)


def faults_table() -> str:
    from jknbridge.sandbox.faults import KINDS

    rows = ((f"`{k.name}`", k.on, k.effect, str(k.ms) if k.ms else "", k.description) for k in KINDS.values())
    return table(("Kind", "Strikes", "Effect", "`ms`", "What happens"), rows)


# --- files ------------------------------------------------------------------------------------------------------------


def rendered(docs: Path, plugins: Plugins) -> dict[Path, str]:
    """Every page under ``docs`` that is printed in whole or in part → what it should say."""
    tables = blocks(plugins)
    texts = {docs / name: text for name, text in pages(plugins).items()}
    for path in sorted(docs.glob("*.md")):
        if path not in texts and _BLOCK.search(text := path.read_text(encoding="utf-8")):
            texts[path] = filled(text, tables)
    return texts


def stale(docs: Path, plugins: Plugins) -> dict[Path, str]:
    """Those that say something else, or are missing."""
    texts = rendered(docs, plugins)
    return {path: text for path, text in texts.items() if not path.exists() or path.read_text("utf-8") != text}


@click.command()
@click.argument("docs", type=click.Path(path_type=Path, file_okay=False, exists=True), default="docs")
@click.option("--check", is_flag=True, help="Name what is stale and change nothing.")
def main(docs: Path, check: bool) -> None:
    """Rewrite the printed pages under DOCS."""
    old = stale(docs, build())
    for path, text in old.items():
        click.echo(path)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    sys.exit(1 if check and old else 0)


if __name__ == "__main__":
    main()
