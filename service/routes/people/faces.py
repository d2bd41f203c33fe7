"""Enrolled faces of an identity."""

from enum import IntEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from indexer.records import galleries
from indexer.records.audit.event import Action, AuditEvent
from indexer.records.enrolled import faces, identities
from indexer.request_timings import Stopwatch
from indexer.usecases.answers.enrolment import PhotographGuidance
from indexer.vision.thumbnail import thumbnail
from service.dependencies import Config, CurrentEngine, Meters, UsedFaces, at_most, check_attributes
from service.requests.bodies import body_of, openapi_body
from service.requests.pagination import PageCursor, PageLimit, cut, whole_number
from service.requests.threads import ThreadRoute
from service.routes import problems
from service.schemas.people.enrolment import EnrolmentNotes, FacesAdded
from service.schemas.people.identities import EnrolledFace, FacePage
from service.schemas.people.requests import FacesNew
from service.schemas.places import places_of

_CACHED = "private, max-age=600"
"""A crop never changes. After ten minutes, caches no longer show faces that were deleted, or that the caller
may no longer see."""


class CropSize(IntEnum):
    PX_64 = 64
    PX_96 = 96
    PX_128 = 128
    PX_192 = 192


router = APIRouter(
    prefix="/v1/galleries/{gallery}/identities/{identity_id}/faces", tags=["faces"], route_class=ThreadRoute
)


@router.post(
    "",
    status_code=201,
    responses=problems(404, 409, 413, 415, 422),
    openapi_extra=openapi_body(FacesNew, {"images": ["/9j/4AAQSkZJRgABAQ..."]}),
    operation_id="add_faces",
    summary="Add photographs of a person",
)
def add(
    engine: CurrentEngine,
    config: Config,
    meters: Meters,
    used_faces: UsedFaces,
    gallery: str,
    identity_id: UUID,
    body: Annotated[FacesNew, Depends(body_of(FacesNew))],
) -> FacesAdded:
    at_most("the number of images", len(body.images), config.max_images)
    check_attributes(engine, body.attributes, gallery)
    used_faces.add(len(body.images))
    watch = Stopwatch()
    enrolled = engine.enroller.add(
        gallery,
        identity_id,
        body.images,
        places=places_of(body.images, body.boxes, body.landmarks),
        several_faces=body.several_faces,
        allow_duplicate=body.allow_duplicate,
        attributes=body.attributes,
        watch=watch,
    )
    meters.observe_stages(watch.milliseconds)
    meters.outcomes.enrolled(len(enrolled.faces), (r.code for r in enrolled.rejected.values()))
    return FacesAdded(
        faces=[EnrolledFace.of(face) for face in enrolled.faces],
        photographs=PhotographGuidance.of(enrolled.faces_total, enrolled.person_score),
        **EnrolmentNotes.notes_of(enrolled),
    )


@router.get(
    "",
    responses=problems(404, 409, 422),
    operation_id="list_faces",
    summary="List the faces of an identity, page by page",
)
def list_page(
    engine: CurrentEngine, gallery: str, identity_id: UUID, limit: PageLimit = 100, cursor: PageCursor = None
) -> FacePage:
    """In the order of their enrolment. Faces that are enrolled meanwhile appear on a later page."""
    after = None if cursor is None else whole_number(cursor)
    with engine.database.reading() as session:
        found = galleries.get(session, gallery)
        identities.get(session, found.id, identity_id)
        page, more = cut(faces.page(session, identity_id, after=after, limit=limit + 1), limit)
    return FacePage(
        faces=[EnrolledFace.of(face) for face in page], next_cursor=str(page[-1].key) if more else None
    )


@router.delete(
    "/{face_id}",
    status_code=204,
    responses=problems(404, 409, 422),
    operation_id="delete_face",
    summary="Delete a face",
)
def delete(engine: CurrentEngine, gallery: str, identity_id: UUID, face_id: UUID) -> Response:
    """No search returns the face after the answer."""
    engine.enroller.remove_face(gallery, identity_id, face_id)
    return Response(status_code=204)


@router.get(
    "/{face_id}/crop",
    response_class=Response,
    responses={
        **problems(404, 409, 422),
        200: {"content": {"image/jpeg": {}}, "description": "The crop"},
        304: {"description": "The client has this crop"},
    },
    operation_id="get_face_crop",
    summary="Get the stored crop of a face",
)
def crop(
    engine: CurrentEngine,
    request: Request,
    gallery: str,
    identity_id: UUID,
    face_id: UUID,
    size: Annotated[
        CropSize | None,
        Query(description="Side in pixels, for lists of many faces; default: the size of the stored crop"),
    ] = None,
) -> Response:
    """The crop is upright and has a margin. 404 if the gallery stores no crops. A client may cache it for ten
    minutes. After that, it asks with `If-None-Match` whether the face still exists, and gets 304."""
    with engine.database.reading() as session:
        found = galleries.get(session, gallery)
        identities.get(session, found.id, identity_id)
        face = faces.get(session, identity_id, face_id)
        etag = f'"{face_id.hex}-{size or "stored"}"'
        headers = {"Cache-Control": _CACHED, "ETag": etag, "Vary": "Cookie, X-API-Key, Authorization"}
        if request.headers.get("if-none-match") == etag and face.crop_landmarks is not None:
            return Response(status_code=304, headers=headers)
        jpeg = faces.get_crop(session, face)
    engine.search_writer.record(
        AuditEvent(
            action=Action.FACE_READ, gallery=gallery, identity_id=identity_id, details={"face_id": face_id}
        )
    )
    return Response(jpeg if size is None else thumbnail(jpeg, size), media_type="image/jpeg", headers=headers)
