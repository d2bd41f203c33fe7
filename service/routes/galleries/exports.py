"""Exports of galleries."""

import threading
from collections.abc import Generator

from fastapi import APIRouter
from starlette.responses import StreamingResponse

from indexer.errors import Busy
from indexer.transfer.folder import TarStream
from service.dependencies import CurrentEngine
from service.requests.bodies import JsonRoute
from service.requests.downloads import streamed
from service.routes import problems

IDLE_SECONDS = 60.0
"""A client that takes nothing for so long loses the export: PostgreSQL keeps old rows while one is read."""

router = APIRouter(prefix="/v1/galleries/{gallery}/export", tags=["galleries"], route_class=JsonRoute)
one_at_a_time = threading.Lock()


@router.get(
    "",
    responses=problems(404, 422)
    | {200: {"content": {"application/x-tar": {}}, "description": "The export, a tar file"}},
    response_class=StreamingResponse,
    operation_id="export_gallery",
    summary="Export a gallery",
)
def export(engine: CurrentEngine, gallery: str) -> StreamingResponse:
    """Its people, faces, crops, embeddings, policy and calibrations, as they are when the export begins: one
    tar file, which `gemel gallery import` reads. Its format is documented. The last file in it is
    `manifest.json`; without it the download is not complete, and has to be repeated.

    A process sends one export at a time, and answers 503 to others. A client that takes nothing for a minute
    is disconnected.
    """
    return streamed(parts(engine, gallery), media_type="application/x-tar", file_name=f"{gallery}.tar")


def parts(engine: CurrentEngine, gallery: str) -> Generator[bytes]:
    if not one_at_a_time.acquire(blocking=False):
        raise Busy("this process sends another export; try again later")
    try:
        yield from TarStream(
            engine.database, gallery, to="http", progress=lambda *_: None, idle_seconds=IDLE_SECONDS
        )
    finally:
        one_at_a_time.release()
