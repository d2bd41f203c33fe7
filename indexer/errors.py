"""Everything that Gemel raises on purpose. Nothing here knows of HTTP: `service/errors.py` does.

    GemelError
    ├── InvalidInput                what was sent cannot be worked on
    │   ├── InvalidRequest          a field is missing, malformed or out of its range
    │   ├── UnsupportedContentType  a body that is neither multipart nor JSON
    │   ├── UploadTooLarge          more bytes than the limit
    │   ├── HeaderTooLarge          a request's header fields are too long or too many
    │   ├── MalformedRequest        not HTTP, or ambiguous: two Host fields, say
    │   ├── RequestTooSlow          a request that arrives too slowly
    │   ├── UnsupportedImageFormat  not an image, or of a kind that is not read
    │   ├── UnreadableImage         an image that is truncated or damaged
    │   ├── ImageTooLarge           more pixels than the limit
    │   ├── ImageTooExpensive       decoding it takes more time or memory than a picture is given
    │   ├── NoFaceFound             a picture without a face where one is needed
    │   ├── SeveralFaces            a picture with several faces where one is needed
    │   └── NothingEnrolled         every picture of an enrolment was refused
    ├── NotAuthenticated            no key, or a wrong one
    ├── NotFound
    │   ├── GalleryNotFound
    │   ├── IdentityNotFound
    │   ├── FaceNotFound
    │   ├── CropNotStored           the face is there, its crop was not kept
    │   └── ReindexNotFound
    ├── Conflict
    │   ├── GalleryExists
    │   ├── ExternalIdTaken
    │   ├── ReindexExists           the gallery is being re-indexed already
    │   ├── ReindexState            the job is not at a point where that can be done
    │   ├── GatesNotPassed          the new model is not shown to be as good as demanded
    │   ├── ReplicasNotReady        a process that serves could not follow the switch at once
    │   ├── NotEnoughRoom           of memory or disk for a second index beside the first
    │   ├── PolicyUnsupported       a false alarm rate that no measurement here can vouch for
    │   ├── CalibrationUnsupported  too little to measure a gallery's or a model's scores on
    │   └── AnotherModel            an embedding of a model that the gallery is not searched with
    ├── Abandoned                   the client has gone, and nobody waits for the answer
    ├── CrossSite                   a web page of another site asks a server that has no key
    ├── HostNotAllowed              the request is for a name that this server does not answer for
    ├── Unavailable
    │   ├── DatabaseUnavailable     PostgreSQL does not answer
    │   │   ├── DatabaseAccessDenied    it does not let this user in, or denies a right
    │   │   ├── DatabaseFull            its disk is full
    │   │   └── DatabaseReadOnly        it takes no changes: a standby
    │   ├── DatabaseNotMigrated
    │   ├── DatabaseTooNew          a newer version than this one has migrated it
    │   ├── EmbeddingsMissing       faces were enrolled with another model: a re-index is due
    │   ├── IndexNotReady           this gallery's index is being loaded or built
    │   ├── IndexBehind             a change that the caller knows of is not there yet
    │   └── Busy                    too much at once; later it will work
    ├── Unusable                    a copy that is not the truth's: it is made anew
    │   ├── SnapshotDamaged         an index on disk is not as it was written
    │   ├── SnapshotForeign         it is of another gallery, another model or another format
    │   ├── ChangesPruned           what happened since is no longer in the change log
    │   ├── LogForked               it has changes that the database's log does not have
    │   └── EmbeddingsReplaced      its embeddings were deleted, and the same model has made others since
    ├── EmbeddingUnusable           a model made of a face what is not a number
    └── Misconfigured               the operator's to mend, never the caller's
        ├── WeightsMissing
        ├── WeightsDamaged
        ├── ModelUnknown
        ├── ModelUnavailable        a gallery's model cannot be opened in this process
        ├── ModelNotCalibrated      nobody has measured its scores: it can embed, and set no threshold
        └── CardUnusable            a card is malformed, or does not fit its file

A leaf has a stable `code` that clients may branch on, a sentence for people, and `details`: the
measured figures and limits, ready for JSON.
"""

from typing import Any, ClassVar


class GemelError(Exception):
    code: ClassVar[str]

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class InvalidInput(GemelError):
    pass


class InvalidRequest(InvalidInput):
    code = "invalid_request"


class UnsupportedContentType(InvalidInput):
    code = "unsupported_content_type"


class UploadTooLarge(InvalidInput):
    code = "upload_too_large"


class HeaderTooLarge(InvalidInput):
    code = "header_too_large"


class MalformedRequest(InvalidInput):
    code = "malformed_request"


class RequestTooSlow(InvalidInput):
    code = "request_too_slow"


class UnsupportedImageFormat(InvalidInput):
    code = "unsupported_image_format"


class UnreadableImage(InvalidInput):
    code = "unreadable_image"


class ImageTooLarge(InvalidInput):
    code = "image_too_large"


class ImageTooExpensive(InvalidInput):
    code = "image_too_expensive"


class NoFaceFound(InvalidInput):
    code = "no_face_found"


class SeveralFaces(InvalidInput):
    code = "several_faces"


class NothingEnrolled(InvalidInput):
    code = "nothing_enrolled"


class NotAuthenticated(GemelError):
    code = "not_authenticated"


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


class ReindexNotFound(NotFound):
    code = "reindex_not_found"


class Conflict(GemelError):
    pass


class GalleryExists(Conflict):
    code = "gallery_exists"


class ExternalIdTaken(Conflict):
    code = "external_id_taken"


class ReindexExists(Conflict):
    code = "reindex_exists"


class ReindexState(Conflict):
    code = "reindex_state"


class GatesNotPassed(Conflict):
    code = "gates_not_passed"


class ReplicasNotReady(Conflict):
    code = "replicas_not_ready"


class NotEnoughRoom(Conflict):
    code = "not_enough_room"


class PolicyUnsupported(Conflict):
    code = "policy_unsupported"


class CalibrationUnsupported(Conflict):
    code = "calibration_unsupported"


class AnotherModel(Conflict):
    code = "another_model"


class Abandoned(GemelError):
    code = "client_disconnected"


class CrossSite(GemelError):
    code = "cross_site"


class HostNotAllowed(GemelError):
    code = "host_not_allowed"


class Unavailable(GemelError):
    pass


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


class IndexBehind(Unavailable):
    code = "index_behind"


class Busy(Unavailable):
    code = "busy"


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


class Misconfigured(GemelError):
    code = "misconfigured"


class WeightsMissing(Misconfigured):
    code = "weights_missing"


class WeightsDamaged(Misconfigured):
    code = "weights_damaged"


class ModelUnknown(Misconfigured):
    code = "model_unknown"


class ModelUnavailable(Misconfigured):
    code = "model_unavailable"


class ModelNotCalibrated(Misconfigured):
    code = "model_not_calibrated"


class CardUnusable(Misconfigured):
    code = "card_unusable"
