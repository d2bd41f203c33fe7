"""The connection to PostgreSQL: URL, sessions and transactions, schema revision, the driver's errors."""
