"""What lies on this machine's disk of a gallery, and is of no use any more.

The worker that cleans up after a re-index removes what the old model had on its own machine; here the
others follow, when they next open the gallery's index.
"""

import logging
from pathlib import Path

from indexer.index import snapshots
from indexer.records import reindexes
from indexer.records.database.session import Database
from indexer.records.tables import Gallery

log = logging.getLogger(__name__)


def remove_unwanted(database: Database, root: Path, gallery: Gallery, model: str) -> None:
    """An index by `model` that was finished after the gallery had left the model, and had been cleaned up."""
    with database.reading() as session:
        in_use = reindexes.models_in_use(session, [gallery.id])[gallery.id]
    if model not in in_use:
        snapshots.SnapshotStore(root, gallery.id, model).remove()


def sweep(database: Database, root: Path, gallery: Gallery, model: str) -> None:
    """Removes all but the indexes by `model`, which is being opened, and by others that are in use.

    `root`: of all galleries' snapshots. What an older version had laid out otherwise goes, too.
    """
    there = snapshots.models(root, gallery.id) - {model}  # before the question: what is begun later stays
    if not there:
        return
    with database.reading() as session:
        in_use = reindexes.models_in_use(session, [gallery.id])[gallery.id]
    for name in sorted(there - in_use.keys()):
        log.info("%s is not searched with %s any more: its index goes from the disk", gallery.name, name)
        snapshots.remove_model(root, gallery.id, name)
