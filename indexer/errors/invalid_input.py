"""The input cannot be processed."""

from indexer.errors.base import GemelError


class InvalidInput(GemelError):
    pass


class InvalidRequest(InvalidInput):
    code = "invalid_request"


class InvalidFilter(InvalidInput):
    code = "invalid_filter"


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


class UnsupportedClipFormat(InvalidInput):
    code = "unsupported_clip_format"


class UnreadableClip(InvalidInput):
    code = "unreadable_clip"


class ClipTooLarge(InvalidInput):
    code = "clip_too_large"


class ClipTooExpensive(InvalidInput):
    code = "clip_too_expensive"


class NoFaceFound(InvalidInput):
    code = "no_face_found"


class SeveralFaces(InvalidInput):
    code = "several_faces"


class FacePlaceUnusable(InvalidInput):
    code = "face_place_unusable"


class NothingEnrolled(InvalidInput):
    code = "nothing_enrolled"


class ArchiveInvalid(InvalidInput):
    code = "archive_invalid"


class ArchiveDamaged(InvalidInput):
    code = "archive_damaged"


class ArchiveVersionUnknown(InvalidInput):
    code = "archive_version_unknown"
