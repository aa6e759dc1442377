"""What every command shares: the application object, the options, the exit codes.

A plugin's command looks like ours::

    @click.command("ping")
    @shared_options
    @pass_app
    def ping(app: App) -> None:
        with app.host() as host:
            app.show({"worker": host.worker}, f"worker {host.worker}")

Nothing is opened before it is asked for: plugins and settings are read once, the ledger when :meth:`App.ledger` or
:meth:`App.host` is entered.
"""

from __future__ import annotations

import functools
import getpass
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from jknbridge.cli.output import Printer
from jknbridge.errors import StartRefused

if TYPE_CHECKING:
    from jknbridge.clock import Clock
    from jknbridge.decisions import Person
    from jknbridge.host import Host
    from jknbridge.ledger.engine import Ledger
    from jknbridge.logs import Format
    from jknbridge.masking import Masker
    from jknbridge.plugins import Plugins
    from jknbridge.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])
CONFIG = Path("jknbridge.toml")
CONFIG_VARIABLE = "JKNBRIDGE_CONFIG"
WHO_VARIABLE = "JKNBRIDGE_OLEH"


class Exit(IntEnum):
    """Exit codes, the same for every command."""

    OK = 0
    FINDING = 1
    USAGE = 2
    START_REFUSED = 3
    LEDGER_BUSY = 4
    NEEDS_PERSON = 5
    DEFECT = 70
    INTERRUPTED = 130

    @property
    def meaning(self) -> str:
        return _MEANINGS[self]


_MEANINGS = {
    Exit.OK: "selesai tanpa temuan / done, nothing found",
    Exit.FINDING: "ada temuan: jumlah tidak cocok, pemeriksaan gagal / a finding: a sum or a check disagrees",
    Exit.USAGE: "perintah atau opsi salah / wrong command or option",
    Exit.START_REFUSED: "tidak dapat mulai: konfigurasi, plugin, buku besar / start refused: config, plugin, ledger",
    Exit.LEDGER_BUSY: "buku besar sedang dipakai; coba lagi / the ledger is busy; try again",
    Exit.NEEDS_PERSON: "keputusan ini tidak dapat diambil begitu saja / this may not be decided like that",
    Exit.DEFECT: "kesalahan program / a defect of the program",
    Exit.INTERRUPTED: "dihentikan / interrupted",
}


@dataclass
class App:
    """One run of the command line. A test brings its own plugins (``extra``, ``entry_points``) and ``clock``."""

    config: Path | None = None
    ledger_url: str | None = None
    as_json: bool = False
    log_level: str | None = None
    log_format: Format = "auto"
    extra: Sequence[object] = ()
    entry_points: bool = True
    clock: Clock | None = None
    overrides: dict[str, Any] = field(default_factory=dict)

    # --- plugins and settings -----------------------------------------------------------------------------------------

    @cached_property
    def plugins(self) -> Plugins:
        from jknbridge.plugins import build

        return build(self.extra, files=self._plugin_files(), entry_points=self.entry_points)

    @cached_property
    def settings(self) -> Settings:
        """The effective settings. Raises :class:`StartRefused` naming each wrong key."""
        from jknbridge.masking import secrets_of
        from jknbridge.settings import load

        overrides = dict(self.overrides)
        if self.ledger_url is not None:
            overrides["ledger"] = {**overrides.get("ledger", {}), "url": _url(self.ledger_url)}
        settings = load(self.config_path, self.plugins, overrides)
        self.masker.learn(secrets_of(settings))
        return settings

    @property
    def config_path(self) -> Path | None:
        """The config file: named, from the environment, or ``jknbridge.toml`` here; ``None`` if there is none."""
        if self.config is not None:
            return self.config
        if named := os.environ.get(CONFIG_VARIABLE):
            return Path(named)
        return CONFIG if CONFIG.exists() else None

    def _plugin_files(self) -> list[Path]:
        """Single-file plugins must be known before the settings can be validated, so their key is read first."""
        import tomllib

        path = self.config_path
        try:
            raw = tomllib.loads(path.read_text(encoding="utf-8")) if path else {}
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
            return []  # the settings will say what is wrong with it
        named = raw.get("plugins")
        return [path.parent / str(item) for item in named] if path and isinstance(named, list) else []

    # --- ledger and host ----------------------------------------------------------------------------------------------

    @contextmanager
    def ledger(self, *, create: bool = False, migrate: bool = False) -> Iterator[Ledger]:
        """The ledger, for reading and deciding beside a running worker. ``create``: make it where there is none yet.

        ``migrate``: bring an old schema up to date. Only ``run`` and ``migrate`` ask for that: a command must not
        change the ledger under a worker of another version.
        """
        from jknbridge.ledger.engine import open_ledger

        own = self.settings.ledger
        file = ledger_file(own.url)
        fresh = file is not None and not file.exists()
        if fresh and not create:
            raise StartRefused(f"belum ada buku besar di {file} / there is no ledger at {file}")
        ledger = open_ledger(own, migrate=migrate or fresh)
        try:
            yield ledger
        finally:
            ledger.close()

    @contextmanager
    def host(self, *, create: bool = False, migrate: bool = False) -> Iterator[Host]:
        """A host over that ledger: commands decide with it, ``run`` and a plugin's own commands run it."""
        from jknbridge.host import Host

        with self.ledger(create=create, migrate=migrate) as ledger:
            yield Host(self.settings, self.plugins, clock=self.clock, ledger=ledger)

    def now(self) -> float:
        import time

        return self.clock.now() if self.clock is not None else time.time()

    # --- people and output --------------------------------------------------------------------------------------------

    def person(self, who: str | None, why: str | None) -> Person:
        """Who decides, for the audit row. At a terminal the reason is asked for; a script may leave it out."""
        from jknbridge.decisions import Person

        if not why and sys.stdin.isatty() and not self.as_json:
            why = click.prompt("Alasan / reason", err=True)
        return Person(who or _user(), why or None)

    @cached_property
    def masker(self) -> Masker:
        from jknbridge.masking import Masker

        return Masker()

    def show(self, data: Any, text: str | Callable[[Printer], None]) -> None:
        """The command's answer on stdout: ``data`` with ``--json``, else ``text`` (or what it prints)."""
        printer = Printer()
        if self.as_json:
            printer.json(data)
        elif callable(text):
            text(printer)
        else:
            printer.line(text)

    def start_logs(self, level: str = "WARNING") -> None:
        """Logs to stderr, masked. ``level`` where none was asked for."""
        from jknbridge.logs import configure

        configure(self.masker, level=self.log_level or level, form="json" if self.as_json else self.log_format)


def pass_app(command: Callable[..., Any]) -> Callable[..., Any]:
    """Hand the :class:`App` to a command as its first argument, when every option has been read and logs are set up."""

    @functools.wraps(command)
    def call(*args: Any, **kwargs: Any) -> Any:
        app = click.get_current_context().ensure_object(App)
        app.start_logs()
        return command(app, *args, **kwargs)

    return call


def finish(code: Exit) -> NoReturn:
    """End the command with an exit code."""
    click.get_current_context().exit(int(code))


def ledger_file(url: str) -> Path | None:
    """The file of a SQLite ledger; ``None`` for another database or one in memory."""
    scheme, mark, rest = url.partition(":///")
    plain = rest.partition("?")[0]
    return Path(plain) if mark and scheme.startswith("sqlite") and plain not in ("", ":memory:") else None


def _url(text: str) -> str:
    return text if "://" in text else f"sqlite:///{text}"


def _user() -> str:
    try:
        return os.environ.get(WHO_VARIABLE) or getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        return f"uid {os.getuid()}"


# --- options ----------------------------------------------------------------------------------------------------------


def _keep(name: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    """An option that may stand before or after the command's name: whoever gives it, the application keeps it."""

    def keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        if value not in (None, False):
            setattr(context.ensure_object(App), name, value)

    return keep


def shared_options(command: F) -> F:
    """``--config``, ``--ledger``, ``--json``, ``--log-level``, ``--log-format``: for every command."""
    options = (
        click.option(
            "--config",
            type=click.Path(path_type=Path, dir_okay=False),
            help=f"Berkas konfigurasi TOML / config file [${CONFIG_VARIABLE}, {CONFIG}]",
            **_kept("config"),
        ),
        click.option(
            "--ledger",
            "ledger_url",
            metavar="FILE|URL",
            help="Buku besar lain daripada di konfigurasi / another ledger than the config's",
            **_kept("ledger_url"),
        ),
        click.option("--json", is_flag=True, help="Keluaran untuk mesin / machine-readable output", **_kept("as_json")),
        click.option(
            "--log-level",
            type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"]),
            help="Log ke stderr / logs on stderr",
            **_kept("log_level"),
        ),
        click.option(
            "--log-format", type=click.Choice(["auto", "json", "teks"]), help="Bentuk log", **_kept("log_format")
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _kept(name: str) -> dict[str, Any]:
    return {"expose_value": False, "is_eager": True, "callback": _keep(name)}


def person_options(command: F) -> F:
    """``--oleh`` and ``--alasan``: who decides and why."""
    for option in (
        click.option("--alasan", "why", help="Mengapa / why (dicatat / audited)"),
        click.option("--oleh", "who", help=f"Siapa yang memutuskan / who decides [${WHO_VARIABLE}, pengguna / user]"),
    ):
        command = option(command)
    return command
