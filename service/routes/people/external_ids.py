"""Identities by external id: the id that the client uses."""

from typing import Annotated
from urllib.parse import unquote_to_bytes
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response

from indexer.errors import InvalidRequest
from indexer.records import galleries
from indexer.records.enrolled import faces, identities
from indexer.request_timings import Stopwatch
from indexer.usecases.answers.verify import VerifyAnswer
from indexer.usecases.bootstrap import Engine
from service.dependencies import Config, CurrentEngine, Meters, UsedFaces, at_most, check_attributes
from service.requests.bodies import JsonRoute, body_of, openapi_body
from service.requests.pagination import FACES_OF_ONE
from service.routes import problems, verification
from service.routes.people import faces as face_routes
from service.routes.people import identities as identity_routes
from service.schemas.people.enrolment import EnrolmentNotes, FacesAdded, IdentityCreated
from service.schemas.people.identities import Identity
from service.schemas.people.requests import FacesNew, IdentityPatch, IdentityPut
from service.schemas.places import places_of
from service.schemas.recognition import VerifyIdentity

router = APIRouter(
    prefix="/v1/galleries/{gallery}/identities/by-external-id", tags=["identities"], route_class=JsonRoute
)

_ONE = "/{external_id:path}"
_IMAGE = "/9j/4AAQSkZJRgABAQ..."


async def _external_id(
    request: Request,
    external_id: Annotated[
        str,
        Path(
            description="Your own id, percent-encoded (`a/b` as `a%2Fb`). `.` and `..` have another meaning"
            " in a path; use `?external_id=` for these ids",
            examples=["4711"],
        ),
    ],
) -> str:
    """Raises InvalidRequest if the path is not UTF-8, which the server has replaced by U+FFFD."""
    if "\ufffd" in external_id:
        try:
            unquote_to_bytes(request.scope.get("raw_path", b"")).decode()
        except UnicodeDecodeError:
            raise InvalidRequest("external_id is not UTF-8", field="external_id") from None
    return external_id


ExternalId = Annotated[str, Depends(_external_id)]


@router.post(
    _ONE + "/verify",
    responses=problems(404, 409, 413, 415, 422),
    openapi_extra=openapi_body(VerifyIdentity, {"image": _IMAGE}),
    operation_id="verify_identity_by_external_id",
    summary="Does a photograph show this identity?",
)
def verify(
    engine: CurrentEngine,
    config: Config,
    meters: Meters,
    used_faces: UsedFaces,
    gallery: str,
    external_id: ExternalId,
    body: Annotated[VerifyIdentity, Depends(body_of(VerifyIdentity))],
) -> VerifyAnswer:
    """Like `/identities/{identity_id}/verify`."""
    return verification.verify_identity(
        engine, config, meters, used_faces, gallery, _id(engine, gallery, external_id), body
    )


@router.post(
    _ONE + "/faces",
    status_code=201,
    responses=problems(404, 409, 413, 415, 422),
    openapi_extra=openapi_body(FacesNew, {"images": [_IMAGE]}),
    operation_id="add_faces_by_external_id",
    summary="Add photographs of a person",
)
def add_faces(
    engine: CurrentEngine,
    config: Config,
    meters: Meters,
    used_faces: UsedFaces,
    gallery: str,
    external_id: ExternalId,
    body: Annotated[FacesNew, Depends(body_of(FacesNew))],
) -> FacesAdded:
    """Like `/identities/{identity_id}/faces`."""
    return face_routes.add(
        engine, config, meters, used_faces, gallery, _id(engine, gallery, external_id), body
    )


@router.get(
    _ONE,
    responses=problems(404, 422),
    operation_id="get_identity_by_external_id",
    summary="Get an identity by your own id",
)
def get(engine: CurrentEngine, gallery: str, external_id: ExternalId) -> Identity:
    return identity_routes.get(engine, gallery, _id(engine, gallery, external_id))


@router.put(
    _ONE,
    responses={
        201: {"model": IdentityCreated, "description": "The identity was created"},
        **problems(404, 409, 413, 415, 422),
    },
    openapi_extra=openapi_body(
        IdentityPut, {"name": "Grace Hopper", "metadata": {"department": "computing"}, "images": [_IMAGE]}
    ),
    operation_id="put_identity_by_external_id",
    summary="Create or change an identity by your own id",
)
def put(
    engine: CurrentEngine,
    config: Config,
    meters: Meters,
    used_faces: UsedFaces,
    response: Response,
    gallery: str,
    external_id: ExternalId,
    body: Annotated[IdentityPut, Depends(body_of(IdentityPut))],
) -> IdentityCreated:
    """Idempotent: the request may be repeated, and several clients may send it at once; one creates the
    identity, the others find it. Omitted fields stay unchanged. Photographs are added; one that is enrolled
    already is listed in `rejected` as `duplicate_image` and changes nothing."""
    at_most("the number of images", len(body.images), config.max_images)
    check_attributes(engine, body.attributes, gallery)
    used_faces.add(len(body.images))
    watch = Stopwatch()
    enrolled, created = engine.enroller.put(
        gallery,
        external_id,
        body.model_dump(include={"name", "metadata"}, exclude_unset=True),
        body.images,
        places=places_of(body.images, body.boxes, body.landmarks),
        several_faces=body.several_faces,
        allow_duplicate=body.allow_duplicate,
        attributes=body.attributes,
        watch=watch,
    )
    meters.observe_stages(watch.milliseconds)
    meters.outcomes.enrolled(len(enrolled.faces), (r.code for r in enrolled.rejected.values()))
    response.status_code = 201 if created else 200
    with engine.database.reading() as session:
        identity_id = enrolled.identity.id
        shown = faces.list_first(session, [identity_id], FACES_OF_ONE)[identity_id]
        total = faces.count_by_identity(session, [identity_id])[identity_id]
    return IdentityCreated(
        **Identity.fields_of(gallery, enrolled.identity, shown, total, enrolled.person_score),
        **EnrolmentNotes.notes_of(enrolled),
    )


@router.patch(
    _ONE,
    responses=problems(404, 409, 413, 422),
    operation_id="update_identity_by_external_id",
    summary="Change an identity by your own id",
)
def patch(engine: CurrentEngine, gallery: str, external_id: ExternalId, body: IdentityPatch) -> Identity:
    return identity_routes.patch(engine, gallery, _id(engine, gallery, external_id), body)


@router.delete(
    _ONE,
    status_code=204,
    responses=problems(404, 422),
    operation_id="delete_identity_by_external_id",
    summary="Delete an identity and its faces by your own id",
)
def delete(engine: CurrentEngine, gallery: str, external_id: ExternalId) -> Response:
    """No search returns the person after the answer."""
    return identity_routes.delete(engine, gallery, _id(engine, gallery, external_id))


def _id(engine: Engine, gallery: str, external_id: str) -> UUID:
    """Raises GalleryNotFound, IdentityNotFound, InvalidRequest."""
    with engine.database.reading() as session:
        found = galleries.get(session, gallery)
        return identities.get_by_external_id(session, found.id, external_id).id
