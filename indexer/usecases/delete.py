"""Deletes people and faces. Only PostgreSQL is needed: the indexes follow by the change log."""

from uuid import UUID

from indexer.records import changes, galleries
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.database.session import Database
from indexer.records.enrolled import faces, identities, person_templates
from indexer.records.people import erasure
from indexer.types import ChangeKind


def remove_identity(database: Database, gallery_name: str, identity_id: UUID) -> UUID:
    """With all its faces, in one transaction: nobody is ever half-deleted. Returns the gallery's id.

    Raises GalleryNotFound, IdentityNotFound.
    """
    with database.reading() as session:
        gallery = galleries.get(session, gallery_name)
    with database.transaction(long=True) as session:
        galleries.lock(session, gallery.id)
        identities.get(session, gallery.id, identity_id)
        keys = faces.remove_all(session, identity_id)
        templates = person_templates.remove(session, [identity_id])
        erasure.forget(session, [identity_id])
        identities.remove(session, identity_id)
        changes.append(session, gallery.id, ChangeKind.DELETE, keys, templates)
        record(
            session,
            AuditEvent(
                action=Action.IDENTITY_DELETED,
                gallery=gallery.name,
                identity_id=identity_id,
                details={"faces": len(keys)},
            ),
        )
    return gallery.id


def remove_face(database: Database, gallery_name: str, identity_id: UUID, face_id: UUID) -> UUID:
    """Returns the gallery's id. Raises GalleryNotFound, IdentityNotFound, FaceNotFound."""
    with database.reading() as session:
        gallery = galleries.get(session, gallery_name)
    with database.transaction() as session:
        galleries.lock(session, gallery.id)
        identities.get(session, gallery.id, identity_id)
        face = faces.get(session, identity_id, face_id)
        faces.remove(session, [face.key])
        erasure.forget_estimates(session, identity_id, [face.image_sha256])
        templates = person_templates.replace(session, gallery.id, [identity_id])
        changes.append(session, gallery.id, ChangeKind.DELETE, [face.key], templates)
        record(
            session,
            AuditEvent(
                action=Action.FACE_DELETED,
                gallery=gallery.name,
                identity_id=identity_id,
                details={"face_id": face_id},
            ),
        )
    return gallery.id
