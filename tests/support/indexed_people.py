"""Enrols faces by number, and indexes that are built from the rows or replay the change log."""

from uuid import UUID

import numpy as np

from indexer.index.build import RecallRequirement, build
from indexer.index.live import LiveIndex
from indexer.mean_template import mean_templates
from indexer.records import changes, galleries, models
from indexer.records.database.session import Database, Session
from indexer.records.enrolled import contents, faces, identities, person_templates
from indexer.records.tables import Gallery
from indexer.types import LOG_START, ChangeKind, Part, Tier, Vectors
from tests.support.enrolments import enrolment
from tests.support.vectors import empty_searcher, unit_vectors

MODEL = "some-model-1"
DIMENSION = 8
REQUIREMENT = RecallRequirement(genuine_cosines=[0.4, 0.9], threshold=0.5, min_recall=0.0)


def unit(number: int) -> Vectors:
    vector: Vectors = unit_vectors(number, 1, DIMENSION)[0]
    return vector


def new_person(database: Database, gallery: Gallery, external_id: str = "1") -> UUID:
    with database.transaction() as session:
        galleries.lock(session, gallery.id)
        made = identities.create(session, gallery.id, external_id=external_id, name=None, metadata={})
        return made.id


def add(database: Database, gallery: Gallery, person: UUID, *numbers: int, by: str = MODEL) -> list[UUID]:
    """Enrols faces whose vectors are `unit` of the numbers, as the use case does; returns their ids."""
    with database.transaction() as session:
        galleries.lock(session, gallery.id)
        model = models.register(session, by, DIMENSION)
        new = [enrolment(number, {by: unit(number)}) for number in numbers]
        added = faces.add(session, person, new, {by: model})
        templates = person_templates.replace(session, gallery.id, [person])
        changes.append(session, gallery.id, ChangeKind.ENROL, [face.key for face in added], templates)
        return [face.id for face in added]


def template_of(*numbers: int) -> Vectors:
    templates, have = mean_templates(np.array([unit(number) for number in numbers]), np.array([0]))
    assert have[0]
    vector: Vectors = templates[0]
    return vector


def built(session: Session, gallery: Gallery, by: str = MODEL, part: Part | None = None) -> LiveIndex:
    """As a start makes it."""
    position = LOG_START

    def feed(take: object) -> None:
        nonlocal position
        position = contents.read_enrolled(session, gallery.id, by, take, part)  # type: ignore[arg-type]

    result = build(Tier.EXACT, DIMENSION, feed, REQUIREMENT)
    return LiveIndex(result.searcher, position=position, digest=result.digest)


def empty() -> LiveIndex:
    return LiveIndex(empty_searcher(Tier.EXACT, DIMENSION))


def catch_up(
    session: Session, gallery: Gallery, index: LiveIndex, by: str = MODEL, part: Part | None = None
) -> LiveIndex:
    while tail := changes.read_after(session, gallery.id, index.position, by, part):
        index.apply(tail)
    return index
