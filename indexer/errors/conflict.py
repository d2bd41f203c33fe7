"""The request contradicts the state of things."""

from indexer.errors.base import GemelError


class Conflict(GemelError):
    pass


class GalleryExists(Conflict):
    code = "gallery_exists"


class ExternalIdTaken(Conflict):
    code = "external_id_taken"


class IdentityMerged(Conflict):
    code = "identity_merged"


class PeopleDistinct(Conflict):
    code = "people_distinct"


class ReviewDecided(Conflict):
    code = "review_decided"


class PeopleChangeUndone(Conflict):
    code = "people_change_undone"


class FaceExists(Conflict):
    code = "face_exists"


class DuplicateIdentity(Conflict):
    code = "duplicate_identity"


class ImportExists(Conflict):
    code = "import_exists"


class ImportState(Conflict):
    code = "import_state"


class ClusteringExists(Conflict):
    code = "clustering_exists"


class ClusteringState(Conflict):
    code = "clustering_state"


class DuplicateSearchExists(Conflict):
    code = "duplicate_search_exists"


class DuplicateSearchState(Conflict):
    code = "duplicate_search_state"


class ImportFull(Conflict):
    code = "import_full"


class ReindexExists(Conflict):
    code = "reindex_exists"


class KeyState(Conflict):
    code = "key_state"


class ReindexState(Conflict):
    code = "reindex_state"


class GatesNotPassed(Conflict):
    code = "gates_not_passed"


class ReplicasNotReady(Conflict):
    code = "replicas_not_ready"


class NotEnoughRoom(Conflict):
    code = "not_enough_room"


class AttributeUnavailable(Conflict):
    code = "attribute_unavailable"


class PolicyUnsupported(Conflict):
    code = "policy_unsupported"


class CalibrationUnsupported(Conflict):
    code = "calibration_unsupported"


class AnotherModel(Conflict):
    code = "another_model"


class TransferExists(Conflict):
    code = "transfer_exists"


class TransferState(Conflict):
    code = "transfer_state"


class ChallengeExpired(Conflict):
    code = "challenge_expired"


class ChallengeUsed(Conflict):
    code = "challenge_used"
