"""All that PostgreSQL has of a gallery by one model, read at one moment and built into an index."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from indexer.embedding.card import ModelCard
from indexer.index.build import AddBatch, BuildResult, RecallRequirement, build
from indexer.records import reindexes
from indexer.records.database.session import Database
from indexer.records.enrolled import contents
from indexer.records.tables import Gallery
from indexer.types import LOG_START, LogPosition, Part, Tier

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DatabaseCopy:
    built: BuildResult
    position: LogPosition
    """Of the last change in it."""
    embedded_by: UUID | None
    """The re-index job that made the embeddings, if one did."""
    rebuild_number: int
    """Number of the last rebuild that had been requested."""
    target_tier: Tier


def read(
    database: Database,
    gallery: Gallery,
    card: ModelCard,
    *,
    tier: Tier,
    part: Part | None,
    requirement: RecallRequirement,
    rebuild_number: int,
    progress: Callable[[int], object],
) -> DatabaseCopy:
    """`tier`: the target; `build` says when it is not reached. `progress` gets the number of faces read.
    `part`: only that of the gallery. `rebuild_number`: how many rebuilds have been requested.

    Raises GalleryNotFound, EmbeddingsMissing, and what `progress` does.
    """
    position, embedded_by = LOG_START, None

    def feed(take: AddBatch) -> None:
        nonlocal position, embedded_by
        with database.repeatable_read() as session:
            position = contents.read_enrolled(session, gallery.id, card.fingerprint, take, part)
            embedded_by = reindexes.embedded_by(session, gallery.id, card.fingerprint)

    built = build(tier, card.dimension, feed, requirement, progress=progress)
    if built.rejected is not None:
        log.warning(
            "the index of gallery %s is %s and not %s: %s",
            gallery.name,
            built.searcher.tier,
            tier,
            built.rejected,
        )
    return DatabaseCopy(
        built=built,
        position=position,
        embedded_by=embedded_by,
        rebuild_number=rebuild_number,
        target_tier=tier,
    )
