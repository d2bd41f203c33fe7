"""Identities: people in a gallery."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from indexer.errors import InvalidRequest
from indexer.recognition.camera import Stopwatch
from indexer.recognition.enrol import NewIdentity
from indexer.records import faces, galleries, identities
from service.bodies import JsonRoute, body_of, openapi_body
from service.dependencies import Config, Engine, Meters, at_most
from service.routes import problems
from service.schemas.enrolled import Identity, IdentityCreated, IdentityPage, Refusal
from service.schemas.requests import IdentityNew, IdentityPatch

router = APIRouter(prefix="/v1/galleries/{gallery}/identities", tags=["identities"], route_class=JsonRoute)

_EXAMPLE = {
    "external_id": "4711",
    "name": "Grace Hopper",
    "metadata": {"department": "computing"},
    "images": ["/9j/4AAQSkZJRgABAQ..."],
}


@router.post(
    "",
    status_code=201,
    responses=problems(404, 409, 413, 415, 422),
    openapi_extra=openapi_body(IdentityNew, _EXAMPLE),
    operation_id="enrol",
    summary="Enrol a person, with or without photographs",
)
def create(
    engine: Engine,
    config: Config,
    meters: Meters,
    gallery: str,
    body: Annotated[IdentityNew, Depends(body_of(IdentityNew))],
) -> IdentityCreated:
    """When the answer arrives, the person is found. Pictures that do not pass are reported in
    `refused`; where none passes, the answer is 422 and nothing is stored."""
    at_most("the number of images", len(body.images), config.max_images)
    watch = Stopwatch()
    enrolled = engine.enroller.create(
        gallery,
        NewIdentity(external_id=body.external_id, name=body.name, metadata=body.metadata),
        body.images,
        take_largest=body.take_largest,
        watch=watch,
    )
    meters.observe_stages(watch.milliseconds)
    meters.outcomes.enrolled(len(enrolled.faces), (r.code for r in enrolled.refused.values()))
    return IdentityCreated(
        **Identity.fields_of(gallery, enrolled.identity, enrolled.faces),
        refused=Refusal.list_of(enrolled.refused),
        model=enrolled.model,
        change_number=enrolled.change_number,
    )


@router.get(
    "", responses=problems(404, 422), operation_id="list_identities", summary="List identities, page by page"
)
def list_page(
    engine: Engine,
    gallery: str,
    external_id: Annotated[str | None, Query(description="Only the identity with this id of yours")] = None,
    name: Annotated[
        str | None,
        Query(
            description="Only people whose name has, for each word of this, a word that begins so; in any"
            " case and any order: `hop gra` finds Grace Hopper",
            examples=["grace"],
        ),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="People on a page")] = 100,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before")] = None,
) -> IdentityPage:
    """In the order in which they were made. People enrolled meanwhile come on a later page."""
    after = None if cursor is None else _cursor(cursor)
    with engine.database.reading() as session:
        found = galleries.get(session, gallery)
        if external_id is not None:
            one = identities.by_external_id(session, found.id, external_id)
            page = [] if one is None else [one]
        else:
            page = list(identities.page(session, found.id, after=after, limit=limit + 1, name=name))
        more = len(page) > limit
        page = page[:limit]
        enrolled = faces.of_identities(session, [identity.id for identity in page])
    return IdentityPage(
        identities=[Identity.of(gallery, identity, enrolled[identity.id]) for identity in page],
        next_cursor=str(page[-1].id) if more else None,
    )


@router.get(
    "/{identity_id}", responses=problems(404, 422), operation_id="get_identity", summary="Get an identity"
)
def get(engine: Engine, gallery: str, identity_id: UUID) -> Identity:
    with engine.database.reading() as session:
        found = galleries.get(session, gallery)
        identity = identities.get(session, found.id, identity_id)
        enrolled = faces.of_identities(session, [identity_id])
    return Identity.of(gallery, identity, enrolled[identity_id])


@router.patch(
    "/{identity_id}",
    responses=problems(404, 409, 413, 422),
    operation_id="update_identity",
    summary="Change an identity",
)
def patch(engine: Engine, gallery: str, identity_id: UUID, body: IdentityPatch) -> Identity:
    with engine.database.transaction() as session:
        found = galleries.get(session, gallery)
        galleries.lock(session, found.id)
        identity = identities.get(session, found.id, identity_id)
        identities.change(session, identity, body.model_dump(exclude_unset=True))
        enrolled = faces.of_identities(session, [identity_id])
    return Identity.of(gallery, identity, enrolled[identity_id])


@router.delete(
    "/{identity_id}",
    status_code=204,
    responses=problems(404, 422),
    operation_id="delete_identity",
    summary="Delete an identity with all its faces",
)
def delete(engine: Engine, gallery: str, identity_id: UUID) -> Response:
    """Once the answer is there, no search returns the person."""
    engine.enroller.remove_identity(gallery, identity_id)
    return Response(status_code=204)


def _cursor(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        raise InvalidRequest("cursor is not one that a page gave", field="cursor") from None
