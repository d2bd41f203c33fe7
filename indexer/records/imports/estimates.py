"""Deletes what imports have estimated of faces, once their gallery no longer permits it."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from indexer.types import Attribute, needed_for

_FORGET = text("""
UPDATE import_file SET estimates = NULLIF(estimates - CAST(:forbidden AS text[]), '{}')
FROM import_job
WHERE import_job.id = import_file.import_id AND import_job.gallery_id = :gallery_id
    AND import_job.attributes && CAST(:forbidden AS text[])
    AND import_file.estimates ?| CAST(:forbidden AS text[])
""")


def forget_forbidden(session: Session, gallery_id: UUID, permitted: Collection[str]) -> None:
    """Deletes all estimates of the gallery's imports but those of `permitted` attributes; also of those that
    are made of one that is not permitted. Within the transaction that changes the policy: workers record
    estimates under the gallery's lock."""
    forbidden = [
        each.value for each in Attribute if not all(needed in permitted for needed in needed_for(each))
    ]
    session.execute(_FORGET, {"gallery_id": gallery_id, "forbidden": forbidden})
