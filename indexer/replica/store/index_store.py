"""Where an index comes from: the newest good snapshot on this machine's disk, else PostgreSQL.

A damaged snapshot is reported, quarantined and never served. What PostgreSQL delivers is written as a new
snapshot, so that the next start need not read all of it again. A snapshot is used if it is by the right model
and of the right tier, is not older than the last requested rebuild, was made from this very log, and the log
still has everything that followed it.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from uuid import UUID

from indexer.calibration.threshold import card_curve as threshold
from indexer.embedding.card import ModelCard
from indexer.errors import (
    Busy,
    ChangesPruned,
    DatabaseUnavailable,
    EmbeddingsReplaced,
    GalleryNotFound,
    GemelError,
    LogForked,
    SnapshotDamaged,
    SnapshotForeign,
)
from indexer.files import close_to_others
from indexer.index.build import RecallRequirement
from indexer.index.gpu import sharded
from indexer.index.manifest import Manifest
from indexer.index.snapshots import SnapshotStore, remove_gallery
from indexer.pipeline.models import GalleryModels
from indexer.records import galleries, shard_sets
from indexer.records.database.session import Database
from indexer.records.tables import Gallery
from indexer.replica.store import database_copy, snapshot_check, sweep
from indexer.replica.store.database_copy import DatabaseCopy
from indexer.replica.store.gallery_log import GalleryLog
from indexer.replica.store.stored_index import StoredIndex
from indexer.replica.store.tier_choice import TierChoice
from indexer.settings import Settings
from indexer.types import IndexedGallery, Part, Tier

log = logging.getLogger(__name__)

SNAPSHOT_MIN_FACES = 10_000
"""Smaller indexes get no snapshot: PostgreSQL delivers them before a directory would be read."""
KEPT_SNAPSHOTS = 2
"""Of a gallery by a model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexStore:
    database: Database
    models: GalleryModels
    card: ModelCard
    """Of the model whose indexes these are; `of_model` gives the store of another's."""
    root: Path
    """Of all galleries' snapshots."""
    tier: Literal["auto"] | Tier
    """As set, for galleries that choose none themselves."""
    fpir: float
    min_recall: float
    part: Part | None = None
    """What its indexes hold of each gallery; None: everything."""

    @classmethod
    def of(cls, settings: Settings, database: Database, card: ModelCard) -> "IndexStore":
        """Raises ModelNotCalibrated."""
        root = settings.home.expanduser() / "index"
        close_to_others(root)
        return cls(
            database=database,
            models=GalleryModels(database, card),
            card=card,
            root=root,
            tier="auto" if settings.index_tier == "auto" else Tier(settings.index_tier),
            fpir=settings.identify_fpir,
            min_recall=settings.index_min_agreement,
        )

    def of_model(self, card: ModelCard) -> "IndexStore":
        return self if card.fingerprint == self.card.fingerprint else replace(self, card=card)

    def of_part(self, part: Part) -> "IndexStore":
        return replace(self, part=part)

    def of_gallery(self, gallery: Gallery) -> "IndexStore":
        """For the model that the gallery is searched with. Raises ModelUnavailable."""
        return self.of_model(self.models.for_gallery(gallery))

    @property
    def tiers(self) -> TierChoice:
        return TierChoice(self.tier, self.card.dimension, self.part)

    def snapshots(self, gallery: Gallery) -> SnapshotStore:
        return SnapshotStore(self.root, gallery.id, self.card.fingerprint, self.part)

    def log(self, gallery_id: UUID) -> GalleryLog:
        return GalleryLog(self.database, gallery_id, self.card.fingerprint, self.part)

    def discard(self, gallery_id: UUID) -> None:
        """Removes what this machine's disk has of a deleted gallery."""
        remove_gallery(self.root, gallery_id)

    def remove_if_unused(self, gallery: Gallery) -> None:
        """What a build wrote after the gallery had left the model; now, or when an index is opened next."""
        try:
            sweep.remove_if_unused(self.database, self.root, gallery, self.card.fingerprint)
        except GemelError as error:
            log.warning("an unused snapshot of gallery %s is removed later: %s", gallery.name, error)

    def read(self, gallery_id: UUID) -> Gallery:
        """Raises GalleryNotFound."""
        with self.database.reading() as session:
            gallery = galleries.by_ids(session, [gallery_id]).get(gallery_id)
        if gallery is None:
            raise GalleryNotFound("the gallery was deleted meanwhile")
        return gallery

    def requested_rebuild(self, gallery: IndexedGallery) -> int:
        """Number of the last rebuild that was requested of what its indexes hold."""
        if self.part is None:
            return gallery.rebuild_number
        with self.database.reading() as session:
            of_shard = shard_sets.requested_rebuild(session, gallery.id, self.card.fingerprint, self.part)
        return max(gallery.rebuild_number, of_shard)

    def open(
        self, gallery_id: UUID, *, at_least: int = 0, progress: Callable[[int], object] = lambda _: None
    ) -> StoredIndex:
        """With change `at_least` in it, and maybe later ones; the caller replays what followed.
        Where several processes of a machine need the same snapshot, one builds it and the others load it.
        Raises GalleryNotFound, EmbeddingsMissing, and what `progress` does.
        """
        gallery = self.read(gallery_id)
        sweep.remove_unused(self.database, self.root, gallery, opening=self.card.fingerprint)
        stored = self._load(gallery, at_least) or self._load_or_build(gallery, at_least, progress)
        return stored.on_gpu(gallery.name) if self.tiers.on_gpu(gallery) else stored

    def rebuild(self, gallery: Gallery, *, progress: Callable[[int], object] = lambda _: None) -> str:
        """Writes a new snapshot, whatever is on the disk; its name.

        Raises GalleryNotFound, EmbeddingsMissing, OSError.
        """
        with self.snapshots(gallery).locked():
            return self._write(gallery, self.build(gallery, progress=progress))

    def build(self, gallery: Gallery, *, progress: Callable[[int], object] = lambda _: None) -> DatabaseCopy:
        """From PostgreSQL, as of one moment."""
        requirement = RecallRequirement(
            genuine_cosines=self.card.genuine_scores,
            threshold=threshold.for_fpir(self.card, self.fpir, gallery.face_count),
            min_recall=self.min_recall,
        )
        return database_copy.read(
            self.database,
            gallery,
            self.card,
            tier=self.tiers.on_disk(gallery),
            part=self.part,
            requirement=requirement,
            rebuild_number=self.requested_rebuild(gallery),
            progress=progress,
        )

    def gpu_shortcoming(self, count: int) -> str | None:
        """Why so many faces cannot be searched on the GPUs now."""
        return sharded.unavailable_reason(count, self.card.dimension)

    def _load(self, gallery: Gallery, at_least: int) -> StoredIndex | None:
        """The newest snapshot that is undamaged and fits."""
        snapshots = self.snapshots(gallery)
        for name in snapshots.names():
            try:
                misfit = self._misfit(gallery, snapshots.manifest(name), at_least)
                if misfit is None:
                    index, manifest = snapshots.load(name)
                    return StoredIndex.loaded(index, name, manifest)
                log.info("snapshot %s of gallery %s is skipped: %s", name, gallery.name, misfit)
            except (LogForked, EmbeddingsReplaced) as error:
                log.warning("snapshot %s of gallery %s cannot be used: %s", name, gallery.name, error)
            except (SnapshotForeign, ChangesPruned) as error:
                log.info("snapshot %s of gallery %s is skipped: %s", name, gallery.name, error)
            except SnapshotDamaged as error:
                log.error("a damaged snapshot is quarantined, and rebuilt from PostgreSQL: %s", error)
                snapshots.quarantine(name)
        return None

    def _misfit(self, gallery: Gallery, manifest: Manifest, at_least: int) -> str | None:
        """Why it is not used. Raises what `snapshot_check.check` does."""
        if not self.tiers.fits(manifest.target, gallery):
            return f"its tier should be {self.tiers.on_disk(gallery)}, not {manifest.target}"
        if manifest.rebuild_number < self.requested_rebuild(gallery):
            return "a rebuild was requested since"
        if manifest.applied < at_least:
            return "a newer one is needed"
        with self.database.reading() as session:
            snapshot_check.check(session, gallery.id, self.card.fingerprint, manifest)
        return None

    def _load_or_build(
        self, gallery: Gallery, at_least: int, progress: Callable[[int], object]
    ) -> StoredIndex:
        """A small index is built in memory alone. Of a large one, one process of the machine writes it."""
        if self.tiers.faces(gallery) < SNAPSHOT_MIN_FACES:
            return StoredIndex.copied(self.build(gallery, progress=progress), None)
        try:
            with self.snapshots(gallery).locked():
                gallery = self.read(gallery.id)
                return self._load(gallery, at_least) or self._build_and_write(gallery, progress)
        except OSError as error:
            log.error("the index of gallery %s is not kept on disk: %s", gallery.name, error)
            return StoredIndex.copied(self.build(gallery, progress=progress), None)

    def _build_and_write(self, gallery: Gallery, progress: Callable[[int], object]) -> StoredIndex:
        """Call it within `locked`."""
        copy = self.build(gallery, progress=progress)
        try:
            name = self._write(gallery, copy)
        except OSError as error:  # a full disk costs time at the next start, nothing else
            log.error("the index of gallery %s is not kept on disk: %s", gallery.name, error)
            return StoredIndex.copied(copy, None)
        return StoredIndex.copied(copy, name)

    def _write(self, gallery: Gallery, copy: DatabaseCopy) -> str:
        """Raises OSError, GalleryNotFound."""
        snapshots = self.snapshots(gallery)
        manifest = Manifest.of(
            copy.built,
            gallery=gallery.id,
            model=self.card.fingerprint,
            target=copy.target_tier,
            position=copy.position,
            rebuild_number=copy.rebuild_number,
            embedded_by=copy.embedded_by,
            part=self.part,
        )
        name = snapshots.write(copy.built, manifest)
        snapshots.prune(KEPT_SNAPSHOTS)
        try:
            self.read(gallery.id)
        except GalleryNotFound:  # whoever removed its files may have missed these
            self.discard(gallery.id)
            raise
        except (DatabaseUnavailable, Busy) as error:  # if it was deleted, the next start removes it
            log.warning("snapshot %s was written just before PostgreSQL went away: %s", name, error)
        return name
