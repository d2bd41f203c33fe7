"""API keys: create, list, limit, rotate, revoke."""

from uuid import UUID

from fastapi import APIRouter, Response

from indexer.access import keys
from service.dependencies import CurrentEngine, CurrentGrant
from service.requests.bodies import JsonRoute
from service.requests.pagination import PageCursor, PageLimit, cut, uuid
from service.routes import problems
from service.schemas.keys import Key, KeyIssued, KeyNew, KeyPage, KeyPatch, Rotation

router = APIRouter(prefix="/v1/keys", tags=["keys"], route_class=JsonRoute)


@router.post(
    "", status_code=201, responses=problems(413, 422), operation_id="create_key", summary="Create an API key"
)
def create(engine: CurrentEngine, grant: CurrentGrant, body: KeyNew) -> KeyIssued:
    """403 if it would allow more than your own key. From the first key on, every request needs one."""
    return KeyIssued.issued(keys.create(engine.database, body.new(), by=grant))


@router.get("", responses=problems(422), operation_id="list_keys", summary="List API keys, page by page")
def list_page(
    engine: CurrentEngine, grant: CurrentGrant, limit: PageLimit = 100, cursor: PageCursor = None
) -> KeyPage:
    """In the order of their creation, with expired and revoked ones."""
    after = None if cursor is None else uuid(cursor)
    visible = keys.list_visible(engine.database, by=grant)
    page, more = cut([row for row in visible if after is None or row.id > after], limit)
    return KeyPage(keys=[Key.of(row) for row in page], next_cursor=str(page[-1].id) if more else None)


@router.get("/{key_id}", responses=problems(404, 422), operation_id="get_key", summary="Get an API key")
def get(engine: CurrentEngine, grant: CurrentGrant, key_id: UUID) -> Key:
    return Key.of(keys.get(engine.database, key_id, by=grant))


@router.patch(
    "/{key_id}",
    responses=problems(404, 409, 413, 422),
    operation_id="update_key",
    summary="Change the limits of an API key",
)
def update(engine: CurrentEngine, grant: CurrentGrant, key_id: UUID, body: KeyPatch) -> Key:
    """The new limits hold within a second in every process. 403 if the key would then allow more than your
    own."""
    changes = body.model_dump(exclude_unset=True)
    return Key.of(keys.set_limits(engine.database, key_id, changes, by=grant))


@router.post(
    "/{key_id}/rotate",
    responses=problems(404, 409, 413, 422),
    operation_id="rotate_key",
    summary="Replace the secret of an API key",
)
def rotate(
    engine: CurrentEngine, grant: CurrentGrant, key_id: UUID, body: Rotation | None = None
) -> KeyIssued:
    """The present secret stays valid for `overlap_seconds`: clients change one after the other."""
    overlap_seconds = (body or Rotation()).overlap_seconds
    return KeyIssued.issued(keys.rotate(engine.database, key_id, by=grant, overlap_seconds=overlap_seconds))


@router.delete(
    "/{key_id}",
    status_code=204,
    responses=problems(404, 422),
    operation_id="revoke_key",
    summary="Revoke an API key",
)
def revoke(engine: CurrentEngine, grant: CurrentGrant, key_id: UUID) -> Response:
    """Takes effect within a second in every process. The key stays in the list."""
    keys.revoke(engine.database, key_id, by=grant)
    return Response(status_code=204)
