"""Undoes a merge, a split or a move, as far as later changes allow."""

from uuid import UUID

from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.database.session import Database, Session
from indexer.records.enrolled import faces, identities
from indexer.records.people import distinct, merged_pairs, moved_faces, person_changes
from indexer.records.people.moved_faces import MovedFaces
from indexer.records.people.person_changes import Before, ChangeOfPeople, MergedIdentity
from indexer.records.tables import Gallery, Identity, PersonChange
from indexer.usecases.people.merge import Field, later, value_of
from indexer.usecases.people.regrouping import Undo, locked, log_moved


def undo(database: Database, gallery_name: str, change_id: UUID) -> Undo:
    """Faces that were deleted or moved to somebody else since stay as they are; all others return.

    Raises GalleryNotFound, PeopleChangeNotFound, PeopleChangeUndone, ExternalIdTaken (another identity has
    got the external id of the merged one), IdentityMerged (one of the two was merged into another since:
    undo that first), Busy.
    """
    with locked(database, gallery_name) as (session, gallery):
        return undo_within(session, gallery, change_id)


def undo_within(session: Session, gallery: Gallery, change_id: UUID) -> Undo:
    """The same in a transaction that holds the gallery's lock."""
    change, before = person_changes.get_to_undo(session, gallery.id, change_id)
    kind = ChangeOfPeople(change.kind)
    if kind is ChangeOfPeople.MERGE:
        moved, number = _undo_merge(session, gallery, change, before)
    else:
        moved, number = _undo_split_or_move(session, gallery, change, before)
    returned, left = len(moved.enrolled), len(before.faces) + len(before.dropped) - len(moved.enrolled)
    record_undo(session, gallery, change, faces=returned, faces_left=left)
    return Undo(
        id=change_id,
        gallery_id=gallery.id,
        kind=kind,
        identity_id=change.identity_id,
        other_id=change.other_id,
        faces=returned,
        faces_left=left,
        change_number=number,
    )


def record_undo(
    session: Session, gallery: Gallery, change: PersonChange, *, faces: int, faces_left: int
) -> None:
    """In the audit record."""
    details = {
        "change": str(change.id),
        "kind": change.kind,
        "other": str(change.other_id),
        "faces": faces,
        "faces_left": faces_left,
    }
    if change.job_id is not None:
        details["clustering"] = str(change.job_id)
    event = AuditEvent(
        action=Action.UNDONE, gallery=gallery.name, identity_id=change.identity_id, details=details
    )
    record(session, event)


def _undo_merge(
    session: Session, gallery: Gallery, change: PersonChange, before: Before
) -> tuple[MovedFaces, int]:
    kept_id, merged_id, merged = change.identity_id, change.other_id, before.merged
    assert merged is not None
    kept = identities.get(session, gallery.id, kept_id)
    values = {
        name: before.fields[name] for name, value in before.taken.items() if value_of(kept, name) == value
    }
    if before.anonymous and all(
        values.get(name, value_of(kept, name)) is None for name in (Field.NAME, Field.EXTERNAL_ID)
    ):  # nobody has named it since
        values["anonymous"] = True
    identities.update(session, kept, values)
    restore_sighting(session, change, before, kept)
    identities.restore(session, [merged_row(gallery, merged_id, merged)], [merged.created_at])
    moved = moved_faces.move(
        session, gallery.id, from_id=kept_id, to_id=merged_id, face_ids=before.faces, drop=False
    )
    copied = moved_faces.copy(session, gallery.id, from_id=kept_id, to_id=merged_id, dropped=before.dropped)
    merged_pairs.restore(session, gallery.id, before.pairs, merged_id=merged_id, into_id=kept_id)
    enrolled = [*moved.enrolled, *copied]
    number = log_moved(
        session, gallery.id, deleted=moved.deleted, enrolled=enrolled, regrouped=[kept_id, merged_id]
    )
    moved = MovedFaces(
        ids=moved.ids, dropped=[], deleted=moved.deleted, enrolled=enrolled, digests=moved.digests
    )
    return moved, number


def _undo_split_or_move(
    session: Session, gallery: Gallery, change: PersonChange, before: Before
) -> tuple[MovedFaces, int]:
    """The new identity of a split is deleted if it has no other faces and no other change needs it."""
    identity_id, other_id = change.identity_id, change.other_id
    identities.get(session, gallery.id, identity_id)
    other = identities.get(session, gallery.id, other_id)
    if change.kind == ChangeOfPeople.MOVE and other.last_seen_at is None:
        _restore_visitor(session, change, before, other)
    moved = moved_faces.move(
        session, gallery.id, from_id=other_id, to_id=identity_id, face_ids=before.faces, drop=False
    )
    is_split = change.kind == ChangeOfPeople.SPLIT
    empty = not faces.count_by_identity(session, [other_id])[other_id]
    removed = is_split and empty and not person_changes.is_needed(session, other_id)
    number = log_moved(
        session,
        gallery.id,
        deleted=moved.deleted,
        enrolled=moved.enrolled,
        regrouped=[identity_id] if removed else [identity_id, other_id],
        removed=[other_id] if removed else [],
    )
    if removed:
        merged_pairs.remove_reviews(session, other_id)
        identities.remove(session, other_id)
    elif is_split:
        distinct.remove(session, [distinct.pair_of(identity_id, other_id)])
    return moved, number


def merged_row(gallery: Gallery, identity_id: UUID, merged: MergedIdentity) -> Identity:
    """The row that an identity had before it was merged."""
    return Identity(
        id=identity_id,
        gallery_id=gallery.id,
        external_id=merged.external_id,
        name=merged.name,
        details=merged.metadata,
        anonymous=merged.anonymous,
        hidden=merged.hidden,
        last_seen_at=merged.last_seen_at,
    )


def restore_sighting(session: Session, change: PersonChange, before: Before, kept: Identity) -> None:
    """Of the identity that remained of a merge, unless it was seen since."""
    merged = before.merged
    assert merged is not None
    if kept.last_seen_at == later(before.last_seen_at, merged.last_seen_at):
        _restore_visitor(session, change, before, kept)


def _restore_visitor(session: Session, change: PersonChange, before: Before, identity: Identity) -> None:
    """Gives back the time of the last sighting that the identity had before the change, which is undone,
    unless the visitor has become somebody who is not to be forgotten: by a name, or by another change that
    was not undone. Of several such changes, whichever is undone last gives it back."""
    seen = before.last_seen_at or person_changes.seen_before_others(session, change, identity.id)
    if seen is not None and identity.anonymous and not person_changes.has_others(session, identity.id):
        identity.last_seen_at = seen
