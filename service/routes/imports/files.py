"""The files of an import: send them, list them, see rejected ones."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from indexer.imports.receive import receive
from indexer.records import galleries
from indexer.records.audit.event import Action, AuditEvent
from indexer.records.imports import files, jobs
from indexer.records.text import checked_text
from indexer.types import Attribute
from service.dependencies import Config, CurrentEngine, UsedFaces
from service.requests.bodies import JsonRoute
from service.requests.import_files import OPENAPI_BODY, ImportBody
from service.requests.pagination import PageCursor, PageLimit, cut, whole_number
from service.routes import problems
from service.routes.imports.jobs import Worker
from service.schemas.imports import FileState, ImportFile, ImportFilePage, ImportReceived

router = APIRouter(prefix="/v1/galleries/{gallery}/imports", tags=["imports"], route_class=JsonRoute)


@router.post(
    "/{import_id}/files",
    status_code=202,
    responses=problems(404, 409, 413, 415, 422),
    openapi_extra=OPENAPI_BODY,
    operation_id="add_import_files",
    summary="Send files to an import",
)
def add(
    engine: CurrentEngine,
    config: Config,
    used_faces: UsedFaces,
    worker: Worker,
    gallery: str,
    import_id: UUID,
    body: ImportBody,
) -> ImportReceived:
    """Some at a time, as many requests as you like, also at once. A file that the import has already, by name
    and content, is not added again: after a broken connection, send the request once more. 503 if too many
    files wait: try again after `Retry-After`."""
    with worker.receiving():
        with engine.database.reading() as session:
            job = jobs.get(session, galleries.get(session, gallery).id, import_id)
        new = body.files(
            by_file=job.people_by != "folder",
            unlabelled=job.people_by == "nobody",
            max_bytes=config.max_upload_bytes,
        )
        received = receive(engine.database, gallery, import_id, new, check_room=worker.check_room)
    used_faces.add(received.added)
    worker.wake()
    return ImportReceived.of(received)


@router.get(
    "/{import_id}/files",
    responses=problems(404, 422),
    operation_id="list_import_files",
    summary="List the files of an import, page by page",
)
def list_files(
    engine: CurrentEngine,
    gallery: str,
    import_id: UUID,
    state: Annotated[FileState | None, Query(description="Only files in this state")] = None,
    code: Annotated[
        str | None,
        Query(max_length=100, description="Only files with this `code`", examples=["no_face_found"]),
    ] = None,
    limit: PageLimit = 100,
    cursor: PageCursor = None,
) -> ImportFilePage:
    after = 0 if cursor is None else whole_number(cursor)
    with engine.database.reading() as session:
        of = galleries.get(session, gallery)
        jobs.get(session, of.id, import_id)
        found = files.page(
            session,
            import_id,
            after=after,
            limit=limit + 1,
            state=state,
            code=checked_text(code, "code"),
        )
    page, more = cut(found, limit)
    permitted = [each for each in Attribute if engine.attributes.is_permitted(each, of.attributes)]
    return ImportFilePage(
        files=[ImportFile.of(file, has_picture, permitted) for file, has_picture in page],
        next_cursor=str(page[-1][0].id) if more else None,
    )


@router.get(
    "/{import_id}/files/{file_id}/picture",
    response_class=Response,
    responses={
        **problems(404, 422),
        200: {"content": {"image/jpeg": {}}, "description": "A small picture of the file"},
    },
    operation_id="get_import_picture",
    summary="Get a small copy of a rejected picture",
)
def picture(engine: CurrentEngine, gallery: str, import_id: UUID, file_id: int) -> Response:
    """480 pixels at most. Kept until the import is deleted or `GEMEL_IMPORT_DAYS` after its end."""
    with engine.database.reading() as session:
        job = jobs.get(session, galleries.get(session, gallery).id, import_id)
        jpeg = files.preview(session, job.id, file_id)
    engine.search_writer.record(
        AuditEvent(
            action=Action.FACE_READ, gallery=gallery, details={"import_id": import_id, "file_id": file_id}
        )
    )
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "private, no-store"})
