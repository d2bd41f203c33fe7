"""Chosen faces of an identity become a new identity, or faces of another one."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from indexer.errors import FaceExists, InvalidRequest
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.database.session import Database, Session
from indexer.records.enrolled import identities
from indexer.records.people import distinct, erasure, moved_faces, person_changes
from indexer.records.people.person_changes import Before, ChangeOfPeople
from indexer.records.tables import Gallery
from indexer.usecases.enrol import NewIdentity
from indexer.usecases.people.merge import later
from indexer.usecases.people.regrouping import PeopleChange, locked, log_moved


def split(
    database: Database, gallery_name: str, identity_id: UUID, face_ids: Collection[UUID], new: NewIdentity
) -> PeopleChange:
    """The faces become the identity `new`: an anonymous one, if it has neither a name nor an external id; of
    a visitor, another visitor. The two are remembered as different people.

    Raises GalleryNotFound, IdentityNotFound, IdentityMerged, FaceNotFound, InvalidRequest, ExternalIdTaken,
    Busy.
    """
    with locked(database, gallery_name) as (session, gallery):
        identity = identities.get(session, gallery.id, identity_id)
        anonymous = new.name is None and new.external_id is None
        other = identities.create(
            session,
            gallery.id,
            external_id=new.external_id,
            name=new.name,
            metadata=new.metadata,
            anonymous=anonymous,
            last_seen_at=identity.last_seen_at if anonymous else None,
        )
        distinct.add(session, gallery.id, [distinct.pair_of(identity_id, other.id)])
        return _regroup(session, gallery, ChangeOfPeople.SPLIT, identity_id, other.id, face_ids)


def move(
    database: Database, gallery_name: str, identity_id: UUID, face_ids: Collection[UUID], to_id: UUID
) -> PeopleChange:
    """The faces become faces of `to_id`. A visitor who gets a face of somebody else is a visitor no more.

    Raises GalleryNotFound, IdentityNotFound, IdentityMerged, FaceNotFound, FaceExists, InvalidRequest, Busy.
    """
    with locked(database, gallery_name) as (session, gallery):
        if to_id == identity_id:
            raise InvalidRequest("the faces are this identity's already", field="to")
        identity = identities.get(session, gallery.id, identity_id)
        to = identities.get(session, gallery.id, to_id)
        before = to.last_seen_at
        to.last_seen_at = later(before, identity.last_seen_at)
        return _regroup(
            session, gallery, ChangeOfPeople.MOVE, identity_id, to_id, face_ids, last_seen_at=before
        )


def _regroup(
    session: Session,
    gallery: Gallery,
    kind: ChangeOfPeople,
    identity_id: UUID,
    other_id: UUID,
    face_ids: Collection[UUID],
    last_seen_at: datetime | None = None,
) -> PeopleChange:
    """`last_seen_at`: of `other_id`, before."""
    if not face_ids:
        raise InvalidRequest("no face was named", field="faces")
    moved_faces.check(session, identity_id, face_ids)
    moved = moved_faces.move(
        session, gallery.id, from_id=identity_id, to_id=other_id, face_ids=face_ids, drop=False
    )
    left = set(face_ids) - set(moved.ids)
    if left:
        raise FaceExists(
            f"the other identity has a face of the same photograph as {min(left)}: delete one of the two",
            ids=sorted(map(str, left)),
        )
    erasure.forget_estimates(session, identity_id, moved.digests)
    number = log_moved(
        session,
        gallery.id,
        deleted=moved.deleted,
        enrolled=moved.enrolled,
        regrouped=[identity_id, other_id],
    )
    event = AuditEvent(
        action=Action.IDENTITY_SPLIT if kind is ChangeOfPeople.SPLIT else Action.FACES_MOVED,
        gallery=gallery.name,
        identity_id=identity_id,
        details={"other": str(other_id), "faces": [str(face_id) for face_id in moved.ids]},
    )
    person_changes.add(
        session,
        event.id,
        gallery.id,
        kind,
        identity_id=identity_id,
        other_id=other_id,
        before=Before(faces=list(moved.ids), last_seen_at=last_seen_at),
    )
    record(session, event)
    return PeopleChange(
        id=event.id,
        gallery_id=gallery.id,
        kind=kind,
        identity_id=identity_id,
        other_id=other_id,
        faces=len(moved.ids),
        change_number=number,
    )
