"""Remembers the faces of a photograph that match nobody, and recognises them when they return.

An identification calls it with what it found. Whoever is new is written under the gallery's lock, after
another search: so a stranger whom several processes see at the same moment becomes one visitor
(docs/decisions/0034).
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from indexer.calibration.resolver import CalibrationResolver
from indexer.embedding.card import ModelCard
from indexer.errors import Busy, NotFound, Unavailable
from indexer.pipeline.models import GalleryModels
from indexer.rate_limited_log import LineLimit
from indexer.records import galleries
from indexer.records.database.session import Database, Session
from indexer.records.enrolled import visitors
from indexer.records.enrolled.owners import find_owners
from indexer.records.tables import Gallery
from indexer.replica.cache import IndexCache
from indexer.types import LandmarkSource, Quality
from indexer.visitors import doubts, store
from indexer.visitors.forget import make_room
from indexer.visitors.grouping import SAME_LOOK
from indexer.visitors.visit import ProbeFace, Resemblance, Visit, VisitOutcome

log = logging.getLogger(__name__)

MOST = 8
"""People that are compared with a new face."""
LOCK_SECONDS = 0.5
"""The answer waits meanwhile. Whoever is not remembered now is remembered by the next search."""
PATIENCE_UNDER_LOCK_SECONDS = 1.0

_SKIPPED = Visit(outcome=VisitOutcome.SKIPPED)
_LOW_QUALITY = Visit(outcome=VisitOutcome.LOW_QUALITY)


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitorMemory:
    database: Database
    index_cache: IndexCache
    calibrations: CalibrationResolver
    models: GalleryModels
    rejects: Callable[[Quality], object]
    """Of enrolment: what is wrong with a face, or None."""
    lines: LineLimit = field(default_factory=LineLimit)

    def remember(self, gallery: Gallery, card: ModelCard, threshold: float, probe: ProbeFace) -> Visit | None:
        """What became of the face; None where there is nothing to remember: it matched somebody who is no
        visitor.

        `threshold`: of the search, by the gallery's policy. Raises nothing where PostgreSQL, the index or
        the gallery's lock is not available: the outcome is then SKIPPED.
        """
        try:
            return self._remember(gallery, card, threshold, probe)
        except (Unavailable, NotFound) as error:
            if (suppressed := self.lines.admit(error.code)) is not None:
                more = f" ({suppressed} more)" if suppressed else ""
                log.warning("a visitor of gallery %s is not remembered: %s%s", gallery.name, error, more)
            return _SKIPPED

    def _remember(
        self, gallery: Gallery, card: ModelCard, threshold: float, probe: ProbeFace
    ) -> Visit | None:
        matched = [found for found in probe.people if found.person.score >= threshold]
        if not matched:
            return _LOW_QUALITY if self._rejects(gallery, probe) else self._open(gallery, card, probe)
        visitor = _first_visitor(matched)
        if visitor is None:
            return None
        known = [found for found in matched if not found.owner.anonymous]
        if known:
            doubts.review_both(
                self.database,
                gallery,
                visitor=visitor,
                known=known[0],
                threshold=threshold,
                lock_seconds=LOCK_SECONDS,
            )
            return None
        if matched[0] is not visitor:
            return None
        return self._see(gallery, card, threshold, visitor, probe)

    def _see(
        self, gallery: Gallery, card: ModelCard, threshold: float, visitor: Resemblance, probe: ProbeFace
    ) -> Visit:
        """Another sighting of `visitor`; the face is added if it shows something new."""
        identity_id = visitor.owner.identity_id
        seen = Visit(outcome=VisitOutcome.SEEN, identity_id=identity_id)
        with self.database.reading() as session:
            visitors.see(session, identity_id)
            if visitor.person.face_score >= SAME_LOOK or self._rejects(gallery, probe):
                return seen
            if not store.fits(session, gallery, card, identity_id, probe, threshold):
                return seen
        with suppress(Busy), self.database.transaction(lock_seconds=LOCK_SECONDS) as session:
            row = self._locked(session, gallery, card)
            if row is not None and visitors.exists(session, gallery.id, identity_id):
                seen = store.add_if_fits(session, row, card, identity_id, probe, threshold)
        if seen.face_id is not None:
            self.index_cache.try_to_catch_up(gallery.id)
        return seen

    def _open(self, gallery: Gallery, card: ModelCard, probe: ProbeFace) -> Visit | None:
        """A new visitor, unless somebody resembles the face by now."""
        with self.database.transaction(lock_seconds=LOCK_SECONDS) as session:
            row = self._locked(session, gallery, card)
            if row is None:
                return None
            people, size = self._search(session, row, card, probe)
            threshold = self.calibrations.decide(row, card, size).threshold
            matched = [found for found in people if found.person.score >= threshold]
            if matched:
                visitor = matched[0]
                if not visitor.is_visitor or not all(found.owner.anonymous for found in matched):
                    return None
                identity_id = visitor.owner.identity_id
                visitors.see(session, identity_id)
                visit = Visit(outcome=VisitOutcome.SEEN, identity_id=identity_id)
                if visitor.person.face_score < SAME_LOOK:
                    visit = store.add_if_fits(session, row, card, identity_id, probe, threshold)
                if visit.face_id is None:  # the search found nobody to whom its kept probe would belong
                    visit = replace(visit, face_id=visitor.owner.face_id)
            else:
                make_room(session, row, places=1)
                visit = store.open_visitor(session, row, card, probe)
                doubts.review_new(
                    session,
                    row,
                    card,
                    self.calibrations,
                    faces=size,
                    threshold=threshold,
                    visit=visit,
                    people=people,
                )
        self.index_cache.try_to_catch_up(gallery.id)
        return visit

    def _locked(self, session: Session, gallery: Gallery, card: ModelCard) -> Gallery | None:
        """The gallery under its lock; None where it no longer remembers visitors. Raises Busy where it has
        left the model, or changes it and stores no crops, or where the face was judged by another policy of
        liveness."""
        row = galleries.lock(session, gallery.id)
        if not row.remember_unknown:
            return None
        if row.liveness != gallery.liveness:
            raise Busy("the gallery changes its policy of liveness at this moment")
        if row.model_id is None:
            row.model_id = self.models.number_of(card)
        elif row.model_fingerprint != card.fingerprint:
            raise Busy("the gallery changes its model at this moment")
        if not row.store_crops and store.has_second_model(session, row):
            raise Busy("the gallery changes its model, and stores no crops that the other one could embed")
        return row

    def _search(
        self, session: Session, gallery: Gallery, card: ModelCard, probe: ProbeFace
    ) -> tuple[list[Resemblance], int]:
        """Under the lock: nobody can be enrolled or remembered until the transaction ends. Also the number of
        faces that were searched."""
        if gallery.face_count == 0:
            return [], 0
        index = self.index_cache.caught_up(gallery, card, patience_seconds=PATIENCE_UNDER_LOCK_SECONDS)
        [row] = index.search_identities(probe.vector[None], MOST)
        owners = find_owners(session, gallery.id, {person.key for person in row})
        return [
            Resemblance(owner=owners[person.key], person=person) for person in row if person.key in owners
        ], index.faces

    def _rejects(self, gallery: Gallery, probe: ProbeFace) -> bool:
        """Whether the face is not good enough to be stored. In a box in which no face was found there may be
        none: who enrols such a box says whose it is, but here nobody does."""
        quality = probe.aligned.quality
        if probe.aligned.face.landmark_source is LandmarkSource.MEAN_FACE:
            return True
        return quality.score < (gallery.min_visitor_quality or 0.0) or self.rejects(quality) is not None


def _first_visitor(people: Sequence[Resemblance]) -> Resemblance | None:
    return next((found for found in people if found.is_visitor), None)
