"""Run by Alembic, on the connection that `indexer.records.database.schema` passes."""

from alembic import context
from sqlalchemy import text

from indexer.records.tables import Base

connection = context.config.attributes["connection"]
# While a migration waits for a lock, every later query on the table waits too: it should fail soon.
connection.execute(text("SET LOCAL lock_timeout = '10s'"))
context.configure(connection=connection, target_metadata=Base.metadata)
with context.begin_transaction():
    context.run_migrations()
