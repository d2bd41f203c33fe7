"""Rejects unknown query parameters instead of ignoring them.

`?externalId=4711` instead of `external_id` would otherwise list everybody.
"""

from difflib import get_close_matches
from typing import Any

from fastapi import Request

from indexer.errors import InvalidRequest

_SHOWN = 20
"""Names that an error lists, with 50 characters each."""


async def known_query(request: Request) -> None:
    """A dependency of routes. Raises InvalidRequest for unknown and for repeated parameters."""
    sent = request.query_params.multi_items()
    if not sent:
        return
    known = _documented(request)
    names = [name for name, _ in sent]
    unknown = sorted(set(names) - set(known))
    if unknown:
        shown = ", ".join(repr(name[:50]) for name in unknown[:_SHOWN])
        raise InvalidRequest(
            f"unknown query parameter {shown}{_suggestion(unknown[0], known)}; this route has:"
            f" {', '.join(known) or 'none'}",
            field=unknown[0][:50],
        )
    repeated = next((name for name in known if names.count(name) > 1), None)
    if repeated is not None:
        raise InvalidRequest(f"{repeated} was sent more than once", field=repeated)


def _documented(request: Request) -> list[str]:
    """The query parameters of the request's route, by the OpenAPI document."""
    document: dict[str, Any] = request.app.openapi()
    operation = document["paths"][request.scope["route"].path_format][request.method.lower()]
    return [parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "query"]


def _suggestion(name: str, known: list[str]) -> str:
    close = get_close_matches(name.lower().replace("-", "_")[:50], known, n=1)
    return f" (did you mean {close[0]}?)" if close else ""
