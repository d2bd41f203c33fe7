"""The running imports of all galleries, for operators."""

from fastapi import APIRouter

from indexer.imports import status as status_of
from service.dependencies import CurrentEngine, CurrentGrant
from service.requests.bodies import JsonRoute
from service.requests.pagination import PageCursor, PageLimit, cut, uuid
from service.routes import problems
from service.schemas.imports import Import, ImportPage

router = APIRouter(prefix="/v1/imports", tags=["imports"], route_class=JsonRoute)


@router.get(
    "",
    responses=problems(422),
    operation_id="list_open_imports",
    summary="List the running imports of all galleries, the newest first",
)
def list_page(
    engine: CurrentEngine, grant: CurrentGrant, limit: PageLimit = 20, cursor: PageCursor = None
) -> ImportPage:
    """Only of galleries that the key may see."""
    before = None if cursor is None else uuid(cursor)
    newest = status_of.open_ones(
        engine.database, patterns=grant.galleries.patterns, before=before, at_most=limit + 1
    )
    page, more = cut(newest, limit)
    return ImportPage(
        imports=[Import.of(status) for status in page], next_cursor=str(page[-1].job.id) if more else None
    )
