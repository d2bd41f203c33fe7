"""A gallery's index in this process, synchronised with PostgreSQL.

A search asks `cache`, which has a `gallery_index` for each gallery and model: it reads the tail of the log
and applies it. `builds` runs openings and rebuilds in the background, `store` gets an index from the disk or
from PostgreSQL, `rebuild_policy` says when one is rebuilt, `sync` follows the log, `heartbeat` reports.
"""
