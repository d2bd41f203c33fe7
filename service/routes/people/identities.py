"""Identities: people in a gallery."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from indexer.errors import InvalidRequest
from indexer.records import galleries, tables
from indexer.records.database.session import Session
from indexer.records.enrolled import faces, identities, identity_lists
from indexer.records.enrolled.identity_lists import Order, Place, Search
from indexer.request_timings import Stopwatch
from indexer.usecases.enrol import NewIdentity
from service.dependencies import Config, CurrentEngine, Meters, UsedFaces, at_most, check_attributes
from service.requests.bodies import JsonRoute, body_of, openapi_body
from service.requests.pagination import (
    FACES_OF_EACH,
    FACES_OF_ONE,
    PageCursor,
    PageLimit,
    PageOffset,
    cut,
    uuid,
    whole_number,
)
from service.routes import problems
from service.schemas.people.enrolment import EnrolmentNotes, IdentityCreated
from service.schemas.people.identities import Identity, IdentityPage
from service.schemas.people.requests import IdentityNew, IdentityPatch
from service.schemas.places import places_of


class HiddenOnes(StrEnum):
    FALSE = "false"
    TRUE = "true"
    ANY = "any"


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
    engine: CurrentEngine,
    config: Config,
    meters: Meters,
    used_faces: UsedFaces,
    gallery: str,
    body: Annotated[IdentityNew, Depends(body_of(IdentityNew))],
) -> IdentityCreated:
    """Searches find the person as soon as the answer arrives. `rejected` lists the pictures that were not
    enrolled; if all are rejected, the answer is 422 and nothing is stored."""
    at_most("the number of images", len(body.images), config.max_images)
    check_attributes(engine, body.attributes, gallery)
    used_faces.add(len(body.images))
    watch = Stopwatch()
    enrolled = engine.enroller.create(
        gallery,
        NewIdentity(
            external_id=body.external_id, name=body.name, metadata=body.metadata, anonymous=body.anonymous
        ),
        body.images,
        places=places_of(body.images, body.boxes, body.landmarks),
        several_faces=body.several_faces,
        allow_duplicate=body.allow_duplicate,
        attributes=body.attributes,
        watch=watch,
    )
    meters.observe_stages(watch.milliseconds)
    meters.outcomes.enrolled(len(enrolled.faces), (r.code for r in enrolled.rejected.values()))
    return IdentityCreated(
        **Identity.fields_of(
            gallery, enrolled.identity, enrolled.faces, len(enrolled.faces), enrolled.person_score
        ),
        **EnrolmentNotes.notes_of(enrolled),
    )


@router.get(
    "", responses=problems(404, 422), operation_id="list_identities", summary="List identities, page by page"
)
def list_page(
    engine: CurrentEngine,
    gallery: str,
    external_id: Annotated[str | None, Query(description="Only the identity with this external id")] = None,
    name: Annotated[
        str | None,
        Query(
            description="Only identities whose name has, for each word, a word that starts with it, in any"
            " case and order: `hop gra` finds Grace Hopper",
            examples=["grace"],
        ),
    ] = None,
    q: Annotated[
        str | None,
        Query(
            description="Only identities that match this search text. A word matches the beginning of a word"
            " in the name, the external id or the metadata; `department:computing` a field with this value,"
            " in upper or lower case; `department:*` every value of the field; an `id` this identity. Quote"
            " values of several words",
            examples=["hop department:computing"],
        ),
    ] = None,
    anonymous: Annotated[
        bool | None,
        Query(
            description="`true`: only anonymous identities; `false`: only those with a name or an external"
            " id; default: all"
        ),
    ] = None,
    hidden: Annotated[
        HiddenOnes | None,
        Query(
            description="`true`: only hidden identities; `any`: those too; default: `false`, or `any` with"
            " `external_id`"
        ),
    ] = None,
    min_faces: Annotated[
        int, Query(ge=0, le=1_000_000, description="Only identities with at least this many faces")
    ] = 0,
    order: Annotated[
        Order,
        Query(description="By the time of creation, or `faces`: those with the most faces first"),
    ] = Order.OLDEST,
    max_faces: Annotated[
        int, Query(ge=1, le=FACES_OF_EACH, description="Largest number of faces of each identity")
    ] = (FACES_OF_EACH),
    with_total: Annotated[bool, Query(description="Whether to count all matching identities")] = False,
    limit: PageLimit = 100,
    offset: PageOffset = 0,
    cursor: PageCursor = None,
) -> IdentityPage:
    """Each with its first faces. In the order of creation, identities that are created meanwhile appear on a
    later page. In the order `faces` an identity that gets or loses faces meanwhile may appear twice or be
    missing."""
    if external_id is not None and name is not None:
        raise InvalidRequest("send external_id or name, not both", field="name")
    if cursor is not None and offset:
        raise InvalidRequest("send cursor or offset, not both", field="offset")
    after = None if cursor is None else _place(cursor, order)
    if hidden is None:
        hidden = HiddenOnes.FALSE if external_id is None else HiddenOnes.ANY
    search = Search(
        external_id=external_id,
        name=name,
        q=q,
        anonymous=anonymous,
        hidden=None if hidden is HiddenOnes.ANY else hidden is HiddenOnes.TRUE,
        min_faces=min_faces,
    )
    with engine.database.reading() as session:
        found = galleries.get(session, gallery)
        following = identity_lists.page(
            session,
            found.id,
            after=after,
            limit=limit + 1,
            search=search,
            order=order,
            offset=offset,
        )
        total = identity_lists.count(session, found.id, search) if with_total else None
        page, more = cut(following, limit)
        shown = with_faces(session, found, page, max_faces)
    following_page = _cursor(shown[-1], order) if more else None
    return IdentityPage(identities=shown, next_cursor=following_page, total=total)


def _place(cursor: str, order: Order) -> Place:
    """Raises InvalidRequest."""
    if order is not Order.FACES:
        return Place(id=uuid(cursor))
    count, _, identity_id = cursor.partition(".")
    return Place(id=uuid(identity_id), faces=whole_number(count))


def _cursor(last: Identity, order: Order) -> str:
    return f"{last.faces_total}.{last.id}" if order is Order.FACES else str(last.id)


@router.get(
    "/{identity_id}",
    responses=problems(404, 409, 422),
    operation_id="get_identity",
    summary="Get an identity",
)
def get(engine: CurrentEngine, gallery: str, identity_id: UUID) -> Identity:
    with engine.database.reading() as session:
        found = galleries.get(session, gallery)
        identity = identities.get(session, found.id, identity_id)
        [shown] = with_faces(session, found, [identity], FACES_OF_ONE)
    return shown


@router.patch(
    "/{identity_id}",
    responses=problems(404, 409, 413, 422),
    operation_id="update_identity",
    summary="Change an identity",
)
def patch(engine: CurrentEngine, gallery: str, identity_id: UUID, body: IdentityPatch) -> Identity:
    with engine.database.transaction() as session:
        found = galleries.get(session, gallery)
        galleries.lock(session, found.id)
        identity = identities.get(session, found.id, identity_id)
        identities.update(session, identity, body.model_dump(exclude_unset=True))
        [shown] = with_faces(session, found, [identity], FACES_OF_ONE)
    return shown


@router.delete(
    "/{identity_id}",
    status_code=204,
    responses=problems(404, 409, 422),
    operation_id="delete_identity",
    summary="Delete an identity and its faces",
)
def delete(engine: CurrentEngine, gallery: str, identity_id: UUID) -> Response:
    """No search returns the person after the answer."""
    engine.enroller.remove_identity(gallery, identity_id)
    return Response(status_code=204)


def with_faces(
    session: Session, gallery: tables.Gallery, found: Sequence[tables.Identity], max_faces: int
) -> list[Identity]:
    """As answers show them, each with its first faces."""
    ids = [identity.id for identity in found]
    enrolled, totals = faces.list_first(session, ids, max_faces), faces.count_by_identity(session, ids)
    return [
        Identity.of(gallery.name, one, enrolled[one.id], totals[one.id], gallery.person_score)
        for one in found
    ]
