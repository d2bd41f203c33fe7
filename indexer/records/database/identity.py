"""Which database this is: to notice that two machines were given different ones."""

import hashlib

from sqlalchemy import text

from indexer.records.database.session import Database


def digest(database: Database) -> str:
    """16 hexadecimal digits. A standby has that of its primary, as a restored copy of files has.

    Raises DatabaseUnavailable.
    """
    with database.reading() as session:
        row = session.execute(text("SELECT system_identifier, current_database() FROM pg_control_system()"))
        number, name = row.one()
    return hashlib.sha256(f"{number}/{name}".encode()).hexdigest()[:16]
