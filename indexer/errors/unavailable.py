"""A part of the service does not answer now: the same request may succeed later."""

from indexer.errors.base import GemelError


class Abandoned(GemelError):
    code = "client_disconnected"


class Unavailable(GemelError):
    pass


class AnchorNotWritten(Unavailable):
    code = "anchor_not_written"


class DatabaseUnavailable(Unavailable):
    code = "database_unavailable"


class DatabaseAccessDenied(DatabaseUnavailable):
    code = "database_access_denied"


class DatabaseFull(DatabaseUnavailable):
    code = "database_full"


class DatabaseReadOnly(DatabaseUnavailable):
    code = "database_read_only"


class DatabaseNotMigrated(Unavailable):
    code = "database_not_migrated"


class DatabaseTooNew(Unavailable):
    code = "database_too_new"


class EmbeddingsMissing(Unavailable):
    code = "embeddings_missing"


class IndexNotReady(Unavailable):
    code = "index_not_ready"


class ShardsNotReady(Unavailable):
    code = "shards_not_ready"


class IndexBehind(Unavailable):
    code = "index_behind"


class DownloadFailed(Unavailable):
    code = "download_failed"


class Busy(Unavailable):
    code = "busy"


class LeaseLost(Unavailable):
    code = "lease_lost"


class Stopping(Unavailable):
    code = "stopping"
