"""Unknown visitors: anonymous identities that searches remembered."""

from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from indexer.errors import InvalidRequest
from indexer.records import galleries
from indexer.records.enrolled import faces, visitors
from indexer.visitors.forget import forget_unseen
from service.dependencies import CurrentEngine
from service.requests.bodies import JsonRoute
from service.requests.pagination import FACES_OF_EACH, PageCursor, PageLimit, cut
from service.routes import problems
from service.schemas.people.identities import Identity
from service.schemas.people.visitors import Forgotten, VisitorPage

router = APIRouter(prefix="/v1/galleries/{gallery}/visitors", tags=["identities"], route_class=JsonRoute)


@router.get(
    "",
    responses=problems(404, 422),
    operation_id="list_visitors",
    summary="List unknown visitors, the one who was seen last first",
)
def list_page(
    engine: CurrentEngine, gallery: str, limit: PageLimit = 100, cursor: PageCursor = None
) -> VisitorPage:
    """Anonymous identities that the policy `remember_unknown` has made. Somebody who gets a name is no
    longer a visitor. Where each was seen: `/v1/galleries/{gallery}/identities/{identity_id}/sightings`."""
    before = None if cursor is None else _place(cursor)
    with engine.database.reading() as session:
        found = galleries.get(session, gallery)
        page, more = cut(visitors.page(session, found.id, before=before, limit=limit + 1), limit)
        ids = [visitor.id for visitor in page]
        shown = faces.list_first(session, ids, FACES_OF_EACH)
        counts = faces.count_by_identity(session, ids)
        total = visitors.count(session, found.id)
    return VisitorPage(
        visitors=[
            Identity.of(gallery, visitor, shown[visitor.id], counts[visitor.id], found.person_score)
            for visitor in page
        ],
        next_cursor=f"{page[-1].last_seen_at:%Y-%m-%dT%H:%M:%S.%f%z}_{page[-1].id}" if more else None,
        total=total,
    )


@router.delete(
    "",
    responses=problems(404, 422),
    operation_id="forget_visitors",
    summary="Forget unknown visitors",
)
def forget(
    engine: CurrentEngine,
    gallery: str,
    unseen_hours: Annotated[
        float | None,
        Query(
            ge=0,
            le=876_000,
            allow_inf_nan=False,
            description="Only visitors who were not seen for so many hours; default: all",
        ),
    ] = None,
) -> Forgotten:
    """Deletes them with their faces, crops and kept probes. People with names stay, whether they were
    visitors once or not."""
    with engine.database.reading() as session:
        found = galleries.get(session, gallery)
    older_than = None if unseen_hours is None else timedelta(hours=unseen_hours)
    forgotten = forget_unseen(engine.database, found.id, older_than)
    engine.index_cache.try_to_catch_up(found.id)
    return Forgotten(forgotten=forgotten)


def _place(cursor: str) -> tuple[datetime, UUID]:
    """Time of the last sighting and id. Raises InvalidRequest."""
    time, _, identity_id = cursor.partition("_")
    try:
        return datetime.strptime(time, "%Y-%m-%dT%H:%M:%S.%f%z").astimezone(UTC), UUID(identity_id)
    except (ValueError, OverflowError):
        raise InvalidRequest("cursor is not the next_cursor of any page", field="cursor") from None
