"""The audit record: who did what to whom, and when. It is verified by `gemel audit verify`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from indexer.records.audit import rows
from indexer.records.audit.rows import Filter
from indexer.records.text import checked_text
from service.dependencies import CurrentEngine
from service.requests.bodies import JsonRoute
from service.requests.pagination import PageCursor, PageLimit, cut, whole_number
from service.requests.times import UtcTime
from service.routes import problems
from service.schemas.audit import AuditEvent, AuditHead, AuditPage

router = APIRouter(prefix="/v1/audit", tags=["audit"], route_class=JsonRoute)


@router.get(
    "", responses=problems(422), operation_id="list_audit_events", summary="List events, the newest first"
)
def list_page(
    engine: CurrentEngine,
    since: Annotated[UtcTime | None, Query(description="Only events from this time on")] = None,
    until: Annotated[UtcTime | None, Query(description="Only events before this time")] = None,
    action: Annotated[
        str | None, Query(description="`identity.deleted`, or `identity` for all its verbs", max_length=64)
    ] = None,
    gallery: Annotated[str | None, Query(description="Only events of this gallery", max_length=63)] = None,
    caller: Annotated[
        str | None, Query(description="Only events of this caller: a name, or a key's id", max_length=255)
    ] = None,
    identity: Annotated[
        UUID | None,
        Query(description="Only events of this person, and searches that found them; narrow it by a time"),
    ] = None,
    request_id: Annotated[
        str | None,
        Query(
            description="Only events of the request with this `X-Request-Id`; narrow it by a time",
            max_length=128,
        ),
    ] = None,
    limit: PageLimit = 100,
    cursor: PageCursor = None,
) -> AuditPage:
    selected = Filter(
        since=since,
        until=until,
        action=checked_text(action, "action"),
        gallery=checked_text(gallery, "gallery"),
        caller=checked_text(caller, "caller"),
        identity=identity,
        request_id=checked_text(request_id, "request_id"),
    )
    before = None if cursor is None else whole_number(cursor)
    with engine.database.reading() as session:
        page, more = cut(rows.newest(session, selected, before=before, limit=limit + 1), limit)
    return AuditPage(
        events=[AuditEvent.of(row) for row in page], next_cursor=str(page[-1].number) if more else None
    )


@router.get(
    "/head", responses=problems(), operation_id="get_audit_head", summary="Number and hash of the last event"
)
def get_head(engine: CurrentEngine) -> AuditHead:
    """Kept elsewhere, it shows later whether events were cut off or written again: `gemel audit verify
    --anchors` compares it."""
    with engine.database.reading() as session:
        return AuditHead.of(rows.head(session))


@router.get(
    "/{event_id}", responses=problems(404, 422), operation_id="get_audit_event", summary="Get an event"
)
def get(engine: CurrentEngine, event_id: UUID) -> AuditEvent:
    with engine.database.reading() as session:
        return AuditEvent.of(rows.get(session, event_id))
