"""Snapshots on this machine's disk that no gallery uses any more.

The worker that cleans up after a re-index removes the old model's snapshots on its own machine; the other
machines do so when they next open an index of the gallery. The snapshots of shards go in the same way after
their set was dropped.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from indexer.index import snapshots
from indexer.records import reindexes, shard_sets
from indexer.records.database.session import Database
from indexer.records.tables import Gallery

log = logging.getLogger(__name__)


def remove_if_unused(database: Database, root: Path, gallery: Gallery, model: str) -> None:
    """The snapshots by `model`, if the gallery has left it: one was finished after the cleanup, maybe."""
    with database.reading() as session:
        in_use = reindexes.models_in_use(session, [gallery.id])[gallery.id]
    if model not in in_use:
        snapshots.SnapshotStore(root, gallery.id, model).remove()


def remove_unused(database: Database, root: Path, gallery: Gallery, *, opening: str) -> None:
    """All but the snapshots by the model `opening`, which is being opened, and by other models in use; and
    those of shards that are gone.

    `root`: of all galleries' snapshots. What an older version stored in another layout is removed too.
    """
    remove_unused_parts(database, root, gallery, opening)
    present = snapshots.models(root, gallery.id) - {opening}  # first: what is begun later is kept
    if not present:
        return
    with database.reading() as session:
        in_use = reindexes.models_in_use(session, [gallery.id])[gallery.id]
    for name in sorted(present - in_use.keys()):
        log.info("gallery %s no longer uses the model %s: its snapshots are removed", gallery.name, name)
        snapshots.remove_model(root, gallery.id, name)


def remove_unused_parts(database: Database, root: Path, gallery: Gallery, model: str) -> list[str]:
    """All snapshots by `model` of parts that no set of shards has any more; the names of the parts."""
    present = snapshots.parts(root, gallery.id, model)  # first: what is begun later is kept
    if not present:
        return []
    with database.reading() as session:
        sets = shard_sets.of_galleries(session, [gallery.id])[gallery.id]
    in_use = {part for one in sets if one.model == model for part in one.parts}
    gone = [part for part in present if part not in in_use]
    for part in gone:
        log.info("gallery %s has no shard %s any more: its snapshots are removed", gallery.name, part.name)
        snapshots.SnapshotStore(root, gallery.id, model, part).remove()
    return [part.name for part in gone]


def orphans(root: Path, every: Sequence[Gallery]) -> list[UUID]:
    """Galleries on the disk that are not in the database: deleted through another machine, say."""
    known = {gallery.id for gallery in every}
    return [gallery_id for gallery_id in snapshots.gallery_ids(root) if gallery_id not in known]
