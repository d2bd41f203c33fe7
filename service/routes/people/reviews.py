"""Reviews: pairs of identities of which a person decides whether they are the same."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from indexer.records import galleries, tables
from indexer.records.database.session import Session
from indexer.records.enrolled import identities
from indexer.records.people import reviews
from indexer.records.people.reviews import ReviewState
from indexer.usecases.bootstrap import Engine
from indexer.usecases.people.review import Decision
from service.dependencies import CurrentEngine
from service.requests.bodies import JsonRoute
from service.requests.pagination import FACES_OF_EACH, PageCursor, PageLimit, cut, uuid
from service.routes import problems
from service.routes.people.identities import with_faces
from service.schemas.people.changes import Review, ReviewPage, Same

router = APIRouter(prefix="/v1/galleries/{gallery}/reviews", tags=["reviews"], route_class=JsonRoute)


@router.get(
    "", responses=problems(404, 422), operation_id="list_reviews", summary="List reviews, page by page"
)
def list_page(
    engine: CurrentEngine,
    gallery: str,
    state: Annotated[ReviewState | None, Query(description="Only reviews in this state")] = None,
    identity_id: Annotated[
        UUID | None, Query(description="Only reviews of this identity; none if it does not exist")
    ] = None,
    limit: PageLimit = 100,
    cursor: PageCursor = None,
) -> ReviewPage:
    """Oldest first, each with both identities and their first ten faces."""
    after = None if cursor is None else uuid(cursor)
    with engine.database.reading() as session:
        found = galleries.get(session, gallery)
        rows = reviews.page(
            session, found.id, state=state, identity_id=identity_id, after=after, limit=limit + 1
        )
        page, more = cut(rows, limit)
        shown = _shown(session, found, page)
    return ReviewPage(reviews=shown, next_cursor=str(page[-1].id) if more else None)


@router.get("/{review_id}", responses=problems(404, 422), operation_id="get_review", summary="Get a review")
def get(engine: CurrentEngine, gallery: str, review_id: UUID) -> Review:
    with engine.database.reading() as session:
        found = galleries.get(session, gallery)
        [shown] = _shown(session, found, [reviews.get(session, found.id, review_id)])
    return shown


@router.post(
    "/{review_id}/same",
    responses=problems(404, 409, 413, 422),
    operation_id="decide_same",
    summary="Decide that both are the same person",
)
def same(engine: CurrentEngine, gallery: str, review_id: UUID, body: Same | None = None) -> Review:
    """Merges them. Reopening the review undoes it."""
    body = body or Same()
    return _decided(engine, gallery, engine.people.same(gallery, review_id, keep=body.keep, take=body.take))


@router.post(
    "/{review_id}/different",
    responses=problems(404, 409, 422),
    operation_id="decide_different",
    summary="Decide that they are different people",
)
def different(engine: CurrentEngine, gallery: str, review_id: UUID) -> Review:
    """They are never reported as duplicates again."""
    return _decided(engine, gallery, engine.people.different(gallery, review_id))


@router.post(
    "/{review_id}/reopen",
    responses=problems(404, 409, 422),
    operation_id="reopen_review",
    summary="Undo the decision of a review",
)
def reopen(engine: CurrentEngine, gallery: str, review_id: UUID) -> Review:
    """Undoes the merge, or forgets that they are different people."""
    return _decided(engine, gallery, engine.people.reopen(gallery, review_id))


def _decided(engine: Engine, gallery: str, decision: Decision) -> Review:
    with engine.database.reading() as session:
        [shown] = _shown(session, galleries.get(session, gallery), [decision.review])
    return shown


def _shown(session: Session, gallery: tables.Gallery, rows: Sequence[tables.Review]) -> list[Review]:
    ids = {one for row in rows for one in (row.identity_id, row.other_id)}
    found = identities.by_ids(session, gallery.id, ids)
    shown = {one.id: one for one in with_faces(session, gallery, found, FACES_OF_EACH)}
    return [Review.of(row, shown) for row in rows]
