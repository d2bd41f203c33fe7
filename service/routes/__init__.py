"""The HTTP API, a file a resource. A route parses, calls a use case, and returns."""

from typing import Any

from service.errors import MEDIA_TYPE, Problem

_MEANINGS = {
    401: "No API key, or a wrong one",
    404: "Not there",
    409: "It is there already",
    413: "The body or the picture is too large",
    415: "Neither multipart nor JSON, or not a picture",
    422: "Something in the request cannot be worked on; `code` and `detail` say what",
    503: "Not now; try again after `Retry-After` seconds",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may answer with these errors."""
    return {
        status: {
            "description": _MEANINGS[status],
            "model": Problem,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in (401, *statuses, 503)
    }
