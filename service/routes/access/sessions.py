"""Browser sessions: sign in with an API key, see who is signed in, sign out."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from indexer.access.sign_in.token import csrf_token
from indexer.errors import InvalidRequest, NotAuthenticated
from service.dependencies import CurrentGrant, CurrentSignIns, Sender
from service.middleware.access.authentication import ByCookie, ByKey
from service.middleware.access.session_cookie import clear_cookie, sent_token, set_cookie
from service.requests.bodies import JsonRoute
from service.routes import problems
from service.schemas.sessions import Session

router = APIRouter(prefix="/v1/session", tags=["session"], route_class=JsonRoute)

_NO_STORE = {"Cache-Control": "no-store"}


@router.post(
    "",
    status_code=201,
    response_model=Session,
    responses=problems(422),
    operation_id="create_session",
    summary="Sign in: exchange an API key for a cookie",
)
def create(request: Request, sign_ins: CurrentSignIns, grant: CurrentGrant, sender: Sender) -> Response:
    """Send the key in a header field, without a body. The cookie has `HttpOnly`, `SameSite=Strict` and, over
    HTTPS, `Secure`. The session allows what the key allows, and ends with the key.
    422 if the server requires no key."""
    if sender is None:
        raise InvalidRequest("this server requires no API key: use it without signing in")
    if not isinstance(sender, ByKey):
        raise NotAuthenticated("a session begins with an API key: send it in the header X-API-Key")
    token, row = sign_ins.sign_in(grant, sender.digest, replaced=_replaced(request))
    answer = _session(request, grant, ByCookie(token.encode(), row), sign_ins)
    headers = _NO_STORE | {"Set-Cookie": set_cookie(request.scope, token)}
    return Response(answer.model_dump_json(), status_code=201, headers=headers, media_type="application/json")


@router.get(
    "",
    response_model=Session,
    responses=problems(),
    operation_id="get_session",
    summary="Get the caller and its permissions",
)
def get(request: Request, sign_ins: CurrentSignIns, grant: CurrentGrant, sender: Sender) -> Response:
    """Works with a cookie, with a key, and if no key is required."""
    answer = _session(request, grant, sender, sign_ins)
    return Response(answer.model_dump_json(), headers=_NO_STORE, media_type="application/json")


@router.delete(
    "",
    status_code=204,
    responses=problems(422),
    operation_id="delete_session",
    summary="Sign out",
)
def delete(
    request: Request,
    sign_ins: CurrentSignIns,
    grant: CurrentGrant,
    sender: Sender,
    everywhere: Annotated[bool, Query(description="End all sessions of the key, in every browser")] = False,
) -> Response:
    """Takes effect within a second in every process. With a key instead of a cookie, send
    `everywhere=true`."""
    if everywhere and sender is not None:
        sign_ins.sign_out_everywhere(grant)
    elif isinstance(sender, ByCookie):
        sign_ins.sign_out(sender.token, sender.sign_in.id)
    else:
        raise InvalidRequest(
            "this request belongs to no session; send its cookie, or everywhere=true", field="everywhere"
        )
    return Response(status_code=204, headers=_NO_STORE | {"Set-Cookie": clear_cookie(request.scope)})


def _session(
    request: Request, grant: CurrentGrant, sender: ByKey | ByCookie | None, sign_ins: CurrentSignIns
) -> Session:
    version: str = request.app.version
    if isinstance(sender, ByCookie):
        return Session.of(
            grant,
            signed_in_by="cookie",
            version=version,
            seconds_left=sender.sign_in.lifetime_seconds_left,
            idle=sign_ins.idle,
            csrf_token=csrf_token(sender.token),
        )
    return Session.of(grant, signed_in_by="nothing" if sender is None else "key", version=version)


def _replaced(request: Request) -> bytes | None:
    """The token of the session that the browser had before."""
    try:
        return sent_token(request.scope)
    except NotAuthenticated:  # no valid one
        return None
