"""Searches that matched a person, from the audit record."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from indexer.records.audit.search_details import RecordedFace, RecordedSearch
from indexer.records.tables.audit.chain import MATCHED, SEVERAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A search that matched a person."""

    number: int
    """Of the event."""
    event_id: UUID
    at: datetime
    caller: str
    search: RecordedSearch
    face: int
    """Number of the face in the search, from 0: of several that matched the person, the most similar."""
    disputed: bool
    """Whether somebody said that it was not the person."""

    @property
    def matched_face(self) -> RecordedFace:
        return self.search.faces[self.face]


def newest(
    session: Session, identity_ids: Collection[UUID], *, before: int | None, limit: int
) -> list[Sighting]:
    """At most `limit` searches with event numbers below `before` whose first candidate was one of the
    identities, and was matched, or that remembered one of them as an unknown visitor; the newest first."""
    rows = session.execute(
        _NEWEST, {"ids": [str(one) for one in identity_ids], "before": before, "limit": limit}
    )
    found = []
    for row in rows:
        search = RecordedSearch.from_json(json.loads(row.details))
        found.append(
            Sighting(
                number=row.number,
                event_id=row.id,
                at=row.at,
                caller=row.caller,
                search=search,
                face=_best(search, identity_ids),
                disputed=row.disputed,
            )
        )
    return found


def _best(search: RecordedSearch, identity_ids: Collection[UUID]) -> int:
    scores = {
        number: face.candidates[0].score
        for number, face in enumerate(search.faces)
        if face.matched and face.candidates and face.candidates[0].identity_id in identity_ids
    }
    if not scores:
        return next(number for number, face in enumerate(search.faces) if face.remembered in identity_ids)
    return max(scores, key=lambda number: scores[number])


# By three indexes: one has the first person whom a search matched, the other all who are on a photograph; the
# search that made somebody a visitor is named by the visitor's face. One person at a time, so that the first
# is read in its order. `number + 0`: PostgreSQL, which cannot know how many photographs show a person, would
# otherwise read the whole record in the order of its numbers.
NEWEST_SQL = f"""
WITH first AS (
    SELECT event.* FROM unnest(CAST(:ids AS uuid[])) AS person (id) CROSS JOIN LATERAL (
        SELECT number, id, at, caller, details::text AS details FROM audit_event
        WHERE identity_id = person.id
            AND action IN ('search.identified', 'search.searched', 'search.verified')
            AND jsonb_path_exists(details::jsonb, '$.faces[*]?(@.matched == true).candidates[0]')
            AND (CAST(:before AS bigint) IS NULL OR number < :before)
        ORDER BY number DESC LIMIT :limit
    ) AS event
), several AS (
    SELECT number, id, at, caller, details::text AS details FROM audit_event
    WHERE {SEVERAL} AND {MATCHED} ?| CAST(:ids AS text[])
        AND (CAST(:before AS bigint) IS NULL OR number + 0 < :before)
    ORDER BY number + 0 DESC LIMIT :limit
), remembered AS (
    SELECT number, id, at, caller, details::text AS details FROM audit_event
    WHERE id IN (SELECT audit_id FROM face WHERE identity_id = ANY(CAST(:ids AS uuid[])))
        AND action = 'search.identified'
        AND jsonb_path_query_array(details::jsonb, '$.faces[*].remembered') ?| CAST(:ids AS text[])
        AND (CAST(:before AS bigint) IS NULL OR number + 0 < :before)
), found AS (
    SELECT * FROM first UNION SELECT * FROM several UNION SELECT * FROM remembered
    ORDER BY number DESC LIMIT :limit
)
SELECT found.*, EXISTS (
    SELECT FROM dispute WHERE event_id = found.id AND identity_id = ANY(CAST(:ids AS uuid[]))
) AS disputed
FROM found ORDER BY number DESC
"""  # noqa: S608
_NEWEST = text(NEWEST_SQL.replace("::", r"\:\:"))
