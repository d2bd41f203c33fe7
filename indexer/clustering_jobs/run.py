"""One clustering, from its first step to its end, by the worker that holds it.

A worker that is killed leaves what it has joined. The next one begins again: it finds the groups that are
there already, and does the rest.
"""

import logging
from collections.abc import Callable, Mapping
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from indexer.calibration.resolver import CalibrationResolver
from indexer.calibration.threshold import decision as thresholds
from indexer.callers import Caller, current_caller
from indexer.clustering_jobs import join, resemblance
from indexer.clustering_jobs.join import Pair
from indexer.clustering_jobs.plan import Group, find_groups, means
from indexer.embedding.card import ModelCard
from indexer.errors import InvalidRequest, Misconfigured
from indexer.pipeline.models import GalleryModels
from indexer.records import galleries
from indexer.records.clusterings import faces as records
from indexer.records.clusterings import jobs
from indexer.records.clusterings.faces import ReadFace
from indexer.records.database.session import Database, Session
from indexer.records.tables import Clustering, Gallery
from indexer.types import Vectors

FPIR = 0.1
"""Share of faces that may resemble a face of somebody else: as in `gemel cluster` of a folder. Such a face
alone does not join two groups, because their mean must reach the threshold. Whether a group is somebody
with a name is decided by the gallery's own FPIR, which is usually lower."""

log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Run:
    database: Database
    models: GalleryModels
    calibrations: CalibrationResolver
    worker: str
    job: Clustering
    figures: dict[str, Any] = field(default_factory=dict)
    observe: Callable[[Mapping[str, Any]], object] = lambda _: None
    """Called with the figures whenever they are written."""

    def run(self) -> None:
        """Raises LeaseLost where the clustering was cancelled or another worker has it; GalleryNotFound."""
        context = copy_context()
        context.run(current_caller.set, Caller(name=self.job.caller_name, key_id=self.job.caller_key_id))
        context.run(self._run)

    def _run(self) -> None:
        problem = None
        result = None
        try:
            result = self._cluster()
        except (InvalidRequest, Misconfigured) as error:  # a threshold out of range; no such model here
            log.warning("clustering %s has failed: %s", self.job.id, error)
            problem = error.message
        with self.database.transaction() as session:
            jobs.end(session, self.job.id, self.worker, problem=problem, result=result)

    def _cluster(self) -> Any:
        """The groups, of a dry run."""
        with self.database.reading() as session:
            found = galleries.by_ids(session, [self.job.gallery_id])
        gallery = found.get(self.job.gallery_id)
        if gallery is None or gallery.model_id is None:
            return {"groups": [], "unassigned": []} if self.job.dry_run else None
        card = self.models.for_gallery(gallery)
        threshold = self._threshold(gallery, card, FPIR)
        self._note("reading", threshold=threshold)
        read, vectors = self._read(gallery, card)
        self.figures |= {"faces": len(read), "compared": 0}
        self._note("comparing")
        groups = find_groups(
            read, vectors, threshold, join_groups=self.job.join_groups, progress=self._compared
        )
        several = [group for group in groups if len(group.rows) > 1]
        self.figures |= {
            "groups": len(several),
            "grouped": sum(len(group.rows) for group in several),
            "joined": 0,
        }
        if self.job.dry_run:
            self._note("listing")
            return listed(groups, read)
        self._note("joining")
        pairs = [Pair(into=group.into, joined=one) for group in groups for one in group.joined]
        join.join(self.database, gallery.id, self.job.id, pairs, written=self._joined("joined"))
        self._note("comparing with people who have names")
        self._compare_with_named(
            gallery, card, groups, vectors, self._threshold(gallery, card, self.calibrations.fpir_of(gallery))
        )
        return None

    def _threshold(self, gallery: Gallery, card: ModelCard, fpir: float) -> float:
        if self.job.threshold is not None:
            return self.job.threshold
        calibration = self.calibrations.for_gallery(gallery, card)
        return thresholds.decide(calibration, fpir, max(1, gallery.face_count)).threshold

    def _read(self, gallery: Gallery, card: ModelCard) -> tuple[list[ReadFace], Vectors]:
        read: list[ReadFace] = []
        parts: list[Vectors] = []
        with self.database.repeatable_read() as session:
            for faces, vectors in records.read(session, gallery.id, card.fingerprint, anonymous=True):
                read += faces
                parts.append(vectors)
        return read, np.concatenate(parts) if parts else np.empty((0, card.dimension), np.float32)

    def _compare_with_named(
        self, gallery: Gallery, card: ModelCard, groups: list[Group], vectors: Vectors, threshold: float
    ) -> None:
        with self.database.repeatable_read() as session:
            named, named_means = resemblance.named_means(
                records.read(session, gallery.id, card.fingerprint, anonymous=False)
            )
        found = resemblance.resembling(
            [group.into for group in groups], means(groups, vectors), named, named_means, threshold
        )
        if self.job.join_named:
            pairs = [Pair(into=one.named, joined=one.identity_id) for one in found]
            join.join(
                self.database, gallery.id, self.job.id, pairs, named=True, written=self._joined("named")
            )
        else:
            join.add_reviews(self.database, gallery.id, found, threshold, written=self._joined("reviews"))

    def _compared(self, done: int) -> None:
        self.figures["compared"] = done
        self._note()

    def _joined(self, figure: str) -> join.Written:
        self.figures[figure] = 0

        def written(session: Session, count: int) -> None:
            self.figures[figure] += count
            jobs.progress(session, self.job.id, self.worker, figures=self.figures)
            self.observe(self.figures)

        return written

    def _note(self, step: str | None = None, *, threshold: float | None = None) -> None:
        """Raises LeaseLost."""
        with self.database.transaction() as session:
            jobs.progress(
                session,
                self.job.id,
                self.worker,
                step=step,
                figures=self.figures,
                threshold=threshold,
            )
        self.observe(self.figures)


def listed(groups: list[Group], faces: list[ReadFace]) -> dict[str, Any]:
    """The largest first. A group's id is that of the identity that would remain."""

    def shown(row: int) -> dict[str, Any]:
        face = faces[row]
        return {
            "identity_id": str(face.identity_id),
            "face_id": str(face.id),
            "image_sha256": face.image_sha256.hex(),
            "box": dict(zip(("x", "y", "width", "height"), face.box, strict=True)),
        }

    ordered = sorted(groups, key=lambda group: (-len(group.rows), group.rows[0]))
    return {
        "groups": [
            {"id": str(group.into), "faces": [shown(row) for row in group.rows]}
            for group in ordered
            if len(group.rows) > 1
        ],
        "unassigned": [shown(group.rows[0]) for group in ordered if len(group.rows) == 1],
    }
