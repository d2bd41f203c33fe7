"""When an index is rebuilt, and when a failed attempt is repeated: pure functions.

Which tier an index should have is `store.tier_choice`. An index that can never catch up is dropped and opened
again, by `gallery_index`.
"""

from collections.abc import Callable

from indexer.errors import Busy, DatabaseUnavailable, Unusable
from indexer.replica.store import StoredIndex, index_store
from indexer.replica.store.tier_choice import TierChoice
from indexer.types import IndexedGallery, Tier

MAX_DELETED_SHARE = 0.2
"""Of the faces in an index; with more deleted faces than this, and than MIN_DELETED, it is rebuilt."""
MIN_DELETED = 1_000
MAX_TAIL_SHARE = 0.1
"""Changes since the snapshot, as a share of the faces; with more than this, and than SNAPSHOT_MIN_FACES of
`index_store`, the index is rebuilt, so that a start finds a newer snapshot and has less to replay."""
MAX_RETRY_SECONDS = 30.0
"""Between two attempts to open or rebuild the same index."""


def reason_to_rebuild(
    stored: StoredIndex,
    gallery: IndexedGallery,
    requested: int,
    tiers: TierChoice,
    gpu_has_room: Callable[[int], bool],
) -> str | None:
    """The first rule that applies, in words for the log; None where the index is as it should be.

    `gallery`: its row now. `requested`: number of the last rebuild that was requested. `gpu_has_room`:
    whether the GPUs can take so many faces; called only if needed.
    """
    index = stored.index
    if requested > stored.rebuild_number:
        return "a rebuild was requested"
    if not tiers.fits(stored.target_tier, gallery):
        return f"its tier should be {tiers.on_disk(gallery)}, not {stored.target_tier}"
    if stored.for_gpu != tiers.on_gpu(gallery):
        return "it should be on the GPUs" if tiers.on_gpu(gallery) else "it should no longer be on the GPUs"
    if stored.for_gpu and index.tier is not Tier.GPU and gpu_has_room(index.count):
        return "the GPUs have room for it now"
    if index.tombstones > max(MIN_DELETED, MAX_DELETED_SHARE * index.count):
        return f"{index.tombstones} deleted faces are still in it"
    tail, min_faces = index.applied - stored.applied, index_store.SNAPSHOT_MIN_FACES
    if index.count >= min_faces and tail > max(min_faces, MAX_TAIL_SHARE * index.count):
        return f"{tail} changes are not in its snapshot"
    return None


def retry_pause_seconds(error: Exception, failures: int, *, serving: bool) -> float:
    """How long nobody tries again after `error`, the last of so many `failures` in a row.

    1, 2, 4 ... 30 s. Always 30 s where the old index serves, so that there is no hurry. Else none where
    PostgreSQL was away or was set back: the next caller finds out whether it is over.
    """
    if serving:
        return MAX_RETRY_SECONDS
    if isinstance(error, (DatabaseUnavailable, Busy, Unusable)):
        return 0.0
    return min(MAX_RETRY_SECONDS, 2.0 ** min(failures - 1, 10))
