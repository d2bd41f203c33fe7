"""The people whom a filter selects: all of them, or those who changed since.

A person is one for a search through a face. So the change log has all that a selection must follow: faces
that were enrolled, also under another identity, and identities that were updated.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from indexer.errors import GalleryNotFound
from indexer.records.filters.people_filter import PeopleFilter
from indexer.types import LogPosition, Owners

MAX_CHANGES = 10_000
"""A selection that is further behind is read again."""

_NUMBERS = "string_agg(int8send(identity.number), '')"
"""In binary, because a million numbers in text take a second to parse."""
_ALL = """
SELECT change_number, change_token, (
    SELECT {numbers} FROM identity WHERE identity.gallery_id = CAST(:gallery_id AS uuid) AND {condition}
) AS selected
FROM gallery WHERE id = CAST(:gallery_id AS uuid)
"""
_CHANGED = """
WITH touched AS (
    SELECT face_key AS number FROM change
    WHERE gallery_id = CAST(:gallery_id AS uuid) AND number > :after AND kind = 'update'
    UNION
    SELECT identity.number FROM change
    JOIN face ON face.key = change.face_key JOIN identity ON identity.id = face.identity_id
    WHERE change.gallery_id = CAST(:gallery_id AS uuid) AND change.number > :after
    AND change.kind = 'enrol' AND NOT change.is_template
), evaluated AS (
    SELECT identity.number, coalesce({condition}, false) AS is_selected
    FROM touched JOIN identity USING (number)
)
SELECT
    change_number, change_token,
    (SELECT predecessor FROM change WHERE gallery_id = gallery.id AND number = :after + 1) AS predecessor,
    (SELECT {numbers} FROM evaluated AS identity WHERE is_selected) AS selected,
    (SELECT {numbers} FROM evaluated AS identity WHERE NOT is_selected) AS others
FROM gallery WHERE id = CAST(:gallery_id AS uuid)
"""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChangedPeople:
    """Those whom changes have touched, by their numbers (n,)."""

    position: LogPosition
    """The last change that they include."""
    selected: Owners
    others: Owners


def read_all(session: Session, gallery_id: UUID, people: PeopleFilter) -> tuple[LogPosition, Owners]:
    """The numbers of the selected people, (n,), with the last change that they include.

    A filter that leaves out only the anonymous gives their numbers: they are fewer, as a rule.
    Raises GalleryNotFound.
    """
    statement = _ALL.format(numbers=_NUMBERS, condition=_condition(people))
    row = session.execute(text(statement), _arguments(gallery_id, people)).one_or_none()
    if row is None:
        raise GalleryNotFound("the gallery was deleted meanwhile")
    return LogPosition(number=row.change_number, token=row.change_token), _numbers(row.selected)


def read_changed(
    session: Session, gallery_id: UUID, people: PeopleFilter, since: LogPosition
) -> ChangedPeople | None:
    """Those whom the changes after `since` touch. None where the log does not have these changes any more,
    or where `since` is of another log: read all. Raises GalleryNotFound."""
    statement = _CHANGED.format(numbers=_NUMBERS, condition=_condition(people))
    arguments = _arguments(gallery_id, people) | {"after": since.number}
    row = session.execute(text(statement), arguments).one_or_none()
    if row is None:
        raise GalleryNotFound("the gallery was deleted meanwhile")
    position = LogPosition(number=row.change_number, token=row.change_token)
    if position != since and row.predecessor != since.token:
        return None
    return ChangedPeople(position=position, selected=_numbers(row.selected), others=_numbers(row.others))


def _condition(people: PeopleFilter) -> str:
    if people.is_anonymous_only:
        return "identity.anonymous"
    parts = []
    if people.metadata_path is not None:
        parts.append("identity.metadata @@ CAST(:metadata_path AS jsonpath)")
    if people.identities is not None:
        parts.append("identity.id = ANY(CAST(:identities AS uuid[]))")
    if people.external_ids is not None:
        parts.append("identity.external_id = ANY(CAST(:external_ids AS text[]))")
    if people.exclude_anonymous:
        parts.append("NOT identity.anonymous")
    return "(" + " AND ".join(parts) + ")"


def _arguments(gallery_id: UUID, people: PeopleFilter) -> dict[str, Any]:
    arguments: dict[str, Any] = {"gallery_id": str(gallery_id)}
    if people.metadata_path is not None:
        arguments["metadata_path"] = people.metadata_path
    if people.identities is not None:
        arguments["identities"] = [str(one) for one in people.identities]
    if people.external_ids is not None:
        arguments["external_ids"] = list(people.external_ids)
    return arguments


def _numbers(stored: bytes | memoryview | None) -> Owners:
    return np.frombuffer(stored or b"", ">i8").astype(np.int64)
