"""There is no such thing."""

from indexer.errors.base import GemelError


class NotFound(GemelError):
    pass


class GalleryNotFound(NotFound):
    code = "gallery_not_found"


class IdentityNotFound(NotFound):
    code = "identity_not_found"


class FaceNotFound(NotFound):
    code = "face_not_found"


class CropNotStored(NotFound):
    code = "crop_not_stored"


class SampleNotFound(NotFound):
    code = "sample_not_found"


class AuditEventNotFound(NotFound):
    code = "audit_event_not_found"


class DisputeNotFound(NotFound):
    code = "dispute_not_found"


class ReindexNotFound(NotFound):
    code = "reindex_not_found"


class ShardSetNotFound(NotFound):
    code = "shard_set_not_found"


class KeyNotFound(NotFound):
    code = "key_not_found"


class ReviewNotFound(NotFound):
    code = "review_not_found"


class PeopleChangeNotFound(NotFound):
    code = "people_change_not_found"


class ImportNotFound(NotFound):
    code = "import_not_found"


class ClusteringNotFound(NotFound):
    code = "clustering_not_found"


class DuplicateSearchNotFound(NotFound):
    code = "duplicate_search_not_found"


class ImportFileNotFound(NotFound):
    code = "import_file_not_found"


class PictureNotStored(NotFound):
    code = "picture_not_stored"


class TransferNotFound(NotFound):
    code = "transfer_not_found"


class ChallengeNotFound(NotFound):
    code = "challenge_not_found"
