"""Statistics of tables that were filled since PostgreSQL analysed them while they were empty.

Autovacuum analyses a table up to a minute after it has changed. Until then PostgreSQL takes such a table for
empty, and reads it whole for each row of another: a join of 10,000 faces takes a minute, and one of 100,000
hours (docs/decisions/0040).
"""

import logging

from sqlalchemy import text
from sqlalchemy.orm import Session

log = logging.getLogger(__name__)

_STALE = text("""
SELECT NOT pg_is_in_recovery() AND EXISTS (
    SELECT FROM pg_class
    WHERE oid IN ('face'::regclass, 'embedding'::regclass) AND reltuples >= 0
        AND 1000 + 10 * reltuples < (SELECT sum(face_count) FROM gallery)
)
""")
"""A table that was never analysed has -1 rows; PostgreSQL then estimates their number from its size."""
_ANALYZE = text("ANALYZE (SKIP_LOCKED) change, identity, face, embedding, person_template")


def refresh_if_stale(session: Session) -> None:
    """Analyses the tables of faces if PostgreSQL takes one of them for almost empty that is not. A table that
    another session analyses now is left to it. A role that may not analyse them gets a warning of PostgreSQL,
    and autovacuum does it later."""
    if session.scalar(_STALE):
        log.info("the tables of faces were filled since PostgreSQL analysed them: analysing them now")
        session.execute(_ANALYZE)
