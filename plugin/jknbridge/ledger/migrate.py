"""Schema versions of the ledger, by alembic. A ledger file of every released schema is kept in tests and resumed."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from jknbridge import checkpoints
from jknbridge.errors import StartRefused

_HERE = Path(__file__).parent / "migrations"


def config(connection: Connection | None = None) -> Config:
    made = Config()
    made.set_main_option("script_location", str(_HERE))
    made.set_main_option("path_separator", "os")
    made.attributes["connection"] = connection
    return made


def bring_up_to_date(engine: Engine, *, allowed: bool) -> None:
    """Migrate to the newest schema, or only verify where ``allowed`` is false (no DDL rights).

    Raises :class:`StartRefused` for a ledger newer than this program, or an old one that may not be migrated.
    """
    scripts = ScriptDirectory.from_config(config())
    newest = scripts.get_current_head()
    with engine.connect().execution_options(writer=True) as connection, connection.begin():
        here = MigrationContext.configure(connection).get_current_revision()
        if here == newest:
            return
        if here is not None and here not in {script.revision for script in scripts.walk_revisions()}:
            raise StartRefused(f"the ledger was written by a newer jknbridge (schema {here}): start that version")
        if not allowed:
            raise StartRefused(
                f"the ledger has schema {here or 'none'}, this program needs {newest}: run `jknbridge migrate`"
            )
        checkpoints.reached("migrate.before")
        command.upgrade(config(connection), "head")
        checkpoints.reached("migrate.after")
