"""Indexes: their status in every process, comparisons with PostgreSQL, and rebuilds."""

from typing import Annotated

from fastapi import APIRouter, Query

from indexer.records import galleries, replicas
from indexer.replica import index_checks
from indexer.replica import status as index_status
from service.dependencies import CurrentEngine, CurrentGrant
from service.requests.bodies import JsonRoute
from service.requests.pagination import PageCursor, PageLimit, cut, gallery_name
from service.routes import problems
from service.schemas.galleries.indexes import GalleryIndexStatus, IndexStatus, Process, Rebuild

router = APIRouter(prefix="/v1", tags=["operations"], route_class=JsonRoute)


@router.get(
    "/indexes",
    responses=problems(404, 422),
    operation_id="list_indexes",
    summary="Status of every index in every process",
)
def status(
    engine: CurrentEngine,
    grant: CurrentGrant,
    gallery: Annotated[str | None, Query(description="Only this gallery")] = None,
    limit: PageLimit = 100,
    cursor: PageCursor = None,
) -> IndexStatus:
    """By the processes' last reports, which are at most two seconds old; page by page in the order of the
    galleries' names. A gallery that nobody searched lately has no replica; the next search opens it."""
    after = None if cursor is None else gallery_name(cursor)
    with engine.database.reading() as session:
        following = (
            [galleries.get(session, gallery)]
            if gallery
            else galleries.page(session, after=after, limit=limit + 1, patterns=grant.galleries.patterns)
        )
        processes = replicas.list_processes(session)
    page, more = cut(following, limit)
    return IndexStatus(
        processes=[Process.of(process) for process in processes],
        galleries=[GalleryIndexStatus.of(one) for one in index_status.of_galleries(engine.database, page)],
        next_cursor=page[-1].name if more else None,
    )


@router.post(
    "/galleries/{gallery}/index/rebuild",
    status_code=202,
    responses=problems(404, 413, 422),
    operation_id="rebuild_index",
    summary="Rebuild the index of a gallery in every process",
)
def rebuild(engine: CurrentEngine, gallery: str, body: Rebuild | None = None) -> GalleryIndexStatus:
    """Answers at once. The old index serves until the new one replaces it; see `/v1/indexes`."""
    tier = None if body is None else body.tier
    with engine.database.transaction() as session:
        found = galleries.get(session, gallery)
        requested = galleries.request_rebuild(
            session, found.id, tier=None if tier == "auto" else tier, keep_tier=tier is None
        )
    [one] = index_status.of_galleries(engine.database, [requested])
    return GalleryIndexStatus.of(one)


@router.post(
    "/galleries/{gallery}/index/verify",
    status_code=202,
    responses=problems(404, 422),
    operation_id="verify_index",
    summary="Compare the index of a gallery in every process with PostgreSQL",
)
def verify(engine: CurrentEngine, gallery: str) -> GalleryIndexStatus:
    """Answers at once; `check` in `/v1/indexes` has the result, after half a minute for a million faces. If
    a comparison runs already, no other begins. Changes nothing: an index that differs is rebuilt by
    `/v1/galleries/{gallery}/index/rebuild`."""
    with engine.database.reading() as session:
        found = galleries.get(session, gallery)
    index_checks.request(engine.index_store, engine.index_cache.builds, found)
    [one] = index_status.of_galleries(engine.database, [found])
    return GalleryIndexStatus.of(one)
