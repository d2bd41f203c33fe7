"""Who is in this photograph, out of a gallery?"""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from indexer.attributes.reader import AttributeReader
from indexer.errors import AnotherModel, EmbeddingsMissing, IndexBehind
from indexer.pipeline.pipeline import Pipeline
from indexer.pipeline.pipelines import Pipelines
from indexer.records import galleries
from indexer.records.audit.search_details import SearchKind
from indexer.records.filters.people_filter import PeopleFilter
from indexer.records.tables import Gallery
from indexer.request_timings import Stage, Stopwatch
from indexer.types import Attribute
from indexer.usecases import liveness
from indexer.usecases.searches.gallery_search import GallerySearch
from indexer.usecases.searches.nearest import (
    named_first,
    unit_vector,
)
from indexer.usecases.searches.options import SearchedPicture, SearchOptions
from indexer.usecases.searches.results import Identification, SearchResult, candidates
from indexer.usecases.searches.searched import SearchedFace
from indexer.vision.place import FacePlace

_POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifier(GallerySearch):
    pipelines: Pipelines
    attributes: AttributeReader
    patience_seconds: float
    """How long a request waits for a change that its caller knows of."""

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
        place: FacePlace | None = None,
        remember: bool = True,
        among: PeopleFilter | None = None,
        metadata: bool = False,
        attributes: Collection[Attribute] = (),
        watch: Stopwatch | None = None,
    ) -> Identification:
        """The largest `max_faces` faces, each with at most `max_candidates` people, best first.

        `unique_identities`: each person is a candidate of one face only, the most similar one. It is off by
        default, since a picture may show a person twice (a mirror, a badge, a collage).
        `threshold`: the least score of a candidate that is `matched`; by default the score that gives the
        FPIR of the gallery's policy at its size. `min_change`: number of a change that must be in the index.
        `place`: of the only face that is searched for.
        `remember`: False leaves the gallery's visitors as they are; so does a `threshold`, or `among`.
        `among`: only these people are searched. `metadata`: candidates have that of their people.
        `attributes`: to estimate of each of the faces.
        Raises GalleryNotFound, AttributeNotPermitted, AttributeUnavailable, ModelUnavailable,
        EmbeddingsMissing, IndexNotReady, IndexBehind, Busy, EmbeddingUnusable, and what `Pipeline.detect`
        raises.
        """
        watch = watch or Stopwatch()
        options = SearchOptions(
            max_candidates=max_candidates,
            unique_identities=unique_identities,
            threshold=threshold,
            among=among,
            metadata=metadata,
            attributes=tuple(attributes),
        )
        gallery, pipeline = self.gallery(gallery_name, min_change, watch)
        self.attributes.check(attributes, gallery.attributes)
        liveness.check(self.attributes, gallery.liveness)
        needed = liveness.to_estimate(attributes, gallery.liveness)
        remembers = gallery.remember_unknown and remember and threshold is None and among is None
        keeps_probes = self.recorder.keeps_probes(gallery)
        with self.attributes.turn(needed, watch):
            photograph = pipeline.detect(data, watch, max_faces=max_faces, place=place)
            crops = photograph.crops() if keeps_probes or remembers else []
            estimates = self.attributes.estimate(photograph, needed, watch, gallery.attributes)
        aligned_faces, faces_found = photograph.faces, photograph.faces_found
        del photograph  # its pixels are not needed while the request waits for the network
        probes = pipeline.embed(aligned_faces, watch)
        picture = SearchedPicture(
            data=data if remembers else None,
            faces=aligned_faces,
            faces_found=faces_found,
            probes=probes,
            crops=crops,
            estimates=estimates,
        )
        try:
            found = self.find(SearchKind.IDENTIFY, gallery, pipeline.card, probes, options, watch)
        except EmbeddingsMissing:
            if not self.is_switched(gallery):
                raise
            return self.identify(  # with the model that the gallery has now
                gallery_name,
                data,
                max_faces=max_faces,
                max_candidates=max_candidates,
                unique_identities=unique_identities,
                threshold=threshold,
                min_change=min_change,
                place=place,
                remember=remember,
                among=among,
                metadata=metadata,
                attributes=attributes,
                watch=watch,
            )
        return self.answer(found, picture, options, watch)

    def search(
        self,
        gallery_name: str,
        embedding: Sequence[float],
        *,
        model: str | None = None,
        max_candidates: int = 5,
        threshold: float | None = None,
        min_change: int = 0,
        among: PeopleFilter | None = None,
        metadata: bool = False,
    ) -> SearchResult:
        """The people whom an embedding from elsewhere, shape (dimension,) and of any length, resembles.

        `model`: fingerprint of the model that made it; by default the gallery's. `among` and `metadata`: as
        for `identify`.
        Raises InvalidRequest (a wrong dimension, not finite, or all zero), AnotherModel,
        GalleryNotFound, EmbeddingsMissing, IndexNotReady, IndexBehind.
        """
        watch = Stopwatch()
        gallery, pipeline = self.gallery(gallery_name, min_change, watch)
        card = pipeline.card
        if model is not None and model != card.fingerprint:
            raise AnotherModel(
                f"the embedding is of the model {model}; the gallery is searched with {card.fingerprint}",
                model=card.fingerprint,
            )
        probe = unit_vector(embedding, card.dimension)
        options = SearchOptions(
            max_candidates=max_candidates, threshold=threshold, among=among, metadata=metadata
        )
        found = self.find(SearchKind.SEARCH, gallery, card, probe[np.newaxis], options, watch)
        [hits], searched = found.nearest.hits, found.searched
        self.count(searched, [hits])
        hits = named_first(hits, searched.decision.threshold)
        face = SearchedFace(aligned=None, hits=hits, unmatched_reason=None)
        audit_id = self.recorder.record_search(searched, [face], watch)
        return SearchResult(
            candidates=candidates(hits[:max_candidates], searched.decision.threshold),
            model=card.fingerprint,
            gallery_size=found.nearest.gallery_size,
            searched=found.nearest.searched,
            change_number=found.nearest.change_number,
            decision=searched.decision,
            audit_id=audit_id,
            timings_ms=watch.timings_ms(),
        )

    def gallery(self, name: str, min_change: int, watch: Stopwatch) -> tuple[Gallery, Pipeline]:
        """The gallery as its row is now, and the pipeline of its model, which the whole request uses.

        The index catches up to the row's change number. Where PostgreSQL is a standby, `min_change` may not
        have arrived yet: the request waits for it.
        """
        deadline = time.monotonic() + self.patience_seconds
        with watch.stage(Stage.DATABASE):
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

    def is_switched(self, gallery: Gallery) -> bool:
        """Whether the gallery has got another model since it was read: the old one's embeddings may be
        deleted."""
        with self.database.reading() as session:
            return galleries.get(session, gallery.name).model_id != gallery.model_id
