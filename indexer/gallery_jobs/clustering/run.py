"""One clustering, from reading the faces to the last join."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np

from indexer import memory
from indexer.calibration.threshold import decision as thresholds
from indexer.embedding.card import ModelCard
from indexer.errors import NotEnoughRoom
from indexer.gallery_jobs.clustering import join, resemblance
from indexer.gallery_jobs.clustering.join import Pair
from indexer.gallery_jobs.clustering.plan import Group, find_groups, means
from indexer.gallery_jobs.run import Run
from indexer.records.clusterings import faces as records
from indexer.records.clusterings.faces import ReadFace
from indexer.records.database.session import Session
from indexer.records.tables import Gallery
from indexer.types import Box as FaceBox
from indexer.types import Vectors
from indexer.usecases.answers.faces import Box

FPIR = 0.1
"""Share of faces that may resemble a face of somebody else: as in `gemel cluster` of a folder. Such a face
alone does not join two groups, because their mean must reach the threshold. Whether a group is somebody
with a name is decided by the gallery's own FPIR, which is usually lower."""
FACE_VECTORS, NAMED_VECTORS = 4, 2
"""Vectors in memory for each unnamed face and each person with a name (docs/explanation/clustering.md)."""
VALUE_BYTES = 4
JOINING = "joining"
NAMES = "comparing with people who have names"

_T = TypeVar("_T")


@dataclass(slots=True, kw_only=True)
class ClusteringRun(Run):
    def work(self) -> Any:
        """The groups, of a dry run."""
        options = self.job.options
        gallery = self.gallery()
        if gallery is None or gallery.model_id is None:
            return {"groups": [], "unassigned": []} if options["dry_run"] else None
        card = self.index_store.models.for_gallery(gallery)
        threshold = self._threshold(gallery, card, FPIR)
        self._check_memory(gallery, card)
        self.note("reading", threshold=threshold)
        read, vectors = self._read(gallery, card)
        self.note("comparing", faces=len(read), compared=0)
        groups = find_groups(
            read,
            vectors,
            threshold,
            join_groups=options["join_groups"],
            progress=lambda done: self.note(compared=done),
        )
        several = [group for group in groups if len(group.rows) > 1]
        self.figures |= {
            "groups": len(several),
            "grouped": sum(len(group.rows) for group in several),
            "joined": 0,
        }
        if options["dry_run"]:
            self.note("listing")
            return listed(groups, read)
        self.note(JOINING)
        pairs = [Pair(into=group.into, joined=one) for group in groups for one in group.joined]
        self._write_portions(JOINING, "joined", pairs, partial(self._join, gallery))
        self.note(NAMES)
        self._compare_with_named(
            gallery, card, groups, vectors, self._threshold(gallery, card, self.calibrations.fpir_of(gallery))
        )
        return None

    def _threshold(self, gallery: Gallery, card: ModelCard, fpir: float) -> float:
        requested: float | None = self.job.options["threshold"]
        if requested is not None:
            return requested
        calibration = self.calibrations.for_gallery(gallery, card)
        return thresholds.decide(calibration, fpir, max(1, gallery.face_count)).threshold

    def _check_memory(self, gallery: Gallery, card: ModelCard) -> None:
        """Raises NotEnoughRoom if this machine has too little memory. Groups are found on one machine, also
        those of a gallery in shards, which may be larger than any machine."""
        with self.database.repeatable_read() as session:  # no statement timeout: it may read millions of rows
            faces, named = records.count(session, gallery.id)
        needed = (FACE_VECTORS * faces + NAMED_VECTORS * named) * card.dimension * VALUE_BYTES
        free = memory.available_bytes()
        if needed > free:
            raise NotEnoughRoom(
                f"to group {faces:,} unnamed faces takes about {needed / 1e9:,.1f} GB of memory, and"
                f" {free / 1e9:,.1f} GB are free: run `gemel cluster --gallery {gallery.name}` on a larger"
                " machine"
            )

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
        if self.job.options["join_named"]:
            pairs = [Pair(into=one.named, joined=one.identity_id) for one in found]
            self._write_portions(NAMES, "named", pairs, partial(self._join, gallery, named=True))
        else:
            self._write_portions(
                NAMES,
                "reviews",
                found,
                lambda session, portion: join.add_reviews(session, gallery.id, portion, threshold),
            )

    def _join(self, gallery: Gallery, session: Session, pairs: Sequence[Pair], *, named: bool = False) -> int:
        return join.join(session, gallery.id, self.job.id, pairs, named=named)

    def _write_portions(
        self, step: str, figure: str, every: Sequence[_T], work: Callable[[Session, Sequence[_T]], int]
    ) -> None:
        """`figure` grows by what `work` returns for each portion."""
        self.figures[figure] = 0

        def counted(portion: Sequence[_T], session: Session) -> Mapping[str, int]:
            return {figure: work(session, portion)}

        for start in range(0, len(every), join.PAIRS):
            self.write(step, partial(counted, every[start : start + join.PAIRS]))


def listed(groups: list[Group], faces: list[ReadFace]) -> dict[str, Any]:
    """The largest first. A group's id is that of the identity that would remain."""

    def shown(row: int) -> dict[str, Any]:
        face = faces[row]
        x, y, width, height = face.box
        return {
            "identity_id": str(face.identity_id),
            "face_id": str(face.id),
            "image_sha256": face.image_sha256.hex(),
            "box": Box.of(FaceBox(x=x, y=y, width=width, height=height)).model_dump(),
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
