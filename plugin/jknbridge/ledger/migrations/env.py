"""alembic's entry: runs on the connection that :mod:`jknbridge.ledger.migrate` hands in, inside its transaction."""

from alembic import context

from jknbridge.ledger.schema import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=connection.dialect.name == "sqlite")
with context.begin_transaction():
    context.run_migrations()
