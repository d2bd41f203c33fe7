"""Where a gallery's index comes from: the newest good generation on disk, else PostgreSQL.

A generation that is not as it was written is reported, set aside and never served. What PostgreSQL
gives is written as a new one, so that the next start need not ask for it all again.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import UUID

from indexer.embedding.card import ModelCard
from indexer.errors import GenerationDamaged, GenerationForeign
from indexer.index.build import Built, Standard, build
from indexer.index.generation import Manifest, Shelf, gallery_ids
from indexer.index.live import LiveIndex
from indexer.recognition import threshold
from indexer.records import changes
from indexer.records.models import Gallery
from indexer.records.session import Database
from indexer.settings import Settings
from indexer.types import Keys, Tier, Vectors

log = logging.getLogger(__name__)

WRITTEN_FROM = 10_000
"""Faces; fewer come out of PostgreSQL in less time than they are worth a directory."""
COMPACT_FROM = 100_000
"""Faces from which on `auto` is `compact`; below, `exact` answers in two milliseconds."""
KEPT = 2
"""Generations of a gallery."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opener:
    database: Database
    card: ModelCard
    root: Path
    """Of all galleries' generations."""
    tier: Literal["auto"] | Tier
    fpir: float
    min_agreement: float

    @classmethod
    def of(cls, settings: Settings, database: Database, card: ModelCard) -> "Opener":
        return cls(
            database=database,
            card=card,
            root=settings.home.expanduser() / "index",
            tier="auto" if settings.index_tier == "auto" else Tier(settings.index_tier),
            fpir=settings.identify_fpir,
            min_agreement=settings.index_min_agreement,
        )

    def shelf(self, gallery: Gallery) -> Shelf:
        return Shelf(self.root, gallery.id)

    def discard(self, gallery_id: UUID) -> None:
        """What this machine's disk holds of a deleted gallery."""
        Shelf(self.root, gallery_id).remove()

    def orphans(self, every: Sequence[Gallery]) -> list[UUID]:
        """Galleries that are on the disk and not in the database: deleted through another machine, say."""
        known = {gallery.id for gallery in every}
        return [gallery_id for gallery_id in gallery_ids(self.root) if gallery_id not in known]

    def open(self, gallery: Gallery) -> LiveIndex:
        """Up to some change; the caller replays what followed. Raises GalleryNotFound, EmbeddingsMissing."""
        found = self.load(gallery)
        if found is not None:
            return found[0]
        built, applied = self.build(gallery)
        if built.searcher.count >= WRITTEN_FROM:
            try:
                self.write(gallery, built, applied)
            except OSError as error:  # a full disk costs time at the next start, nothing else
                log.error("the index of %s is not kept on disk: %s", gallery.name, error)
        return LiveIndex(built.searcher, applied=applied, digest=built.digest)

    def load(self, gallery: Gallery) -> tuple[LiveIndex, Manifest] | None:
        """The newest generation that is as it was written and of this model and tier."""
        shelf = self.shelf(gallery)
        for name in shelf.names():
            try:
                index, manifest = shelf.load(name, model=self.card.fingerprint)
            except GenerationForeign as error:
                log.info("passed over: %s", error)
            except GenerationDamaged as error:
                log.error("set aside, and built anew from PostgreSQL: %s", error)
                shelf.set_aside(name)
            else:
                if manifest.wanted is self.wanted(gallery) and manifest.applied <= gallery.change_number:
                    return index, manifest
                log.info("passed over: %s is of the tier %s, or of another database", name, manifest.wanted)
        return None

    def build(
        self, gallery: Gallery, *, progress: Callable[[int], object] = lambda _: None
    ) -> tuple[Built, int]:
        """From PostgreSQL, as of one moment, and the number of the last change in it."""
        applied = 0

        def feed(take: Callable[[Keys, Vectors], None]) -> None:
            nonlocal applied
            with self.database.snapshot() as session:
                applied = changes.feed(session, gallery.id, self.card.fingerprint, take)

        standard = Standard(
            genuine_cosines=self.card.genuine_scores,
            threshold=threshold.for_fpir(self.card, self.fpir, gallery.face_count),
            min_agreement=self.min_agreement,
        )
        built = build(self.wanted(gallery), self.card.dimension, feed, standard, progress=progress)
        if built.refused is not None:
            log.warning(
                "the index of %s is %s and not %s: %s",
                gallery.name,
                built.searcher.tier,
                self.wanted(gallery),
                built.refused,
            )
        return built, applied

    def write(self, gallery: Gallery, built: Built, applied: int) -> str:
        """As a new generation; its name. Raises OSError."""
        shelf = self.shelf(gallery)
        manifest = Manifest.of(
            built,
            gallery=gallery.id,
            model=self.card.fingerprint,
            wanted=self.wanted(gallery),
            applied=applied,
        )
        with shelf.alone():
            name = shelf.write(built, manifest)
            shelf.prune(KEPT)
        return name

    def wanted(self, gallery: Gallery) -> Tier:
        if self.tier != "auto":
            return self.tier
        return Tier.COMPACT if gallery.face_count >= COMPACT_FROM else Tier.EXACT
