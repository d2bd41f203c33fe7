"""The threads of a process: most of them do the work of requests, a few parse large bodies.

The work uses anyio's default limiter, which `service.app` sets to `GEMEL_THREADS`. Everything else that needs
a thread has a limiter of its own, so that it never waits for whole identifications.
"""

import inspect
from collections.abc import Awaitable, Callable
from functools import partial, wraps
from typing import Any

import anyio.to_thread
from fastapi import Response
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

PARSERS = 4
"""Threads for large bodies. Python parses one at a time anyway; a second need not wait for all of a first."""


class ThreadRoute(APIRoute):
    """A route whose function runs in a thread, which also encodes its answer.

    FastAPI would validate the answer once more, in another thread, although its type is checked already.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        if not inspect.iscoroutinefunction(endpoint):
            endpoint = _in_thread(endpoint, options.get("status_code") or 200)
        super().__init__(path, endpoint, **options)


def _in_thread(function: Callable[..., Any], status: int) -> Callable[..., Awaitable[Response]]:
    """With the name, the signature and the docstring of `function`, which FastAPI reads."""
    signature = inspect.signature(function)
    annotation = signature.return_annotation
    is_response = isinstance(annotation, type) and issubclass(annotation, Response)
    adapter = None if is_response else TypeAdapter(annotation)
    chosen = next((name for name, p in signature.parameters.items() if p.annotation is Response), None)
    """The parameter whose `status_code` the function may set, as in FastAPI."""

    def answer(arguments: dict[str, Any]) -> Response:
        result = function(**arguments)
        if adapter is None:
            assert isinstance(result, Response)
            return result
        return Response(
            adapter.dump_json(result, by_alias=True),
            status_code=(chosen and arguments[chosen].status_code) or status,
            media_type="application/json",
        )

    @wraps(function)
    async def threaded(**arguments: Any) -> Response:
        return await anyio.to_thread.run_sync(partial(answer, arguments))

    return threaded
