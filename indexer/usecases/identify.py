"""Who is in this photograph, out of a gallery?"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from indexer.calibration.resolver import CalibrationResolver
from indexer.calibration.threshold import Decision
from indexer.errors import AnotherModel, EmbeddingsMissing, IndexBehind, InvalidRequest
from indexer.pipeline.pipeline import AlignedFace, Pipeline
from indexer.pipeline.pipelines import Pipelines
from indexer.pipeline.stopwatch import Stopwatch
from indexer.records import galleries
from indexer.records.database.session import Database
from indexer.records.faces import Owner
from indexer.records.tables import Gallery
from indexer.replica.cache import IndexCache
from indexer.types import Vectors
from indexer.usecases.match_limits import MatchLimits, UnmatchedReason
from indexer.usecases.nearest import Hit, nearest_people, one_face_each

_POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A person that a face may be."""

    owner: Owner
    score: float
    """Cosine similarity to the nearest of the person's faces, -1 to 1."""
    matched: bool

    @property
    def distance(self) -> float:
        return distance(self.score)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IdentifiedFace:
    seen: AlignedFace
    candidates: list[Candidate]
    unmatched_reason: UnmatchedReason | None
    """Why none of them is matched, whatever its score; None where the scores decide."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Identification:
    faces: list[IdentifiedFace]
    found: int
    """How many faces the picture has, asked for or not."""
    model: str
    gallery_size: int
    """Enrolled faces that were searched: the N that the threshold was worked out for."""
    decision: Decision
    timings_ms: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SearchResult:
    """What a search by an embedding found."""

    candidates: list[Candidate]
    model: str
    gallery_size: int
    decision: Decision
    timings_ms: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifier:
    database: Database
    pipelines: Pipelines
    index_cache: IndexCache
    calibrations: CalibrationResolver
    patience_seconds: float
    """How long a change that the caller knows of is waited for."""
    match_limits: MatchLimits
    """Of galleries that have none of their own."""

    def identify(
        self,
        gallery_name: str,
        data: bytes,
        *,
        max_faces: int = 1,
        max_candidates: int = 5,
        unique_identities: bool = False,
        threshold: float | None = None,
        min_change: int = 0,
        watch: Stopwatch | None = None,
    ) -> Identification:
        """The largest `max_faces` faces, each with at most `max_candidates` people, best first.

        `unique_identities`: each person is a candidate of one face only, of that which resembles them most;
        not by default, for a picture may show a person twice (a mirror, a badge, a collage).
        `threshold`: the score from which on a candidate is `matched`; by default the one that
        gives the FPIR of the gallery's policy at its size. `min_change`: number of a change that must be in
        the index.
        Raises GalleryNotFound, ModelUnavailable, EmbeddingsMissing, IndexNotReady, IndexBehind, Busy,
        EmbeddingUnusable, and what the picture itself deserves.
        """
        watch = watch or Stopwatch()
        gallery, pipeline = self._gallery(gallery_name, min_change, watch)
        photograph = pipeline.detect(data, watch, max_faces=max_faces)
        faces_seen, found = photograph.faces, photograph.found
        del photograph  # while it waits for the network, the pixels need not
        probes = pipeline.embed(faces_seen, watch)
        most = max_candidates * len(probes) if unique_identities else max_candidates
        try:
            hits, gallery_size = nearest_people(
                self.database, self.index_cache, gallery, pipeline.card, probes, most, watch
            )
        except EmbeddingsMissing:
            if not self._left(gallery):
                raise
            return self.identify(  # by the model that the gallery has now
                gallery_name,
                data,
                max_faces=max_faces,
                max_candidates=max_candidates,
                unique_identities=unique_identities,
                threshold=threshold,
                min_change=min_change,
                watch=watch,
            )
        if unique_identities:
            hits = one_face_each(hits, max_candidates)
        with watch.stage("database"):
            decision = self.calibrations.decide(gallery, pipeline.card, gallery_size, threshold)
        limits = self.match_limits.of(gallery)
        reasons = [limits.reason_against(seen.quality) for seen in faces_seen]
        identified = [
            IdentifiedFace(
                seen=seen,
                candidates=_candidates(row, math.inf if reason else decision.threshold),
                unmatched_reason=reason,
            )
            for seen, row, reason in zip(faces_seen, hits, reasons, strict=True)
        ]
        return Identification(
            faces=identified,
            found=found,
            model=pipeline.card.fingerprint,
            gallery_size=gallery_size,
            decision=decision,
            timings_ms=watch.milliseconds | {"total": watch.total},
        )

    def search(
        self,
        gallery_name: str,
        embedding: Sequence[float],
        *,
        model: str | None = None,
        max_candidates: int = 5,
        threshold: float | None = None,
        min_change: int = 0,
    ) -> SearchResult:
        """Whom an embedding that was made elsewhere, (dimension,) of any length, resembles.

        `model`: fingerprint of the one that made it; by default the gallery's.
        Raises InvalidRequest (not as many finite numbers as the model has, or all zero), AnotherModel,
        GalleryNotFound, EmbeddingsMissing, IndexNotReady, IndexBehind.
        """
        watch = Stopwatch()
        gallery, pipeline = self._gallery(gallery_name, min_change, watch)
        card = pipeline.card
        if model is not None and model != card.fingerprint:
            raise AnotherModel(
                f"the embedding is of the model {model}; the gallery is searched with {card.fingerprint}",
                model=card.fingerprint,
            )
        probe = _unit(embedding, card.dimension)
        [hits], gallery_size = nearest_people(
            self.database, self.index_cache, gallery, card, probe[np.newaxis], max_candidates, watch
        )
        with watch.stage("database"):
            decision = self.calibrations.decide(gallery, card, gallery_size, threshold)
        return SearchResult(
            candidates=_candidates(hits, decision.threshold),
            model=card.fingerprint,
            gallery_size=gallery_size,
            decision=decision,
            timings_ms=watch.milliseconds | {"total": watch.total},
        )

    def _gallery(self, name: str, min_change: int, watch: Stopwatch) -> tuple[Gallery, Pipeline]:
        """As it is now, and the pipeline of its model, which the whole request keeps to.

        The index is brought along to where the row says. A change that is not there yet, on a PostgreSQL
        that follows another, is waited for.
        """
        deadline = time.monotonic() + self.patience_seconds
        with watch.stage("database"):
            while True:
                with self.database.reading() as session:
                    gallery = galleries.get(session, name)
                if gallery.change_number >= min_change:
                    return gallery, self.pipelines.for_gallery(gallery)
                if time.monotonic() >= deadline:
                    raise IndexBehind(
                        f"the gallery is at change {gallery.change_number}, {min_change} has not arrived",
                        change_number=gallery.change_number,
                    )
                time.sleep(_POLL_SECONDS)

    def _left(self, gallery: Gallery) -> bool:
        """Whether the gallery was switched since it was read, and the old model's vectors maybe deleted."""
        with self.database.reading() as session:
            return galleries.get(session, gallery.name).model_id != gallery.model_id


def _candidates(hits: Sequence[Hit], threshold: float) -> list[Candidate]:
    return [Candidate(owner=hit.owner, score=hit.score, matched=hit.score >= threshold) for hit in hits]


def _unit(embedding: Sequence[float], dimension: int) -> Vectors:
    """(dimension,), of length 1. Raises InvalidRequest."""
    if len(embedding) != dimension:
        raise InvalidRequest(
            f"the embedding has {len(embedding)} numbers, the model's have {dimension}",
            field="embedding",
            measured=len(embedding),
            limit=dimension,
        )
    vector = np.array(embedding, np.float64)
    largest = np.abs(vector).max()
    if not np.isfinite(largest) or largest == 0:
        raise InvalidRequest("the embedding has no direction: it is zero or infinite", field="embedding")
    vector /= largest  # so that squares neither overflow nor vanish
    unit: Vectors = (vector / np.linalg.norm(vector)).astype(np.float32)
    return unit


def distance(score: float) -> float:
    """Euclidean distance of two vectors of length 1 whose cosine is `score`: sqrt(2 - 2 cos)."""
    return math.sqrt(max(0.0, 2.0 - 2.0 * score))
