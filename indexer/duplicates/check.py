"""Checks whether a person who is being enrolled looks like another person of the gallery.

The check runs in the enrolment's transaction, under the gallery's lock: no other enrolment of the gallery can
commit between the check and the commit, in whatever process (docs/decisions/0021).
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from indexer.calibration.resolver import CalibrationResolver
from indexer.duplicates import threshold
from indexer.duplicates.candidate import DuplicateCandidate
from indexer.embedding.card import ModelCard
from indexer.errors import DuplicateIdentity, EmbeddingsMissing
from indexer.records.database.session import Session
from indexer.records.enrolled.owners import find_owners
from indexer.records.people import distinct, reviews
from indexer.records.people.reviews import ReviewKind
from indexer.records.tables import Gallery
from indexer.replica.cache import IndexCache
from indexer.types import DuplicateCheck, NearPerson

log = logging.getLogger(__name__)

MOST = 5
"""People that a check reports."""
PATIENCE_UNDER_LOCK_SECONDS = 2.0
"""Others who enrol wait for the gallery's lock meanwhile, up to 5 seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateChecker:
    index_cache: IndexCache
    calibrations: CalibrationResolver

    def prepare(self, gallery: Gallery, card: ModelCard, *, patience_seconds: float | None = None) -> None:
        """Before the lock: opens the index and catches it up, so that little is left to do under the lock.

        `patience_seconds`: by default that of the index cache. Raises IndexNotReady, GalleryNotFound.
        """
        if _is_needed(gallery):
            try:
                self.index_cache.caught_up(gallery, card, patience_seconds=patience_seconds)
            except EmbeddingsMissing:  # the gallery may have left this model: it is known under the lock
                log.debug("gallery %s has no embeddings of %s", gallery.name, card.fingerprint)

    def check(
        self,
        session: Session,
        gallery: Gallery,
        card: ModelCard,
        identity_id: UUID,
        vectors: Mapping[int, NDArray[np.float32]],
        *,
        allow: bool = False,
    ) -> list[DuplicateCandidate]:
        """Other people whom the new faces of the identity look like, at most 5, the best first.

        `session` holds the lock of `gallery`, and has appended no change yet. `vectors`: the new faces by the
        number of their picture, of the model of `card`, which the gallery is searched with. `allow`: only
        report them. Where the gallery's policy is `review`, the pairs get into the reviews. People who are
        known to be different from the identity are left out.

        The index reads the log through a connection of its own, which sees what is committed: under the lock
        that is everything. Raises DuplicateIdentity where the policy is `reject`, IndexNotReady,
        EmbeddingsMissing.
        """
        if not vectors or not _is_needed(gallery):
            return []
        found = self._find(session, gallery, card, identity_id, vectors)
        if not found or allow:
            return found
        if gallery.duplicate_check == DuplicateCheck.REJECT:
            raise _duplicate(found)
        if gallery.duplicate_check == DuplicateCheck.REVIEW:
            for candidate in found:
                reviews.add(
                    session,
                    gallery.id,
                    ReviewKind.DUPLICATE,
                    identity_id=identity_id,
                    other_id=candidate.identity_id,
                    score=candidate.score,
                    threshold=candidate.threshold,
                )
        return found

    def _find(
        self,
        session: Session,
        gallery: Gallery,
        card: ModelCard,
        identity_id: UUID,
        vectors: Mapping[int, NDArray[np.float32]],
    ) -> list[DuplicateCandidate]:
        index = self.index_cache.caught_up(gallery, card, patience_seconds=PATIENCE_UNDER_LOCK_SECONDS)
        least = threshold.decide(self.calibrations, gallery, card, index.faces).threshold
        excluded = {identity_id, *distinct.others_of(session, identity_id)}
        rows = index.search_identities(np.stack(list(vectors.values())), MOST + len(excluded))
        similar = [
            (image, person)
            for image, row in zip(vectors, rows, strict=True)
            for person in row
            if person.score >= least
        ]
        owners = find_owners(session, gallery.id, {person.key for _, person in similar})
        best: dict[UUID, DuplicateCandidate] = {}
        for image, person in sorted(similar, key=_by_score):
            owner = owners[person.key]
            if owner.identity_id not in excluded:
                candidate = DuplicateCandidate(
                    image=image,
                    identity_id=owner.identity_id,
                    external_id=owner.external_id,
                    face_id=owner.face_id,
                    score=person.score,
                    threshold=least,
                )
                best.setdefault(owner.identity_id, candidate)
        return list(best.values())[:MOST]


def _is_needed(gallery: Gallery) -> bool:
    return gallery.duplicate_check != DuplicateCheck.OFF and gallery.face_count > 0


def _by_score(found: tuple[int, NearPerson]) -> float:
    return -found[1].score


def _duplicate(found: Sequence[DuplicateCandidate]) -> DuplicateIdentity:
    best = found[0]
    others = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return DuplicateIdentity(
        f"this person looks like identity {best.external_id or best.identity_id}{others}, with a score of"
        f" {best.score:.3f} at a threshold of {best.threshold:.3f}; if it is another person, enrol with"
        " allow_duplicate=true",
        candidates=[candidate.as_json() for candidate in found],
    )
