"""All errors that Gemel raises on purpose. They know nothing of HTTP: `service/errors.py` has the statuses.

    GemelError
    ├── InvalidInput                the input cannot be processed
    │   ├── InvalidRequest          a field is missing, malformed or out of range
    │   ├── InvalidFilter           a filter of people that cannot be understood, or is too long
    │   ├── UnsupportedContentType  a body that is neither multipart nor JSON
    │   ├── UploadTooLarge          more bytes than the limit
    │   ├── HeaderTooLarge          header fields that are too long or too many
    │   ├── MalformedRequest        not HTTP, or ambiguous, such as two Host fields
    │   ├── RequestTooSlow          a request that arrives too slowly
    │   ├── UnsupportedImageFormat  not an image, or not in a format that is read
    │   ├── UnreadableImage         an image that is truncated or damaged
    │   ├── ImageTooLarge           more pixels than the limit
    │   ├── ImageTooExpensive       decoding would take more time or memory than the limit
    │   ├── UnsupportedClipFormat   not a clip, or not in a format that is read
    │   ├── UnreadableClip          a clip that is damaged, or has no video
    │   ├── ClipTooLarge            a clip with more pixels, frames or seconds than the limit
    │   ├── ClipTooExpensive        decoding it would take more time or memory than the limit
    │   ├── NoFaceFound             a picture without a face where one is required
    │   ├── SeveralFaces            a picture with several faces where one is required
    │   ├── FacePlaceUnusable       a given box or landmarks where no face can be
    │   ├── NothingEnrolled         every picture of an enrolment was rejected
    │   ├── ArchiveInvalid          not an exported gallery, or content that a gallery cannot have
    │   ├── ArchiveDamaged          an export that is incomplete, or differs from its checksums
    │   └── ArchiveVersionUnknown   an export in a later version of the format
    ├── NotAuthenticated            no key, or a wrong one
    ├── RateLimited                 the key has reached one of its limits
    ├── PermissionDenied            a valid key that does not allow this
    ├── AttributeNotPermitted       an attribute that the installation or the gallery does not permit
    ├── NotFound
    │   ├── GalleryNotFound         there is no such gallery
    │   ├── IdentityNotFound        the gallery has no such identity
    │   ├── FaceNotFound            the identity has no such face
    │   ├── CropNotStored           the face exists, its crop was not stored
    │   ├── SampleNotFound          there is no such sample picture, or its package is not installed
    │   ├── ReindexNotFound         there is no such re-index job
    │   ├── ShardSetNotFound        there is no such set of shards, or it is not in a state that allows this
    │   ├── KeyNotFound             there is no such API key
    │   ├── AuditEventNotFound      the audit record has no such event
    │   ├── DisputeNotFound         nobody disputes this match, or the dispute was withdrawn
    │   ├── ReviewNotFound          there is no such review of two identities
    │   ├── ImportNotFound          the gallery has no such import
    │   ├── ImportFileNotFound      the import has no such file
    │   ├── PictureNotStored        the file exists, no picture of it is kept
    │   ├── ClusteringNotFound      the gallery has no such clustering
    │   ├── DuplicateSearchNotFound the gallery has no such search for duplicates
    │   ├── TransferNotFound        the gallery has no such transfer of an export
    │   ├── ChallengeNotFound       the caller has drawn no such challenge of liveness
    │   └── PeopleChangeNotFound    there is no such merge, split or move, or a person was deleted after it
    ├── Conflict
    │   ├── GalleryExists           there is a gallery of this name
    │   ├── ExternalIdTaken         another identity of the gallery has this external id
    │   ├── IdentityMerged          the identity was merged into another
    │   ├── PeopleDistinct          two identities that are known to be different people
    │   ├── ReviewDecided           the review was decided already, or is open
    │   ├── PeopleChangeUndone      the merge, split or move was undone already
    │   ├── FaceExists              the other identity has a face of this photograph
    │   ├── DuplicateIdentity       the person looks like another one of the gallery
    │   ├── ImportExists            another import of the gallery has this key
    │   ├── ImportState             the import is not in a state that allows this
    │   ├── ImportFull              the import has as many files as it can have
    │   ├── ClusteringExists        the gallery is being clustered already
    │   ├── ClusteringState         the clustering is not in a state that allows this
    │   ├── DuplicateSearchExists   the gallery is being searched for duplicates already
    │   ├── DuplicateSearchState    the search for duplicates has ended
    │   ├── TransferExists          another export is being transferred into the gallery
    │   ├── TransferState           the transfer is not in a state that allows this
    │   ├── ReindexExists           the gallery has a re-index job already
    │   ├── KeyState                the API key is revoked or has expired
    │   ├── ReindexState            the re-index job is not in a state that allows this
    │   ├── GatesNotPassed          the new model does not meet the acceptance criteria
    │   ├── ReplicasNotReady        a serving process cannot switch at once
    │   ├── NotEnoughRoom           no memory or disk for a second index beside the first
    │   ├── PolicyUnsupported       a false alarm rate that the calibration does not support
    │   ├── CalibrationUnsupported  too few people or scores for a calibration
    │   ├── AnotherModel            an embedding of a model that the gallery is not searched with
    │   ├── AttributeUnavailable    an attribute without a head, or without its weights on this machine
    │   ├── ChallengeExpired        a challenge of liveness is too old
    │   └── ChallengeUsed           a challenge of liveness counts once
    ├── Abandoned                   the client has disconnected before the answer
    ├── CrossSite                   a page of another site sent the request, and no key with it
    ├── CsrfTokenInvalid            a request with a cookie that changes things lacks its session's token
    ├── HostNotAllowed              the request is for a host name that this server does not serve
    ├── Unavailable
    │   ├── DatabaseUnavailable     PostgreSQL does not answer
    │   │   ├── DatabaseAccessDenied    PostgreSQL rejects the user, or denies a right
    │   │   ├── DatabaseFull            the disk of PostgreSQL is full
    │   │   └── DatabaseReadOnly        PostgreSQL is a standby and accepts no changes
    │   ├── DatabaseNotMigrated     the database lacks this version's schema: `gemel migrate`
    │   ├── DatabaseTooNew          a newer version has migrated the database
    │   ├── EmbeddingsMissing       faces have no embedding of the gallery's model: re-index it
    │   ├── IndexNotReady           the gallery's index is being opened or is catching up
    │   ├── ShardsNotReady          shards by another model are not built: nodes are missing, or a copy fails
    │   ├── IndexBehind             a required change has not arrived yet
    │   ├── AnchorNotWritten        an anchor of the audit record cannot be delivered
    │   ├── DownloadFailed          a file cannot be downloaded, or is another than the published one
    │   ├── Busy                    too many requests at once; try again later
    │   ├── LeaseLost               another process does the work that this one had claimed
    │   └── Stopping                the server is stopping; send requests to another
    ├── Unusable                    a copy that differs from PostgreSQL: it is rebuilt
    │   ├── SnapshotDamaged         an index on disk that is not as it was written
    │   ├── SnapshotForeign         an index of another gallery, another model or another format
    │   ├── ChangesPruned           the changes since are no longer in the change log
    │   ├── LogForked               it has changes that the database's log does not have
    │   └── EmbeddingsReplaced      its embeddings were deleted, and the same model has made others since
    ├── EmbeddingUnusable           a model returned NaN or infinity for a face
    └── Misconfigured               the operator must fix it; the caller cannot
        ├── WeightsMissing          the file with the weights does not exist
        ├── WeightsDamaged          the weights do not have the expected digest
        ├── ModelUnknown            there is no model of this name
        ├── ModelUnavailable        this process cannot open the gallery's model
        ├── ModelNotCalibrated      the model's card has no scores: it can embed, but sets no threshold
        └── CardUnusable            a card is malformed, or does not fit its file

A leaf has a stable `code` that clients may branch on, a sentence for people, and `details`: the
measured figures and limits, as JSON values. Each branch is in a module of its own; all names are imported
from here.
"""

from indexer.errors.base import *
from indexer.errors.conflict import *
from indexer.errors.denied import *
from indexer.errors.invalid_input import *
from indexer.errors.misconfigured import *
from indexer.errors.not_found import *
from indexer.errors.unavailable import *
from indexer.errors.unusable import *
