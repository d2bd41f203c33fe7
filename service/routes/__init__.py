"""The HTTP API, a file a resource. A route parses, calls a use case, and returns."""

from http import HTTPStatus
from typing import Any

from service.errors import MEDIA_TYPE

_MEANINGS = {
    401: ("No API key, or a wrong one", "not_authenticated", "send the API key in the header X-API-Key"),
    404: ("Not there", "gallery_not_found", "there is no gallery 'staff'"),
    409: ("It is there already", "gallery_exists", "there is a gallery 'staff' already"),
    413: (
        "The body or the picture is too large",
        "image_too_large",
        "the image has 10000 x 6000 pixels, more than the limit of 50000000",
    ),
    415: (
        "Neither multipart nor JSON, or not a picture",
        "unsupported_image_format",
        "not an image of a kind that is read here",
    ),
    422: (
        "Something in the request cannot be worked on; `code` and `detail` say what",
        "invalid_request",
        "max_faces: Input should be greater than or equal to 1",
    ),
    503: (
        "Not now; try again after `Retry-After` seconds",
        "busy",
        "64 requests are being worked on already",
    ),
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may answer with these errors."""
    described: dict[int | str, dict[str, Any]] = {}
    for status in (401, *statuses, 503):
        meaning, code, detail = _MEANINGS[status]
        example = {
            "type": "about:blank",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "code": code,
            "detail": detail,
        }
        described[status] = {
            "description": meaning,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}},
        }
    return described
