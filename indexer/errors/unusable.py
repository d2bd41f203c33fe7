"""Copies and embeddings that cannot be used."""

from indexer.errors.base import GemelError


class Unusable(GemelError):
    pass


class SnapshotDamaged(Unusable):
    code = "snapshot_damaged"


class SnapshotForeign(Unusable):
    code = "snapshot_foreign"


class ChangesPruned(Unusable):
    code = "changes_pruned"


class LogForked(Unusable):
    code = "log_forked"


class EmbeddingsReplaced(Unusable):
    code = "embeddings_replaced"


class EmbeddingUnusable(GemelError):
    code = "embedding_unusable"
