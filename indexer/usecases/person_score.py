"""Sets how the faces of a person make one score: the gallery's policy, and the templates that it needs."""

from collections.abc import Callable
from uuid import UUID

from indexer.records import changes, galleries
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.database.session import Database, Session
from indexer.records.enrolled import person_templates
from indexer.records.tables import Gallery
from indexer.types import ChangeKind, PersonScore

PEOPLE_OF_A_TRANSACTION = 1_000
"""While the templates of so many people are written, no other transaction can write to the gallery, and the
next search then replays twice as many changes at most."""


def change(
    database: Database,
    gallery_name: str,
    score: PersonScore,
    *,
    progress: Callable[[int], object] = lambda _: None,
) -> Gallery:
    """Returns the gallery with the new policy, once each person has the template that the policy asks for.

    The policy is stored first: from then on every enrolment keeps the template of its person. The templates
    of the others are written or deleted in portions, and a person's score changes with the person's template.
    After an interruption, the same call does the rest. `progress` gets the number of people so far.
    Raises GalleryNotFound.
    """
    with database.reading() as session:
        gallery = galleries.get(session, gallery_name)
    with database.transaction() as session:
        row = galleries.lock(session, gallery.id)
        details = {"person_score": [row.person_score, score]}
        record(session, AuditEvent(action=Action.GALLERY_CHANGED, gallery=row.name, details=details))
        row.person_score = score
    done, after = 0, None
    while True:
        with database.transaction(long=True) as session:
            row = galleries.lock(session, gallery.id)
            if row.person_score != score:  # somebody has set it back in the meantime
                break
            people = _next(session, gallery.id, score, after)
            if not people:
                break
            templates = person_templates.replace(session, gallery.id, people)
            changes.append(session, gallery.id, ChangeKind.ENROL, [], templates)
        done, after = done + len(people), people[-1]
        progress(done)
    with database.reading() as session:
        return galleries.get(session, gallery_name)


def _next(session: Session, gallery_id: UUID, score: PersonScore, after: UUID | None) -> list[UUID]:
    """People whose template is missing, or to be deleted."""
    if score is PersonScore.FUSED:
        without = person_templates.people_without(
            session, gallery_id, after=after, at_most=PEOPLE_OF_A_TRANSACTION
        )
        return list(without)
    return list(person_templates.people_with(session, gallery_id, at_most=PEOPLE_OF_A_TRANSACTION))
