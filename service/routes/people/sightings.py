"""Sightings: searches that matched a person."""

from uuid import UUID

from fastapi import APIRouter

from indexer.records import galleries
from indexer.records.audit import sightings
from indexer.records.enrolled import identities
from indexer.records.people import person_changes
from service.dependencies import CurrentEngine
from service.requests.bodies import JsonRoute
from service.requests.pagination import PageCursor, PageLimit, cut, whole_number
from service.routes import problems
from service.schemas.people.sightings import Sighting, SightingPage

router = APIRouter(
    prefix="/v1/galleries/{gallery}/identities/{identity_id}/sightings",
    tags=["identities"],
    route_class=JsonRoute,
)


@router.get(
    "",
    responses=problems(404, 409, 422),
    operation_id="list_sightings",
    summary="List the searches that matched a person, the newest first",
)
def list_page(
    engine: CurrentEngine, gallery: str, identity_id: UUID, limit: PageLimit = 100, cursor: PageCursor = None
) -> SightingPage:
    """From the audit record, as far back as it is kept: identifications, searches by embedding and
    verifications. Those of people who were merged into this person are among them; those of a person from
    whom this one was split are not, because they name the person of the time. Empty where no audit record is
    kept."""
    before = None if cursor is None else whole_number(cursor)
    with engine.database.reading() as session:
        found = galleries.get(session, gallery)
        identities.get(session, found.id, identity_id)
        people = person_changes.with_merged(session, identity_id)
        page, more = cut(sightings.newest(session, people, before=before, limit=limit + 1), limit)
    return SightingPage(
        sightings=[Sighting.of(one) for one in page], next_cursor=str(page[-1].number) if more else None
    )
