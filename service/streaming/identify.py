"""Identifies the pictures of a stream, each as a request of its own would be: with its slot, its share of the
key's limits, its audit event."""

import json
from collections.abc import Callable
from typing import Any

import anyio
import anyio.to_thread
from fastapi import Request
from pydantic import ValidationError

from indexer.errors import (
    Abandoned,
    Busy,
    GalleryNotFound,
    GemelError,
    InvalidRequest,
    NotAuthenticated,
    PermissionDenied,
    Stopping,
)
from indexer.usecases.searches.results import Identification
from service.errors import MAX_PROBLEMS
from service.face_count import FaceCount
from service.middleware.access.access import Access
from service.middleware.admission import RequestSlots
from service.requests.bodies import parse_json
from service.schemas.places import place_of
from service.schemas.streams import IdentifiedLine, IdentifyLine
from service.streaming.answers import Answer, failure
from service.streaming.lines import Disconnected, Line

_ATTEMPTS = 5
_PAUSE_SECONDS = 0.5
"""Before another attempt at a picture for which the server was too busy: the client would do no better."""
_ENDING = (NotAuthenticated, PermissionDenied, GalleryNotFound, Stopping)
"""Errors that every further picture would have too."""

Identify = Callable[[IdentifyLine], Identification]


class PictureWork:
    """Works on the lines of one request."""

    def __init__(self, request: Request, identify: Identify) -> None:
        """`identify` runs in a thread."""
        self._scope = request.scope
        self._access: Access = request.scope["state"]["access"]
        self._slots: RequestSlots = request.app.state.slots
        self._metrics = request.app.state.metrics
        self._identify = identify

    async def __call__(self, line: Line) -> Answer:
        """Raises NotAuthenticated, PermissionDenied, GalleryNotFound, Stopping."""
        for attempt in range(1, _ATTEMPTS + 1):
            line_id: str | int | None = None
            try:
                async with self._access.again(self._scope) as faces:
                    await self._slots.take_spare()
                    try:
                        line_id, answered = await anyio.to_thread.run_sync(self._answer, line, faces)
                    finally:
                        self._slots.release_spare()
            except _ENDING:
                raise
            except Abandoned:
                raise Disconnected from None
            except Busy as error:
                answered = error
                if attempt < _ATTEMPTS:
                    await anyio.sleep(_PAUSE_SECONDS)
                    continue
            except GemelError as error:
                answered = error
            break
        if isinstance(answered, GemelError):
            self._metrics.outcomes.failed(answered.code)
            return failure(line.number, line_id, answered)
        return Answer(body=answered, failed=False)

    def _answer(self, line: Line, faces: FaceCount) -> tuple[str | int | None, bytes | GemelError]:
        """The client's id, and the answer. Raises Busy, Abandoned, and what `_ENDING` has."""
        line_id: str | int | None = None
        try:
            parsed, line_id = _parsed(line.data)
            faces.add(1)
            identification = self._identify(parsed)
        except (Busy, Abandoned, *_ENDING):
            raise
        except GemelError as error:
            if isinstance(error, InvalidRequest) and line_id is None:
                line_id = error.details.pop("id", None)
            return line_id, error
        faces.add(max(0, len(identification.faces) - 1))
        self._metrics.observe_stages(identification.timings_ms)
        self._metrics.outcomes.identified(identification)
        answer = IdentifiedLine.of_line(identification, line.number, line_id)
        return line_id, answer.model_dump_json().encode()


def _parsed(data: bytes) -> tuple[IdentifyLine, str | int | None]:
    """Raises InvalidRequest; its details have the client's `id` where the line has one."""
    fields: Any = parse_json(data)
    if not isinstance(fields, dict):
        raise InvalidRequest("the line is no JSON object")
    try:
        line = IdentifyLine.model_validate(fields)
        place_of(line.box, line.landmarks)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)[:MAX_PROBLEMS]
        detail = "; ".join(
            f"{'.'.join(map(str, one['loc']))[:100]}: {one['msg'].removeprefix('Value error, ')[:300]}"
            for one in problems
        )
        raise InvalidRequest(detail[:2000], **_id_of(fields)) from None
    except InvalidRequest as error:
        error.details |= _id_of(fields)
        raise
    return line, line.id


def _id_of(fields: dict[str, Any]) -> dict[str, Any]:
    given = fields.get("id")
    return {"id": given} if isinstance(given, str | int) and len(json.dumps(given)) <= 300 else {}
