"""Reviews of visitors who may be somebody with a name: a person decides, and merges the two.

A known person whom a search misses becomes a visitor. The name is not lost, because named people come first
in an answer (`usecases.searches.nearest.named_first`); and the visitor is put into the reviews.
"""

from collections.abc import Sequence

from indexer.calibration.resolver import CalibrationResolver
from indexer.calibration.threshold import decision as thresholds
from indexer.embedding.card import ModelCard
from indexer.records import galleries
from indexer.records.database.session import Database, Session
from indexer.records.enrolled import identities
from indexer.records.people import reviews
from indexer.records.people.reviews import ReviewKind
from indexer.records.tables import Gallery
from indexer.visitors.visit import Resemblance, Visit

NEAR = 10.0
"""A new visitor who reaches the threshold of this many times the policy's FPIR with somebody who has a name
is put into the reviews. On LFW, at an FPIR of 1 %, these are half of the known people who were missed, and
one stranger in thirty."""
_MOST_FPIR = 0.5


def review_new(
    session: Session,
    gallery: Gallery,
    card: ModelCard,
    calibrations: CalibrationResolver,
    *,
    faces: int,
    threshold: float,
    visit: Visit,
    people: Sequence[Resemblance],
) -> None:
    """Of a new visitor who nearly matched somebody. `faces`: number of those that were searched; `people`:
    whom the visitor resembles. The transaction holds the gallery's lock."""
    known = next((found for found in people if not found.owner.anonymous), None)
    if known is None or visit.identity_id is None:
        return
    fpir = min(_MOST_FPIR, NEAR * calibrations.fpir_of(gallery))
    near = thresholds.decide(calibrations.for_gallery(gallery, card), fpir, faces).threshold
    if known.person.score >= near:
        reviews.add(
            session,
            gallery.id,
            ReviewKind.DOUBTFUL_MATCH,
            identity_id=visit.identity_id,
            other_id=known.owner.identity_id,
            score=known.person.score,
            threshold=threshold,
        )


def review_both(
    database: Database,
    gallery: Gallery,
    *,
    visitor: Resemblance,
    known: Resemblance,
    threshold: float,
    lock_seconds: float,
) -> None:
    """Of a visitor and somebody with a name whom one face matched. Raises Busy, DatabaseUnavailable,
    GalleryNotFound."""
    ids = visitor.owner.identity_id, known.owner.identity_id
    with database.reading() as session:
        if reviews.is_settled(session, *ids):
            return
    with database.transaction(lock_seconds=lock_seconds) as session:
        galleries.lock(session, gallery.id)
        if len(identities.by_ids(session, gallery.id, ids)) == len(ids):
            reviews.add(
                session,
                gallery.id,
                ReviewKind.DOUBTFUL_MATCH,
                identity_id=ids[0],
                other_id=ids[1],
                score=min(visitor.person.score, known.person.score),
                threshold=threshold,
            )
