"""Snapshots on this machine's disk that no gallery uses any more.

The worker that cleans up after a re-index removes the old model's snapshots on its own machine; the other
machines do so when they next open an index of the gallery.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from indexer.index import snapshots
from indexer.records import reindexes
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
    """All but the snapshots by the model `opening`, which is being opened, and by other models in use.

    `root`: of all galleries' snapshots. What an older version stored in another layout is removed too.
    """
    present = snapshots.models(root, gallery.id) - {opening}  # first: what is begun later is kept
    if not present:
        return
    with database.reading() as session:
        in_use = reindexes.models_in_use(session, [gallery.id])[gallery.id]
    for name in sorted(present - in_use.keys()):
        log.info("gallery %s no longer uses the model %s: its snapshots are removed", gallery.name, name)
        snapshots.remove_model(root, gallery.id, name)


def orphans(root: Path, every: Sequence[Gallery]) -> list[UUID]:
    """Galleries on the disk that are not in the database: deleted through another machine, say."""
    known = {gallery.id for gallery in every}
    return [gallery_id for gallery_id in snapshots.gallery_ids(root) if gallery_id not in known]
