"""Imports enrol people in bulk: their files are sent in any number of requests (`files.py`)."""

from typing import Annotated, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request, Response

from indexer.errors import InvalidRequest
from indexer.imports import path_reader
from indexer.imports import status as status_of
from indexer.imports.worker import ImportWorker
from indexer.records import galleries
from indexer.records.imports import jobs, states
from service.dependencies import Config, CurrentEngine, check_attributes
from service.requests.bodies import JsonRoute
from service.requests.pagination import PageCursor, PageLimit, cut, uuid
from service.routes import problems
from service.schemas.imports import (
    Import,
    ImportNew,
    ImportPage,
)

router = APIRouter(prefix="/v1/galleries/{gallery}/imports", tags=["imports"], route_class=JsonRoute)


async def worker_of(request: Request) -> ImportWorker:
    return cast(ImportWorker, request.app.state.import_worker)


Worker = Annotated[ImportWorker, Depends(worker_of)]


@router.post(
    "",
    status_code=201,
    responses=problems(403, 404, 409, 413, 422)
    | {200: {"model": Import, "description": "The import that has this key already"}},
    operation_id="create_import",
    summary="Create an import",
)
def create(
    engine: CurrentEngine,
    config: Config,
    worker: Worker,
    response: Response,
    gallery: str,
    body: ImportNew,
    idempotency_key: Annotated[str | None, Header(description="The same as `key` in the body")] = None,
) -> Import:
    """After this, send files to `.../files`, and end with `.../finish`. If the gallery already has an
    import with this `key`, the answer is 200 with that import. With a `path`, the server reads the files."""
    if None not in (body.key, idempotency_key) and body.key != idempotency_key:
        raise InvalidRequest("Idempotency-Key and key differ: send one of them", field="key")
    check_attributes(engine, body.attributes, gallery)
    path = None if body.path is None else path_reader.check_path(config.import_folder, body.path)
    with engine.database.transaction() as session:
        found = galleries.get(session, gallery)
        job, created = jobs.create(
            session,
            found,
            key=idempotency_key if body.key is None else body.key,
            name=body.name,
            people_by=body.people_by,
            several_faces=body.several_faces,
            allow_duplicates=body.allow_duplicates,
            attributes=body.attributes,
            path=path,
            files_expected=body.files,
        )
    response.status_code = 201 if created else 200
    worker.wake()
    return get(engine, gallery, job.id)


@router.get(
    "", responses=problems(404, 422), operation_id="list_imports", summary="List imports, the newest first"
)
def list_page(
    engine: CurrentEngine, gallery: str, limit: PageLimit = 20, cursor: PageCursor = None
) -> ImportPage:
    """Imports that have ended are listed for `GEMEL_IMPORT_DAYS`."""
    before = None if cursor is None else uuid(cursor)
    newest = status_of.newest_first(engine.database, gallery, before=before, at_most=limit + 1)
    page, more = cut(newest, limit)
    return ImportPage(
        imports=[Import.of(status) for status in page], next_cursor=str(page[-1].job.id) if more else None
    )


@router.get(
    "/{import_id}",
    responses=problems(404, 422),
    operation_id="get_import",
    summary="Get the progress of an import",
)
def get(engine: CurrentEngine, gallery: str, import_id: UUID) -> Import:
    return Import.of(status_of.of(engine.database, gallery, import_id))


@router.post(
    "/{import_id}/finish",
    responses=problems(404, 409, 422),
    operation_id="finish_import",
    summary="Finish sending files",
)
def finish(engine: CurrentEngine, gallery: str, import_id: UUID) -> Import:
    """The import ends when the files that wait are enrolled."""
    with engine.database.transaction() as session:
        states.finish(session, galleries.get(session, gallery), import_id)
    return get(engine, gallery, import_id)


@router.post(
    "/{import_id}/cancel",
    responses=problems(404, 409, 422),
    operation_id="cancel_import",
    summary="Cancel an import",
)
def cancel(engine: CurrentEngine, gallery: str, import_id: UUID) -> Import:
    """Waiting files are deleted. Enrolled people stay enrolled."""
    with engine.database.transaction(long=True) as session:
        states.cancel(session, galleries.get(session, gallery), import_id)
    return get(engine, gallery, import_id)


@router.post(
    "/{import_id}/retry",
    responses=problems(404, 409, 422),
    operation_id="retry_import",
    summary="Enrol the files that failed again",
)
def retry(engine: CurrentEngine, worker: Worker, gallery: str, import_id: UUID) -> Import:
    """Rejected files are not tried again, because they would be rejected again. Send them in another import,
    perhaps with another `several_faces`."""
    with engine.database.transaction() as session:
        states.retry(session, galleries.get(session, gallery), import_id)
    worker.wake()
    return get(engine, gallery, import_id)


@router.delete(
    "/{import_id}",
    status_code=204,
    responses=problems(404, 422),
    operation_id="delete_import",
    summary="Delete an import with its files",
)
def delete(engine: CurrentEngine, gallery: str, import_id: UUID) -> Response:
    """Waiting files are not enrolled. Enrolled people stay enrolled."""
    with engine.database.transaction(long=True) as session:
        states.remove(session, galleries.get(session, gallery), import_id)
    return Response(status_code=204)
