"""Answers in the form of problem details (RFC 9457)."""

from http import HTTPStatus
from typing import Any

from fastapi.responses import JSONResponse
from starlette.types import Receive, Scope, Send

MEDIA_TYPE = "application/problem+json"


def problem_response(
    status: HTTPStatus, code: str, detail: str, headers: dict[str, str] | None = None, **more: Any
) -> "ProblemResponse":
    """`more`: further members of the body, which do not replace those of the RFC."""
    body = {
        **more,
        "type": "about:blank",
        "title": status.phrase,
        "status": int(status),
        "code": code,
        "detail": detail,
    }
    return ProblemResponse(body, status_code=status, headers=headers)


class ProblemResponse(JSONResponse):
    """Stores the problem in the request's state for `RequestMetrics`."""

    media_type = MEDIA_TYPE

    def __init__(self, content: dict[str, Any], *, status_code: int, headers: dict[str, str] | None) -> None:
        super().__init__(content, status_code=status_code, headers=headers)
        self._problem = content

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["problem"] = self._problem
        await super().__call__(scope, receive, send)
