"""Attacks two server processes of its own with a PostgreSQL of its own, all on 127.0.0.1.

Prints a table of what was tried, and exits with 1 if anything got through. Takes some minutes.
"""

KINDS = (
    *("guessing", "timing", "scopes", "paths", "lifecycle", "sessions", "cross_site", "headers", "injection"),
    *("privilege", "races"),
)
