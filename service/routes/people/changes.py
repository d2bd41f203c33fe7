"""Who is whom: merge, split and move, and their undo."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from indexer.records import galleries
from indexer.records.enrolled import identities
from indexer.records.people import person_changes
from indexer.usecases.bootstrap import Engine
from indexer.usecases.enrol import NewIdentity
from indexer.usecases.people.regrouping import PeopleChange
from service.dependencies import CurrentEngine
from service.requests.bodies import JsonRoute
from service.requests.pagination import FACES_OF_ONE, PageCursor, PageLimit, cut, uuid
from service.routes import problems
from service.routes.people.identities import with_faces
from service.schemas.people.changes import (
    ChangeAnswer,
    ChangePage,
    ListedChange,
    Merge,
    Move,
    Split,
    UndoAnswer,
)
from service.schemas.people.identities import Identity

router = APIRouter(prefix="/v1/galleries/{gallery}", tags=["identities"], route_class=JsonRoute)


@router.post(
    "/identities/{identity_id}/merge",
    responses=problems(404, 409, 413, 422),
    operation_id="merge_identities",
    summary="Merge another identity into this one",
)
def merge(engine: CurrentEngine, gallery: str, identity_id: UUID, body: Merge) -> ChangeAnswer:
    """The other's faces become this identity's, and the other disappears: requests for it get 409
    `identity_merged`. Of a photograph that both have, this identity's face is kept. If this identity is
    anonymous and the other is not, it gets the other's name and external id. It can be undone."""
    change = engine.people.merge(
        gallery, identity_id, body.other, take=body.take, although_distinct=body.although_distinct
    )
    return ChangeAnswer.of(change, _identities(engine, gallery, change))


@router.post(
    "/identities/{identity_id}/split",
    status_code=201,
    responses=problems(404, 409, 413, 422),
    operation_id="split_identity",
    summary="Create a new identity from some faces",
)
def split(engine: CurrentEngine, gallery: str, identity_id: UUID, body: Split) -> ChangeAnswer:
    """Searches find the new identity as soon as the answer arrives. Without a name and an external id it is
    anonymous. The two are remembered as different people. It can be undone."""
    new = NewIdentity(external_id=body.external_id, name=body.name, metadata=body.metadata)
    change = engine.people.split(gallery, identity_id, body.faces, new)
    return ChangeAnswer.of(change, _identities(engine, gallery, change))


@router.post(
    "/identities/{identity_id}/faces/{face_id}/move",
    responses=problems(404, 409, 413, 422),
    operation_id="move_face",
    summary="Give a face to another identity",
)
def move(engine: CurrentEngine, gallery: str, identity_id: UUID, face_id: UUID, body: Move) -> ChangeAnswer:
    """The face keeps its id. 409 `face_exists` if the other identity has a face of the same photograph. It
    can be undone."""
    change = engine.people.move(gallery, identity_id, {face_id}, body.to)
    return ChangeAnswer.of(change, _identities(engine, gallery, change))


@router.get(
    "/people-changes",
    responses=problems(404, 422),
    operation_id="list_people_changes",
    summary="List merges, splits and moves, the newest first",
)
def list_page(
    engine: CurrentEngine,
    gallery: str,
    identity_id: Annotated[
        UUID | None, Query(description="Only changes that this identity took part in")
    ] = None,
    limit: PageLimit = 100,
    cursor: PageCursor = None,
) -> ChangePage:
    """Changes of a person who was deleted later are not kept."""
    before = None if cursor is None else uuid(cursor)
    with engine.database.reading() as session:
        found = galleries.get(session, gallery)
        listed = person_changes.page(
            session, found.id, identity_id=identity_id, before=before, limit=limit + 1
        )
    page, more = cut(listed, limit)
    return ChangePage(
        changes=[ListedChange.of(one) for one in page],
        next_cursor=str(page[-1].change.id) if more else None,
    )


@router.post(
    "/people-changes/{change_id}/undo",
    responses=problems(404, 409, 422),
    operation_id="undo_people_change",
    summary="Undo a merge, a split or a move",
)
def undo(engine: CurrentEngine, gallery: str, change_id: UUID) -> UndoAnswer:
    """Faces that were deleted or moved since stay as they are. 404 if one of the people has been deleted:
    what an undo needs is deleted with them."""
    undone = engine.people.undo(gallery, change_id)
    return UndoAnswer.of_undo(undone, _identities(engine, gallery, undone))


def _identities(engine: Engine, gallery: str, change: PeopleChange) -> dict[UUID, Identity]:
    with engine.database.reading() as session:
        found = galleries.get(session, gallery)
        rows = identities.by_ids(session, found.id, [change.identity_id, change.other_id])
        return {one.id: one for one in with_faces(session, found, rows, FACES_OF_ONE)}
