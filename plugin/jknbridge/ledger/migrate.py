"""Schema versions of the ledger, by alembic. A ledger file of every released schema is kept in tests and resumed.

alembic takes half a second to import, so it is only loaded when there is something to migrate.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect

from jknbridge import checkpoints
from jknbridge.errors import StartRefused

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0001"
"""The newest revision under ``migrations/versions`` (a test holds the two together)."""

_HERE = Path(__file__).parent / "migrations"


def config(connection: Connection | None = None) -> Config:
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", str(_HERE))
    made.set_main_option("path_separator", "os")
    made.attributes["connection"] = connection
    return made


def bring_up_to_date(engine: Engine, *, allowed: bool) -> None:
    """Migrate to the newest schema, or only verify where ``allowed`` is false (no DDL rights).

    Raises :class:`StartRefused` for a ledger newer than this program, or an old one that may not be migrated.
    """
    with engine.connect() as connection:
        here = _revision(connection)
    if here == HEAD:
        return
    if here is not None and not any((_HERE / "versions").glob(f"{here}_*.py")):
        raise StartRefused(f"the ledger was written by a newer jknbridge (schema {here}): start that version")
    if not allowed:
        raise StartRefused(
            f"the ledger has schema {here or 'none'}, this program needs {HEAD}: run `jknbridge migrate`"
        )
    from alembic import command

    with engine.connect().execution_options(writer=True) as connection, connection.begin():
        checkpoints.reached("migrate.before")
        command.upgrade(config(connection), "head")
        checkpoints.reached("migrate.after")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return str(revision) if revision is not None else None
