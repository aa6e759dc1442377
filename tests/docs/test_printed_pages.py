"""Printed pages say what the code says, and every hook, setting, command, reason and switch has its place on one.

Stale? ``python -m jknbridge.documents`` prints them anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from jknbridge.cli.common import App, Exit
from jknbridge.cli.config import leaves
from jknbridge.cli.group import cli
from jknbridge.clock import SystemClock
from jknbridge.documents import documents_settings, filled, table
from jknbridge.ledger.schema import metadata
from jknbridge.plugins import Plugins
from jknbridge.sandbox.admin import PREFIX, Admin
from jknbridge.sandbox.faults import KINDS
from jknbridge.sandbox.server import Sandbox
from jknbridge.settings import parse
from jknbridge.spec import Specs

PAGES = (
    "adapters.md", "commands.md", "events.md", "ledger.md", "operations.md", "reasons.md", "sandbox.md", "settings.md",
    "schemas/jkn.hasil.v1.json", "schemas/jkn.kbk.kontak.v1.json",
)  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_what_the_code_prints(name: str, printed: dict[str, Any], docs: Path) -> None:
    assert (docs / name).read_text(encoding="utf-8") == printed["pages"][name]


def test_no_other_page_is_printed(printed: dict[str, Any]) -> None:
    assert sorted(printed["pages"]) == sorted(PAGES)


def test_every_reason_has_its_row_in_both_languages(printed: dict[str, Any], docs: Path) -> None:
    page = (docs / "reasons.md").read_text(encoding="utf-8")
    assert len(printed["reasons"]) > 100
    for code, row in printed["reasons"].items():
        assert f"| `{code}` |" in page
        assert table((f"`{code}`", *row), ()).splitlines()[0] in page


def test_every_setting_has_its_row(plugins: Plugins, docs: Path) -> None:
    """The keys come from a whole config as ``config show`` walks it."""
    page = (docs / "settings.md").read_text(encoding="utf-8")
    target = {"base_url": "http://x", "mulai": "2026-01-01", "cons_id": "1", "secret_key": "x", "user_key": "x"}
    target |= {"username": "x", "password": "x"}
    config = {
        "sumber": {"emr": {"topics": ["fhir.encounter"], "mulai_dari": "awal"}},
        "faskes": {"99990001": {"zona": "WIB", "pcare": target}},
    }
    keys = {path[-1] for path, _, _ in leaves(parse(config, plugins))}
    assert len(keys) > 60
    assert sorted(key for key in keys if f"| `{key}` |" not in page) == []


def test_every_secret_is_marked(plugins: Plugins, docs: Path) -> None:
    page = (docs / "settings.md").read_text(encoding="utf-8")
    for name in ("kunci", "kunci_samaran", "secret_key", "user_key", "password", "sasl_plain_password", "ssl_password"):
        assert f"| `{name}` | text, **secret** |" in page
    fields = [field for _, _, fields in documents_settings.sections(plugins) for field in fields.values()]
    assert [field for field in fields if not field.description] == []


def test_every_command_has_its_heading(plugins: Plugins, docs: Path) -> None:
    page = (docs / "commands.md").read_text(encoding="utf-8").splitlines()
    names = list(_commands(cli, _context(plugins), "jknbridge"))
    assert {"jknbridge run", "jknbridge demo", "jknbridge mapping set"} <= set(names)
    assert [name for name in names if f"## {name}" not in page and f"### {name}" not in page] == []
    assert [code for code in Exit if f"| `{code.value}` | {code.meaning} |" not in page] == []


def _context(plugins: Plugins) -> click.Context:
    app = App()
    app.plugins = plugins
    return click.Context(cli, obj=app)


def _commands(group: click.Group, context: click.Context, path: str) -> Iterator[str]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield f"{path} {name}"
        if isinstance(command, click.Group):
            yield from _commands(command, context, f"{path} {name}")


def test_every_hook_is_on_the_adapters_page(docs: Path) -> None:
    page = (docs / "adapters.md").read_text(encoding="utf-8")
    hooks = [name for name in vars(Specs) if name.startswith("jknbridge_")]
    assert len(hooks) >= 5
    assert [name for name in hooks if f"| `{name}(" not in page] == []


def test_every_table_of_the_ledger_is_named(docs: Path) -> None:
    page = (docs / "ledger.md").read_text(encoding="utf-8").splitlines()
    assert [name for name in metadata.tables if f"## {name}" not in page] == []


def test_the_sandbox_page_names_every_call_switch_and_fault(plugins: Plugins, docs: Path) -> None:
    page = (docs / "sandbox.md").read_text(encoding="utf-8")
    _, answer = Admin(Sandbox([])).handle("GET", (PREFIX, "-"), "", b"")
    assert [call for call in answer["calls"] if f"| `{call}` |" not in page] == []
    target = plugins.sandboxes()["pcare"](SystemClock())
    assert [option.name for option in target.options if f"| `{option.name}` |" not in page] == []
    assert [name for name in target.operations if f"`{name}`" not in page] == []
    assert [name for name in KINDS if f"| `{name}` |" not in page] == []


def test_a_cell_cannot_break_its_table() -> None:
    assert table(("a",), [("x|y\nz <b> `<c>`",)]).splitlines()[2] == "| x\\|y z &lt;b&gt; `<c>` |"


def test_a_marked_place_that_nobody_prints_is_refused() -> None:
    with pytest.raises(LookupError, match="nobody"):
        filled("<!-- printed: nobody -->\n<!-- end -->", {})
