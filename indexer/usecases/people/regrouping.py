"""What merge, split, move and undo share: the gallery's lock, the result, and the change log."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from indexer.records import changes, galleries
from indexer.records.database.session import Database, Session
from indexer.records.enrolled import person_templates
from indexer.records.people.person_changes import ChangeOfPeople
from indexer.records.tables import Gallery
from indexer.types import ChangeKind


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleChange:
    """A merge, a split or a move, or the undo of one."""

    id: UUID
    """By which it is undone: the audit event's."""
    gallery_id: UUID
    kind: ChangeOfPeople
    identity_id: UUID
    """The identity that remained of a merge; of a split or move, the one that had the faces before."""
    other_id: UUID
    """The identity that was merged into it; of a split the new one, of a move the one that got the faces."""
    faces: int
    """How many were moved."""
    change_number: int
    """The gallery's last change: an index that has applied it knows the new owners."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo(PeopleChange):
    faces_left: int
    """Faces that did not return, because they were deleted or moved since."""


@contextmanager
def locked(database: Database, gallery_name: str) -> Iterator[tuple[Session, Gallery]]:
    """A transaction that holds the gallery's lock. Raises GalleryNotFound."""
    with database.reading() as session:
        gallery = galleries.get(session, gallery_name)
    with database.transaction(long=True) as session:
        yield session, galleries.lock(session, gallery.id)


def log_moved(
    session: Session,
    gallery_id: UUID,
    *,
    deleted: Sequence[int],
    enrolled: Sequence[int],
    regrouped: Collection[UUID],
    removed: Collection[UUID] = (),
) -> int:
    """Replaces the templates of `regrouped`, deletes those of `removed`, and appends all to the change log.

    Returns the number of the last change.
    """
    gone = person_templates.remove(session, removed)
    templates = person_templates.replace(session, gallery_id, regrouped)
    old = person_templates.Replaced(deleted=sorted([*gone.deleted, *templates.deleted]))
    number = changes.append(session, gallery_id, ChangeKind.DELETE, deleted, old)
    new = person_templates.Replaced(enrolled=templates.enrolled)
    if enrolled or templates.enrolled:
        number = changes.append(session, gallery_id, ChangeKind.ENROL, enrolled, new)
    return number
