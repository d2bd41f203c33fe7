"""Transfers: an export is uploaded file by file, and then imported."""

from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from indexer.records.tables import Transfer as Job
from indexer.records.transfer import files, jobs
from indexer.transfer import upload
from indexer.transfer.worker import TransferWorker
from indexer.usecases.bootstrap import Engine
from service.dependencies import Config, CurrentEngine
from service.requests.pagination import PageCursor, PageLimit, cut, uuid
from service.requests.threads import ThreadRoute
from service.routes import problems
from service.schemas.galleries.transfers import Transfer, TransferPage

router = APIRouter(prefix="/v1/galleries/{gallery}/transfers", tags=["transfers"], route_class=ThreadRoute)


async def worker_of(request: Request) -> TransferWorker:
    return cast(TransferWorker, request.app.state.transfer_worker)


async def body_of(request: Request) -> bytes:
    return await request.body()


Worker = Annotated[TransferWorker, Depends(worker_of)]
Bytes = Annotated[bytes, Depends(body_of)]


def _body(media_type: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {media_type: {"schema": schema}}}}


@router.post(
    "",
    status_code=201,
    responses=problems(404, 409, 413, 422),
    openapi_extra=_body(
        "application/json", {"type": "object", "description": "The file `manifest.json` of the export"}
    ),
    operation_id="create_transfer",
    summary="Begin to import an export",
)
def create(
    engine: CurrentEngine,
    config: Config,
    worker: Worker,
    response: Response,
    gallery: str,
    body: Bytes,
    existing: Annotated[
        bool, Query(description="Add the people to an existing gallery; by default a new one is created")
    ] = False,
    join: Annotated[
        bool,
        Query(
            description="With `existing`: join people who have the same external id. Without it, nothing is"
            " imported if the gallery has such people"
        ),
    ] = False,
    model: Annotated[
        str | None,
        Query(
            max_length=1_000,
            description="Embed the crops with this model instead of the exported one",
            examples=["sface+reid0095"],
        ),
    ] = None,
) -> Transfer:
    """The body is the `manifest.json` of the export. After this, send the files that the answer lists as
    `missing`. When the last one has arrived, all are checked, and then imported. A gallery has at most one
    open transfer. If that is of the same export with the same options, the answer is 200 with it."""
    job, created = upload.begin(
        engine.database,
        engine.index_store.models,
        engine.weight_store,
        gallery,
        body,
        upload.Options(existing=existing, join=join, model=model, card=worker.model(model)),
        upload.Limits(file_bytes=config.max_upload_bytes, waiting_bytes=config.transfer_waiting_bytes),
    )
    response.status_code = 201 if created else 200
    worker.wake()
    return _answer(engine, job)


@router.get(
    "",
    responses=problems(404, 422),
    operation_id="list_transfers",
    summary="List transfers into a gallery, the newest first",
)
def list_page(
    engine: CurrentEngine, gallery: str, limit: PageLimit = 20, cursor: PageCursor = None
) -> TransferPage:
    """Also into a gallery that does not exist yet. Listed until `GEMEL_IMPORT_DAYS` after their end."""
    before = None if cursor is None else uuid(cursor)
    with engine.database.reading() as session:
        newest = jobs.newest_first(session, gallery, before=before, at_most=limit + 1)
        page, more = cut(newest, limit)
        listed = [Transfer.of(job, files.missing(session, job.id)) for job in page]
    return TransferPage(transfers=listed, next_cursor=str(page[-1].id) if more else None)


@router.get(
    "/{transfer_id}",
    responses=problems(404, 422),
    operation_id="get_transfer",
    summary="Get the progress of a transfer, and what is missing",
)
def get(engine: CurrentEngine, gallery: str, transfer_id: UUID) -> Transfer:
    with engine.database.reading() as session:
        return _answer(engine, jobs.get(session, gallery, transfer_id))


@router.put(
    "/{transfer_id}/files/{file_name}",
    status_code=204,
    responses=problems(404, 409, 413, 422),
    openapi_extra=_body("application/octet-stream", {"type": "string", "format": "binary"}),
    operation_id="put_transfer_file",
    summary="Send a file of the export",
)
def put_file(
    engine: CurrentEngine, worker: Worker, gallery: str, transfer_id: UUID, file_name: str, body: Bytes
) -> Response:
    """The body is the file. Its size and SHA-256 must be those of the manifest. In any order, also several at
    once. A file that has arrived already changes nothing: after a broken connection, send it again."""
    if upload.receive(engine.database, gallery, transfer_id, file_name, body):
        worker.wake()
    return Response(status_code=204)


@router.post(
    "/{transfer_id}/cancel",
    responses=problems(404, 409, 422),
    operation_id="cancel_transfer",
    summary="Cancel a transfer",
)
def cancel(engine: CurrentEngine, worker: Worker, gallery: str, transfer_id: UUID) -> Transfer:
    """The files are deleted, and what was imported into a new gallery with them. Who was added to an existing
    gallery stays."""
    with engine.database.transaction() as session:
        job = jobs.cancel(session, gallery, transfer_id)
    worker.wake()
    return _answer(engine, job)


def _answer(engine: Engine, job: Job) -> Transfer:
    with engine.database.reading() as session:
        return Transfer.of(job, files.missing(session, job.id))
