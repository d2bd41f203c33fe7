"""The database schema's migrations, for Alembic. `gemel migrate` runs them."""
