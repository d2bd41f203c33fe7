"""Answers what a route raises: Gemel's errors, those of FastAPI and Starlette, and what nobody expected."""

import logging
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from indexer import errors
from indexer.logs import request_id
from indexer.rate_limited_log import RateLimitedLog
from service.errors import MAX_PROBLEMS, STATUS, disconnected, response
from service.middleware.methods import allowed_methods
from service.middleware.request_ids import HEADER as REQUEST_ID_HEADER
from service.problem_details import problem_response

log = logging.getLogger("service.errors")  # the name that operators filter by
_failures = RateLimitedLog(log)


def install(app: FastAPI) -> None:
    app.add_exception_handler(errors.GemelError, _gemel_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(ClientDisconnect, _disconnected)
    app.add_exception_handler(Exception, _unexpected)


async def _gemel_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, errors.GemelError)
    if STATUS[type(error)] >= HTTPStatus.INTERNAL_SERVER_ERROR:  # many at once in an outage
        level = logging.WARNING if isinstance(error, errors.Busy) else logging.ERROR
        _failures.line(level, error.code, "%s: %s", error.code, error)
    return response(error)


async def _invalid_request(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    problems = [
        {
            "field": ".".join(str(part) for part in e["loc"])[:100],
            "message": e["msg"].removeprefix("Value error, ")[:500],
        }
        for e in error.errors()[:MAX_PROBLEMS]
    ]
    detail = "; ".join(f"{p['field']}: {p['message']}".removeprefix(": ") for p in problems)
    return problem_response(
        HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", detail[:2000], None, problems=problems
    )


async def _http_exception(request: Request, error: Exception) -> JSONResponse:
    """Starlette's errors (unknown paths, wrong methods) and FastAPI's (JSON that is not text)."""
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, (ValueError, RecursionError)):
        return response(errors.InvalidRequest("the body is not JSON"))
    status = HTTPStatus(error.status_code)
    code = status.phrase.lower().replace(" ", "_").replace("-", "_")
    headers = dict(error.headers or {})
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(allowed_methods(request.app.router, request.scope))
    return problem_response(status, code, str(error.detail), headers)


async def _disconnected(_: Request, __: Exception) -> JSONResponse:
    return disconnected()


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    route = getattr(request.scope.get("route"), "path_format", "an unknown path")
    log.error(
        "unexpected error in %s %s",
        request.method,
        request.url.path,
        exc_info=error,
        extra={"summary": f"unexpected error in {request.method} {route}"},  # a path may name a person
    )
    # This answer does not pass `RequestIds`, so the header is set here.
    own = request_id.get()
    headers = {} if own is None else {REQUEST_ID_HEADER: own}
    return problem_response(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal_error",
        "an unexpected error; the log has its traceback under this request's id",
        headers,
        request_id=own,
    )
