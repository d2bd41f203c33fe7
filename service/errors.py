"""Errors as problem details (RFC 9457). `STATUS` maps each of Gemel's errors to its status."""

import logging
from http import HTTPStatus
from typing import Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from indexer import errors
from indexer.rate_limited_log import RateLimitedLog
from service.problem_details import problem_response

log = logging.getLogger(__name__)
_failures = RateLimitedLog(log)

STATUS: dict[type[errors.GemelError], HTTPStatus] = {
    errors.InvalidRequest: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidFilter: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.UnsupportedContentType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.UploadTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.HeaderTooLarge: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.MalformedRequest: HTTPStatus.BAD_REQUEST,
    errors.RequestTooSlow: HTTPStatus.REQUEST_TIMEOUT,
    errors.UnsupportedImageFormat: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.UnreadableImage: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.ImageTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.ImageTooExpensive: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.UnsupportedClipFormat: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.UnreadableClip: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.ClipTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.ClipTooExpensive: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.NoFaceFound: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.SeveralFaces: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.FacePlaceUnusable: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.NothingEnrolled: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.ArchiveInvalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.ArchiveDamaged: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.ArchiveVersionUnknown: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.NotAuthenticated: HTTPStatus.UNAUTHORIZED,
    errors.RateLimited: HTTPStatus.TOO_MANY_REQUESTS,
    errors.PermissionDenied: HTTPStatus.FORBIDDEN,
    errors.AttributeNotPermitted: HTTPStatus.FORBIDDEN,
    errors.GalleryNotFound: HTTPStatus.NOT_FOUND,
    errors.IdentityNotFound: HTTPStatus.NOT_FOUND,
    errors.FaceNotFound: HTTPStatus.NOT_FOUND,
    errors.CropNotStored: HTTPStatus.NOT_FOUND,
    errors.SampleNotFound: HTTPStatus.NOT_FOUND,
    errors.GalleryExists: HTTPStatus.CONFLICT,
    errors.ExternalIdTaken: HTTPStatus.CONFLICT,
    errors.IdentityMerged: HTTPStatus.CONFLICT,
    errors.PeopleDistinct: HTTPStatus.CONFLICT,
    errors.ReviewNotFound: HTTPStatus.NOT_FOUND,
    errors.ReviewDecided: HTTPStatus.CONFLICT,
    errors.PeopleChangeNotFound: HTTPStatus.NOT_FOUND,
    errors.PeopleChangeUndone: HTTPStatus.CONFLICT,
    errors.FaceExists: HTTPStatus.CONFLICT,
    errors.DuplicateIdentity: HTTPStatus.CONFLICT,
    errors.AnotherModel: HTTPStatus.CONFLICT,
    errors.PolicyUnsupported: HTTPStatus.CONFLICT,
    errors.AttributeUnavailable: HTTPStatus.CONFLICT,
    errors.CalibrationUnsupported: HTTPStatus.CONFLICT,
    errors.AuditEventNotFound: HTTPStatus.NOT_FOUND,
    errors.DisputeNotFound: HTTPStatus.NOT_FOUND,
    errors.ReindexNotFound: HTTPStatus.NOT_FOUND,
    errors.ShardSetNotFound: HTTPStatus.NOT_FOUND,
    errors.KeyNotFound: HTTPStatus.NOT_FOUND,
    errors.KeyState: HTTPStatus.CONFLICT,
    errors.ImportNotFound: HTTPStatus.NOT_FOUND,
    errors.ImportFileNotFound: HTTPStatus.NOT_FOUND,
    errors.PictureNotStored: HTTPStatus.NOT_FOUND,
    errors.ClusteringNotFound: HTTPStatus.NOT_FOUND,
    errors.TransferNotFound: HTTPStatus.NOT_FOUND,
    errors.ChallengeNotFound: HTTPStatus.NOT_FOUND,
    errors.ChallengeExpired: HTTPStatus.CONFLICT,
    errors.ChallengeUsed: HTTPStatus.CONFLICT,
    errors.ClusteringExists: HTTPStatus.CONFLICT,
    errors.TransferExists: HTTPStatus.CONFLICT,
    errors.TransferState: HTTPStatus.CONFLICT,
    errors.ClusteringState: HTTPStatus.CONFLICT,
    errors.DuplicateSearchNotFound: HTTPStatus.NOT_FOUND,
    errors.DuplicateSearchExists: HTTPStatus.CONFLICT,
    errors.DuplicateSearchState: HTTPStatus.CONFLICT,
    errors.ImportExists: HTTPStatus.CONFLICT,
    errors.ImportState: HTTPStatus.CONFLICT,
    errors.ImportFull: HTTPStatus.CONFLICT,
    errors.ReindexExists: HTTPStatus.CONFLICT,
    errors.ReindexState: HTTPStatus.CONFLICT,
    errors.GatesNotPassed: HTTPStatus.CONFLICT,
    errors.ReplicasNotReady: HTTPStatus.CONFLICT,
    errors.NotEnoughRoom: HTTPStatus.CONFLICT,
    errors.CrossSite: HTTPStatus.FORBIDDEN,
    errors.CsrfTokenInvalid: HTTPStatus.FORBIDDEN,
    errors.Abandoned: HTTPStatus.BAD_REQUEST,
    errors.HostNotAllowed: HTTPStatus.MISDIRECTED_REQUEST,
    errors.DatabaseUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.DatabaseAccessDenied: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.DatabaseFull: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.DatabaseReadOnly: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.DatabaseNotMigrated: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.DatabaseTooNew: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.EmbeddingsMissing: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.IndexNotReady: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ShardsNotReady: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.IndexBehind: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.AnchorNotWritten: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.DownloadFailed: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.Busy: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.LeaseLost: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.Stopping: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.SnapshotDamaged: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.SnapshotForeign: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ChangesPruned: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.LogForked: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.EmbeddingsReplaced: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.EmbeddingUnusable: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.Misconfigured: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.WeightsMissing: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.WeightsDamaged: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.ModelUnknown: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.ModelUnavailable: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.ModelNotCalibrated: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.CardUnusable: HTTPStatus.INTERNAL_SERVER_ERROR,
}

RETRY_AFTER_SECONDS = 1
MAX_PROBLEMS = 20
"""Maximum number of problems that one answer lists."""


OWN_CODES: set[str] = {
    *("bad_request", "client_disconnected", "internal_error", "method_not_allowed", "not_found"),
}
"""Codes of errors that are not Gemel's own: the web framework's and unexpected ones."""


class Problem(BaseModel):
    """The body of every error (RFC 9457). Branch on `code`; further members give figures."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(default="about:blank", description="Always `about:blank`; see `code`")
    title: str = Field(description="The status in words", examples=["Not Found"])
    status: int = Field(description="The HTTP status", examples=[404])
    code: str = Field(
        description="Stable, for programs",
        examples=["gallery_not_found"],
        json_schema_extra={"enum": list[JsonValue](sorted({error.code for error in STATUS} | OWN_CODES))},
    )
    detail: str = Field(description="What happened, for people", examples=["there is no gallery 'staff'"])


def response(error: errors.GemelError) -> JSONResponse:
    status = STATUS[type(error)]
    headers = {}
    if status is HTTPStatus.SERVICE_UNAVAILABLE and not isinstance(error, errors.EmbeddingsMissing):
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    if isinstance(error, errors.RateLimited):
        headers["Retry-After"] = str(error.retry_after_s)
    if status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'ApiKey realm="gemel", Bearer realm="gemel"'
    return problem_response(status, error.code, error.message, headers, **error.details)


def problem_fields(error: errors.GemelError) -> dict[str, Any]:
    """Of an error within an answer: as its problem has them."""
    return {
        **error.details,
        "status": int(STATUS[type(error)]),
        "code": error.code,
        "detail": error.message,
    }


def disconnected() -> JSONResponse:
    """The client disconnected while sending; it will not read this answer."""
    return problem_response(
        HTTPStatus.BAD_REQUEST,
        "client_disconnected",
        "the client disconnected while sending",
    )
