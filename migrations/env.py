"""Runs inside Alembic, on the connection that `indexer.records.database.schema` hands it."""

from alembic import context
from sqlalchemy import text

from indexer.records.tables import Base

connection = context.config.attributes["connection"]
# A migration that waits for a lock stops every query behind it: better that it fails soon.
connection.execute(text("SET LOCAL lock_timeout = '10s'"))
context.configure(connection=connection, target_metadata=Base.metadata)
with context.begin_transaction():
    context.run_migrations()
