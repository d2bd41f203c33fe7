"""The HTTP API: one module per resource, in packages of related ones.

A route parses, calls a use case, and returns.
"""

from http import HTTPStatus
from typing import Any

from service.problem_details import MEDIA_TYPE

_MEANINGS = {
    401: ("No API key, or a wrong one", "not_authenticated", "send the API key in the header X-API-Key"),
    403: (
        "The API key does not allow this",
        "permission_denied",
        "this API key has no permission 'enrol'",
    ),
    404: ("Not found", "gallery_not_found", "there is no gallery 'staff'"),
    409: ("In conflict with the present state", "gallery_exists", "there is a gallery 'staff' already"),
    413: (
        "The body or the picture is too large",
        "image_too_large",
        "the image has 10000 x 6000 pixels, more than the limit of 50000000",
    ),
    415: (
        "Unsupported content type or image format",
        "unsupported_image_format",
        "this is not an image in a supported format",
    ),
    422: (
        "The request is invalid; see `code` and `detail`",
        "invalid_request",
        "max_faces: Input should be greater than or equal to 1",
    ),
    429: (
        "The key has reached one of its limits; try again after `Retry-After` seconds",
        "rate_limited",
        "this key is limited to 10 requests a second; try again in 1 s",
    ),
    503: (
        "Temporarily unavailable; try again after `Retry-After` seconds",
        "busy",
        "64 requests are being worked on already",
    ),
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may answer with these statuses."""
    described: dict[int | str, dict[str, Any]] = {}
    for status in (401, 403, *statuses, 429, 503):
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
