"""Searches for people of a gallery who are enrolled twice, as a job."""

from uuid import UUID

from fastapi import APIRouter

from indexer.records import galleries
from indexer.records.gallery_jobs import jobs
from indexer.records.gallery_jobs.kinds import DUPLICATE_SEARCH
from service.dependencies import CurrentEngine, CurrentJobWorker
from service.requests.bodies import JsonRoute
from service.requests.pagination import PageCursor, PageLimit, cut, uuid
from service.routes import problems
from service.schemas.people.duplicate_searches import DuplicateSearch, DuplicateSearchNew, DuplicateSearchPage

router = APIRouter(
    prefix="/v1/galleries/{gallery}/duplicate-searches", tags=["reviews"], route_class=JsonRoute
)


@router.post(
    "",
    status_code=201,
    responses=problems(404, 409, 413, 422),
    operation_id="create_duplicate_search",
    summary="Search a gallery for people who are enrolled twice",
)
def create(
    engine: CurrentEngine, worker: CurrentJobWorker, gallery: str, body: DuplicateSearchNew
) -> DuplicateSearch:
    """A serving process does it; ask for its progress. Each pair gets a review; nobody is merged. 409
    `duplicate_search_exists` while the gallery is being searched."""
    with engine.database.transaction() as session:
        job = jobs.create(session, galleries.get(session, gallery), DUPLICATE_SEARCH, body.model_dump())
    worker.wake()
    return DuplicateSearch.of(job, gallery)


@router.get(
    "",
    responses=problems(404, 422),
    operation_id="list_duplicate_searches",
    summary="List searches for duplicates, the newest first",
)
def list_page(
    engine: CurrentEngine, gallery: str, limit: PageLimit = 20, cursor: PageCursor = None
) -> DuplicateSearchPage:
    before = None if cursor is None else uuid(cursor)
    with engine.database.reading() as session:
        found = galleries.get(session, gallery)
        rows = jobs.newest_first(session, found.id, DUPLICATE_SEARCH, before=before, at_most=limit + 1)
        page, more = cut(rows, limit)
    return DuplicateSearchPage(
        duplicate_searches=[DuplicateSearch.of(job, gallery) for job in page],
        next_cursor=str(page[-1].id) if more else None,
    )


@router.get(
    "/{search_id}",
    responses=problems(404, 422),
    operation_id="get_duplicate_search",
    summary="Get the progress of a search for duplicates",
)
def get(engine: CurrentEngine, gallery: str, search_id: UUID) -> DuplicateSearch:
    with engine.database.reading() as session:
        found = galleries.get(session, gallery)
        return DuplicateSearch.of(jobs.get(session, found.id, DUPLICATE_SEARCH, search_id), gallery)


@router.post(
    "/{search_id}/cancel",
    responses=problems(404, 409, 422),
    operation_id="cancel_duplicate_search",
    summary="Cancel a search for duplicates",
)
def cancel(engine: CurrentEngine, gallery: str, search_id: UUID) -> DuplicateSearch:
    """Reviews that it has added stay."""
    with engine.database.transaction() as session:
        job = jobs.cancel(session, galleries.get(session, gallery), DUPLICATE_SEARCH, search_id)
    return DuplicateSearch.of(job, gallery)
