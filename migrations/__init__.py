"""The schema's history, for Alembic: `gemel migrate` walks it."""
