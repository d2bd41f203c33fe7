"""Identify many photographs in one request."""

from collections.abc import Collection
from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter, Query, Request, Response

from indexer.concurrency import in_background
from indexer.errors import UnsupportedContentType
from indexer.records import galleries
from indexer.types import Attribute
from indexer.usecases.searches.results import Identification
from service.dependencies import Config, CurrentEngine, at_most
from service.routes import problems
from service.schemas.attributes import QueryAttributes, query_attributes
from service.schemas.filters import QueryFilter, QueryInclude, people_filter, query_filter
from service.schemas.places import place_of
from service.schemas.recognition import LARGEST_NUMBER
from service.schemas.streams import OPENAPI_BODY, IdentifyLine, openapi_responses
from service.streaming.answers import StreamedAnswers
from service.streaming.identify import PictureWork

router = APIRouter(prefix="/v1", tags=["recognition"])

_LINES = {"application/x-ndjson", "application/ndjson", "application/jsonl"}
AT_ONCE = 8
"""Pictures of a stream that are worked on at once. With four, the cores wait for PostgreSQL now and then."""


@router.post(
    "/galleries/{gallery}/identify/stream",
    response_class=Response,
    responses={**openapi_responses(), **problems(403, 404, 409, 413, 415, 422)},
    openapi_extra=OPENAPI_BODY,
    operation_id="identify_stream",
    summary="Identify the faces of many photographs",
)
async def identify_stream(
    request: Request,
    engine: CurrentEngine,
    config: Config,
    gallery: str,
    max_faces: Annotated[int, Query(ge=1, description="As in `identify`, for each picture")] = 1,
    max_candidates: Annotated[int, Query(ge=1, description="As in `identify`")] = 5,
    unique_identities: Annotated[bool, Query(description="As in `identify`")] = False,
    threshold: Annotated[float | None, Query(ge=-1, le=1, description="As in `identify`")] = None,
    remember: Annotated[bool, Query(description="As in `identify`")] = True,
    min_change_number: Annotated[int, Query(ge=0, le=LARGEST_NUMBER, description="As in `identify`")] = 0,
    filter: QueryFilter = None,
    include: QueryInclude = None,
    attributes: QueryAttributes = None,
) -> Response:
    """Send a line of JSON for each picture; each is answered by a line of JSON as soon as it is done.
    Each picture counts for the key's limits and has its event in the audit record like a request of its own,
    except that it waits where a request gets 429 or 503. A picture that fails does not end the request: its
    line has `code` and `detail`.

    Read answers while you send: the server reads no further pictures while answers wait to be read.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _LINES:
        raise UnsupportedContentType(
            f"send application/x-ndjson, not {kind or 'a body without Content-Type'}"
        )
    at_most("max_faces", max_faces, config.max_faces)
    at_most("max_candidates", max_candidates, config.max_candidates)
    among, requested = query_filter(filter), query_attributes(attributes)
    await anyio.to_thread.run_sync(_check, engine, gallery, requested)

    def identify(line: IdentifyLine) -> Identification:
        with in_background():
            return engine.identifier.identify(
                gallery,
                line.image,
                max_faces=max_faces,
                max_candidates=max_candidates,
                unique_identities=unique_identities,
                threshold=threshold,
                min_change=min_change_number,
                place=place_of(line.box, line.landmarks),
                remember=remember,
                among=among if line.filter is None else people_filter(line.filter),
                metadata=include == "metadata",
                attributes=requested,
            )

    return StreamedAnswers(
        PictureWork(request, identify),
        request.app.state.stream_memory,
        at_once=min(AT_ONCE, config.threads),
        max_line_bytes=config.max_upload_bytes,
    )


def _check(engine: CurrentEngine, gallery: str, attributes: Collection[Attribute]) -> None:
    """Raises GalleryNotFound, AttributeNotPermitted, AttributeUnavailable."""
    with engine.database.reading() as session:
        found = galleries.get(session, gallery)
    engine.attributes.check(attributes, found.attributes)
