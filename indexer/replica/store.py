"""Where a gallery's index comes from: the newest good snapshot on disk, else PostgreSQL.

A snapshot that is not as it was written is reported, set aside and never served. What PostgreSQL
gives is written as a new one, so that the next start need not ask for it all again. A snapshot does
for a gallery if it is of the model and tier that are wanted, not older than the last rebuild that was
asked for, was made from this very log, and the log still tells what followed it.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from uuid import UUID

from indexer.calibration import card_curve as threshold
from indexer.embedding.card import ModelCard
from indexer.errors import (
    ChangesPruned,
    EmbeddingsReplaced,
    GalleryNotFound,
    LogForked,
    SnapshotDamaged,
    SnapshotForeign,
)
from indexer.files import close_to_others
from indexer.index import gpu, tiers
from indexer.index.build import AddBatch, BuildResult, RecallRequirement, build
from indexer.index.digest import Digest
from indexer.index.live import LiveIndex
from indexer.index.manifest import Manifest
from indexer.index.snapshots import SnapshotStore, gallery_ids, remove_gallery
from indexer.pipeline.models import GalleryModels
from indexer.records import changes, galleries, reindexes
from indexer.records.database.session import Database, Session
from indexer.records.tables import Gallery
from indexer.replica.sweep import sweep
from indexer.settings import Settings
from indexer.types import LOG_START, LogPosition, Tier

log = logging.getLogger(__name__)

WRITTEN_FROM = 10_000
"""Faces; fewer come out of PostgreSQL in less time than they are worth a directory."""
COMPACT_FROM = 100_000
"""Faces from which on `auto` is `compact`; below, `exact` answers in two milliseconds."""
KEPT = 2
"""Snapshots of a gallery."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StoredIndex:
    """An index, and where it comes from."""

    index: LiveIndex
    snapshot: str | None
    """None where it is not on the disk."""
    applied: int
    """Number of the last change in it when it was opened: from there on a start would have to replay."""
    embedded_by: UUID | None
    """The re-index job that made its embeddings, if one did."""
    rebuild_number: int
    target: Tier
    rejected: str | None
    """Why it is not of the target tier."""
    for_gpu: bool = False
    """Whether it was to go to the GPUs; `index.tier` tells whether it did."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Copy:
    """What PostgreSQL had of a gallery at one moment, as an index."""

    built: BuildResult
    position: LogPosition
    embedded_by: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexStore:
    database: Database
    models: GalleryModels
    card: ModelCard
    """Of the model whose indexes these are; `of_model` gives the index_store of another's."""
    root: Path
    """Of all galleries' snapshots."""
    tier: Literal["auto"] | Tier
    fpir: float
    min_recall: float

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

    def of_gallery(self, gallery: Gallery) -> "IndexStore":
        """For the model that the gallery is searched with. Raises ModelUnavailable."""
        return self.of_model(self.models.for_gallery(gallery))

    def snapshots(self, gallery: Gallery) -> SnapshotStore:
        return SnapshotStore(self.root, gallery.id, self.card.fingerprint)

    def discard(self, gallery_id: UUID) -> None:
        """What this machine's disk holds of a deleted gallery."""
        remove_gallery(self.root, gallery_id)

    def orphans(self, every: Sequence[Gallery]) -> list[UUID]:
        """Galleries that are on the disk and not in the database: deleted through another machine, say."""
        known = {gallery.id for gallery in every}
        return [gallery_id for gallery_id in gallery_ids(self.root) if gallery_id not in known]

    def read(self, gallery_id: UUID) -> Gallery:
        """Raises GalleryNotFound."""
        with self.database.reading() as session:
            gallery = galleries.by_ids(session, [gallery_id]).get(gallery_id)
        if gallery is None:
            raise GalleryNotFound("the gallery was deleted meanwhile")
        return gallery

    def open(
        self, gallery_id: UUID, *, at_least: int = 0, progress: Callable[[int], object] = lambda _: None
    ) -> StoredIndex:
        """With change `at_least` and maybe later ones in it; the caller replays what followed.

        Where several processes of a machine want the same snapshot, one builds it and the others load
        it. Raises GalleryNotFound, EmbeddingsMissing, and what `progress` does.
        """
        gallery = self.read(gallery_id)
        sweep(self.database, self.root, gallery, self.card.fingerprint)
        opened = self._load(gallery, at_least) or self._come_by(gallery, at_least, progress)
        return self._on_gpu(gallery, opened) if self.for_gpu(gallery) else opened

    def rebuild(self, gallery: Gallery, *, progress: Callable[[int], object] = lambda _: None) -> str:
        """A new snapshot on the disk, whatever is there; its name.

        Raises GalleryNotFound, EmbeddingsMissing, OSError.
        """
        with self.snapshots(gallery).locked():
            return self._write(gallery, self.build(gallery, progress=progress))

    def build(self, gallery: Gallery, *, progress: Callable[[int], object] = lambda _: None) -> Copy:
        """From PostgreSQL, as of one moment."""
        position, embedded_by = LOG_START, None

        def feed(take: AddBatch) -> None:
            nonlocal position, embedded_by
            with self.database.repeatable_read() as session:
                position = changes.read_enrolled(session, gallery.id, self.card.fingerprint, take)
                embedded_by = reindexes.embedded_by(session, gallery.id, self.card.fingerprint)

        requirement = RecallRequirement(
            genuine_cosines=self.card.genuine_scores,
            threshold=threshold.for_fpir(self.card, self.fpir, gallery.face_count),
            min_recall=self.min_recall,
        )
        built = build(self.target(gallery), self.card.dimension, feed, requirement, progress=progress)
        if built.rejected is not None:
            log.warning(
                "the index of %s is %s and not %s: %s",
                gallery.name,
                built.searcher.tier,
                self.target(gallery),
                built.rejected,
            )
        return Copy(built=built, position=position, embedded_by=embedded_by)

    def for_gpu(self, gallery: Gallery) -> bool:
        return self._choice(gallery) is Tier.GPU

    def gpu_shortcoming(self, count: int) -> str | None:
        """Why so many faces cannot be searched on the GPUs now."""
        return gpu.unavailable_reason(count, self.card.dimension)

    def bytes_per_face(self, gallery: Gallery) -> float:
        """Of memory, in the tier that is wanted."""
        return tiers.bytes_per_face(self.target(gallery), self.card.dimension)

    def fits(self, target: Tier, gallery: Gallery) -> bool:
        """Whether an index that was built for the tier `target` still suits the gallery.

        A gallery that shrinks keeps `compact` down to half of where it began, so as not to waver.
        """
        if target is self.target(gallery):
            return True
        still_large = gallery.face_count >= COMPACT_FROM // 2
        free = self._choice(gallery) in ("auto", Tier.GPU)
        return free and target is Tier.COMPACT and still_large

    def target(self, gallery: Gallery) -> Tier:
        """As it lies on the disk. What goes to the GPUs lies there as `auto` has it, ready to step in."""
        choice = self._choice(gallery)
        if choice != "auto" and choice is not Tier.GPU:
            return choice
        return Tier.COMPACT if gallery.face_count >= COMPACT_FROM else Tier.EXACT

    def _choice(self, gallery: Gallery) -> Literal["auto"] | Tier:
        return self.tier if gallery.index_tier is None else Tier(gallery.index_tier)

    def _come_by(self, gallery: Gallery, at_least: int, progress: Callable[[int], object]) -> StoredIndex:
        if gallery.face_count >= WRITTEN_FROM:
            try:
                with self.snapshots(gallery).locked():
                    gallery = self.read(gallery.id)
                    return self._load(gallery, at_least) or self._make(gallery, progress)
            except OSError as error:
                log.error("the index of %s is not kept on disk: %s", gallery.name, error)
        return self._live(gallery, self.build(gallery, progress=progress), None)

    def _on_gpu(self, gallery: Gallery, opened: StoredIndex) -> StoredIndex:
        """Moved there; as it is, and loudly, where that is impossible."""
        index = opened.index
        rejected = self.gpu_shortcoming(index.count)
        if rejected is None:
            try:
                moved = LiveIndex(
                    gpu.copy_to_gpus(index.searcher),
                    position=index.position,
                    digest=Digest.from_hex(index.digest),
                )
                return replace(opened, index=moved, for_gpu=True, rejected=None)
            except RuntimeError as error:  # as FAISS tells what CUDA did
                rejected = str(error)
        log.error("the index of %s is %s and not gpu: %s", gallery.name, index.tier, rejected)
        return replace(opened, for_gpu=True, rejected=rejected)

    def _load(self, gallery: Gallery, at_least: int) -> StoredIndex | None:
        """The newest snapshot that is as it was written, and of what is wanted."""
        snapshots = self.snapshots(gallery)
        for name in snapshots.names():
            try:
                unfit = self._unfit(gallery, snapshots.manifest(name), at_least)
                if unfit is None:
                    index, manifest = snapshots.load(name)
                    return StoredIndex(
                        index=index,
                        snapshot=name,
                        applied=manifest.applied,
                        embedded_by=manifest.embedded_by,
                        rebuild_number=manifest.rebuild_number,
                        target=manifest.target,
                        rejected=manifest.rejected,
                    )
                log.info("snapshot %s of %s is passed over: %s", name, gallery.name, unfit)
            except (LogForked, EmbeddingsReplaced) as error:
                log.warning("snapshot %s of %s is not used: %s", name, gallery.name, error)
            except (SnapshotForeign, ChangesPruned) as error:
                log.info("snapshot %s of %s is passed over: %s", name, gallery.name, error)
            except SnapshotDamaged as error:
                log.error("set aside, and built anew from PostgreSQL: %s", error)
                snapshots.quarantine(name)
        return None

    def check(self, session: Session, gallery: Gallery, manifest: Manifest) -> None:
        """Whether a snapshot is a copy of what this database has, and the log tells what followed.

        Raises ChangesPruned, LogForked, EmbeddingsReplaced, GalleryNotFound.
        """
        changes.check(session, gallery.id, manifest.position)
        reindexes.check_embedded_by(session, gallery.id, self.card.fingerprint, manifest.embedded_by)

    def _unfit(self, gallery: Gallery, manifest: Manifest, at_least: int) -> str | None:
        """Raises ChangesPruned, LogForked, EmbeddingsReplaced, GalleryNotFound."""
        if not self.fits(manifest.target, gallery):
            return f"{self.target(gallery)} is the target tier, not {manifest.target}"
        if manifest.rebuild_number < gallery.rebuild_number:
            return "a rebuild was asked for since"
        if manifest.applied < at_least:
            return "there is to be a newer one"
        with self.database.reading() as session:
            self.check(session, gallery, manifest)
        return None

    def _make(self, gallery: Gallery, progress: Callable[[int], object]) -> StoredIndex:
        """From PostgreSQL, and kept on the disk. Call it within `locked`."""
        copy = self.build(gallery, progress=progress)
        try:
            name = self._write(gallery, copy)
        except OSError as error:  # a full disk costs time at the next start, nothing else
            log.error("the index of %s is not kept on disk: %s", gallery.name, error)
            name = None
        return self._live(gallery, copy, name)

    def _write(self, gallery: Gallery, copy: Copy) -> str:
        """Raises OSError, GalleryNotFound."""
        snapshots = self.snapshots(gallery)
        manifest = Manifest.of(
            copy.built,
            gallery=gallery.id,
            model=self.card.fingerprint,
            target=self.target(gallery),
            position=copy.position,
            rebuild_number=gallery.rebuild_number,
            embedded_by=copy.embedded_by,
        )
        name = snapshots.write(copy.built, manifest)
        snapshots.prune(KEPT)
        try:
            self.read(gallery.id)
        except GalleryNotFound:
            # Deleted while it was written: whoever removed its files may have missed these.
            self.discard(gallery.id)
            raise
        return name

    def _live(self, gallery: Gallery, copy: Copy, snapshot: str | None) -> StoredIndex:
        built = copy.built
        return StoredIndex(
            index=LiveIndex(built.searcher, position=copy.position, digest=built.digest),
            snapshot=snapshot,
            applied=copy.position.number,
            embedded_by=copy.embedded_by,
            rebuild_number=gallery.rebuild_number,
            target=self.target(gallery),
            rejected=built.rejected,
        )
