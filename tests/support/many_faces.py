"""A person with as many faces as a test wants, without photographs."""

from uuid import UUID

from indexer.records import changes, galleries, models
from indexer.records.database.session import Database
from indexer.records.enrolled import faces, identities, person_templates
from indexer.types import ChangeKind, Enrolment, Vectors
from tests.support.strangers import CARD, FACE, QUALITY


def enrol(database: Database, gallery_id: UUID, name: str, vectors: Vectors) -> UUID:
    with database.transaction() as session:
        gallery = galleries.lock(session, gallery_id)
        gallery.model_id = models.register(session, CARD.fingerprint, CARD.dimension)
        person = identities.create(session, gallery_id, external_id=None, name=name, metadata={})
        enrolments = [
            Enrolment(
                face=FACE,
                quality=QUALITY,
                vectors={CARD.fingerprint: vector},
                image_sha256=place.to_bytes(32, "big"),
                crop=None,
            )
            for place, vector in enumerate(vectors)
        ]
        added = faces.add(session, person.id, enrolments, {CARD.fingerprint: gallery.model_id})
        templates = person_templates.replace(session, gallery_id, [person.id])
        changes.append(session, gallery_id, ChangeKind.ENROL, [face.key for face in added], templates)
        return person.id
