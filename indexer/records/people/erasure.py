"""Deletes what reviews, changes that can be undone and imports still hold of deleted identities."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

_WITH_MERGED = text("""
WITH RECURSIVE forgotten (id) AS (
    SELECT unnest(CAST(:identity_ids AS uuid[]))
    UNION
    SELECT merged.other_id
    FROM forgotten CROSS JOIN LATERAL (
        SELECT other_id FROM person_change
        WHERE identity_id = forgotten.id AND kind = 'merge' AND undone_at IS NULL
        OFFSET 0
    ) AS merged
)
SELECT id FROM forgotten
""")
"""An identity includes those that were merged into it: their names are in `person_change`. By its index for
each, since a clustering leaves a row for every face (OFFSET 0: never joined to the whole table)."""

_FORGET = text("""
WITH changes AS (
    DELETE FROM person_change
    WHERE identity_id = ANY(CAST(:forgotten AS uuid[])) OR other_id = ANY(CAST(:forgotten AS uuid[]))
), files AS (
    DELETE FROM import_file WHERE identity_id = ANY(CAST(:forgotten AS uuid[]))
), namesakes AS (
    DELETE FROM import_file
    USING identity JOIN import_job ON import_job.gallery_id = identity.gallery_id
    WHERE identity.id = ANY(CAST(:identity_ids AS uuid[])) AND import_file.import_id = import_job.id
        AND import_file.external_id = identity.external_id
), pairs AS (
    DELETE FROM distinct_people
    WHERE lower_id = ANY(CAST(:forgotten AS uuid[])) OR higher_id = ANY(CAST(:forgotten AS uuid[]))
)
DELETE FROM review
WHERE identity_id = ANY(CAST(:forgotten AS uuid[])) OR other_id = ANY(CAST(:forgotten AS uuid[]))
""")
"""Files that wait are deleted too, or they would enrol the person again; a worker that holds one finds that
it no longer does. No subqueries: PostgreSQL would read whole tables while the gallery is locked."""

_UNNAME = text("""
UPDATE import_file SET message = 'this person looked like another, who was deleted later'
FROM identity JOIN import_job ON import_job.gallery_id = identity.gallery_id
    CROSS JOIN LATERAL concat(
        'this person looks like identity ', coalesce(identity.external_id, CAST(identity.id AS text))
    ) AS begin
WHERE identity.id = ANY(CAST(:identity_ids AS uuid[])) AND import_file.import_id = import_job.id
    AND import_file.state = 'rejected' AND import_file.code = 'duplicate_identity'
    AND (starts_with(message, begin || ',') OR starts_with(message, begin || ' and '))
""")
"""Files of others that were rejected because they look like the person, whom their message names."""


_FORGET_ESTIMATES = text("""
UPDATE import_file SET estimates = NULL
WHERE identity_id = ANY(CAST(:forgotten AS uuid[])) AND sha256 = ANY(:digests) AND estimates IS NOT NULL
""")


def forget_estimates(session: Session, identity_id: UUID, digests: Collection[bytes]) -> None:
    """What imports have estimated of faces of the identity, or of those that were merged into it. `digests`:
    SHA-256 of their photographs. The faces are deleted, or become somebody else's: with that person, nothing
    would lead from the face to the import."""
    forgotten = session.scalars(_WITH_MERGED, {"identity_ids": [str(identity_id)]})
    session.execute(
        _FORGET_ESTIMATES,
        {"forgotten": [str(each) for each in forgotten], "digests": list(digests)},
    )


def forget(session: Session, identity_ids: Collection[UUID]) -> None:
    """Of the identities and of all that were merged into them. The caller holds the gallery's lock and
    deletes the identities."""
    ids = {"identity_ids": [str(identity_id) for identity_id in identity_ids]}
    forgotten = [str(identity_id) for identity_id in session.scalars(_WITH_MERGED, ids)]
    session.execute(_FORGET, {**ids, "forgotten": forgotten})
    session.execute(_UNNAME, ids)
