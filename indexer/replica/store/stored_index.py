"""An index with its provenance: the snapshot that it was loaded from, or the copy of PostgreSQL's rows."""

import logging
from dataclasses import dataclass, replace
from uuid import UUID

from indexer.index.digest import Digest
from indexer.index.gpu import sharded
from indexer.index.live import LiveIndex
from indexer.index.manifest import Manifest
from indexer.replica.store.database_copy import DatabaseCopy
from indexer.types import Tier

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StoredIndex:
    index: LiveIndex
    snapshot: str | None
    """None where it is not on disk."""
    applied: int
    """Number of the last change in the snapshot: a start would have to replay what follows."""
    embedded_by: UUID | None
    """The re-index job that made its embeddings, if one did."""
    rebuild_number: int
    """How many rebuilds of the gallery had been requested when it was built."""
    target_tier: Tier
    """The tier that was requested when it was built; `index.tier` is the one that it has."""
    shortfall: str | None
    """Why it does not have that tier, or is not on the GPUs."""
    for_gpu: bool = False
    """Whether the GPUs were requested; `index.tier` says whether it is there."""

    @classmethod
    def loaded(cls, index: LiveIndex, snapshot: str, manifest: Manifest) -> "StoredIndex":
        return cls(
            index=index,
            snapshot=snapshot,
            applied=manifest.applied,
            embedded_by=manifest.embedded_by,
            rebuild_number=manifest.rebuild_number,
            target_tier=manifest.target,
            shortfall=manifest.rejected,
        )

    @classmethod
    def copied(cls, copy: DatabaseCopy, snapshot: str | None) -> "StoredIndex":
        return cls(
            index=LiveIndex(copy.built.searcher, position=copy.position, digest=copy.built.digest),
            snapshot=snapshot,
            applied=copy.position.number,
            embedded_by=copy.embedded_by,
            rebuild_number=copy.rebuild_number,
            target_tier=copy.target_tier,
            shortfall=copy.built.rejected,
        )

    def on_gpu(self, gallery_name: str) -> "StoredIndex":
        """Moved there; left as it is, and logged, where that is impossible."""
        index = self.index
        shortfall = sharded.unavailable_reason(index.count, index.searcher.dimension)
        if shortfall is None:
            try:
                moved = LiveIndex(
                    sharded.copy_to_gpus(index.searcher),
                    position=index.position,
                    digest=Digest.from_hex(index.digest),
                )
                return replace(self, index=moved, for_gpu=True, shortfall=None)
            except RuntimeError as error:  # FAISS reports a failure of CUDA so
                shortfall = str(error)
        log.error("the index of gallery %s is %s and not gpu: %s", gallery_name, index.tier, shortfall)
        return replace(self, for_gpu=True, shortfall=shortfall)
