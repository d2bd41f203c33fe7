"""Who sends a request: an API key in a header field, or the cookie of a session.

A key decides whenever there is one, right or wrong: a program that sends a key never acts for the person
who is signed in to the browser. A cookie is sent by the browser whatever page makes the request, so it needs
more: see `check_page`.
"""

import asyncio
import hmac
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import anyio
import anyio.to_thread
from starlette.types import Scope

from indexer.access.authenticator import GRACE_SECONDS, Authenticator
from indexer.access.grant import Grant
from indexer.access.key_text import digest, prefix_of
from indexer.access.rejections import Rejection
from indexer.access.sign_in.sign_ins import SignIns
from indexer.access.sign_in.token import csrf_token, key_binding, token_hash
from indexer.callers import Caller
from indexer.errors import Busy, CsrfTokenInvalid, DatabaseUnavailable, NotAuthenticated
from indexer.records.audit.event import Action
from indexer.records.sign_ins import LiveSignIn
from service.middleware.access.guesses import Guesses
from service.middleware.access.origins import Origins
from service.middleware.access.sent_key import sent_key
from service.middleware.access.session_cookie import sent_token

CHECK_SECONDS = 1.0
"""How long a request waits until PostgreSQL has answered whether its key or cookie is still valid."""
CSRF_HEADER = "X-CSRF-Token"
_READING = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class ByKey:
    digest: bytes
    """Of the key's text."""


@dataclass(frozen=True, slots=True)
class ByCookie:
    token: bytes
    sign_in: LiveSignIn


Credential = ByKey | ByCookie


class Authentication:
    """For the event loop's thread only."""

    def __init__(self, *, origins: Origins, guesses: Guesses) -> None:
        self._origins = origins
        self._guesses = guesses
        self._threads = anyio.CapacityLimiter(SignIns.CONNECTIONS)

    async def __call__(self, scope: Scope, address: str | None) -> tuple[Grant, Credential]:
        """Raises NotAuthenticated, CrossSite, CsrfTokenInvalid, DatabaseUnavailable."""
        engine = scope["app"].state.engine
        key = sent_key(scope)
        if key is not None:
            grant = await _find_key(engine.authenticator, key)
            if grant is None:
                prefix = prefix_of(key)
                await self._reject(scope, address, reason=f"key {prefix}" if prefix else "not a key")
                raise NotAuthenticated("this API key is not valid")
            return grant, ByKey(digest(key))
        token = sent_token(scope)
        if token is None:
            raise NotAuthenticated(
                "send the API key in the header X-API-Key, or as Authorization: Bearer, or sign in"
            )
        sign_in = await self._find_sign_in(engine.sign_ins, token)
        grant = None if sign_in is None else await _find_bound(engine.authenticator, sign_in, token)
        if sign_in is None or grant is None:
            await self._reject(scope, address, reason="session")
            raise NotAuthenticated("this session has ended: sign in again")
        return grant, ByCookie(token, sign_in)

    def check_page(self, scope: Scope, credential: Credential) -> None:
        """A request with a cookie must come from a page of this server, and must have the session's token if
        it changes something. Raises CrossSite, CsrfTokenInvalid."""
        if isinstance(credential, ByKey):
            return
        self._origins.check_own_page(scope)
        if scope["method"] in _READING:
            return
        sent = [value for name, value in scope["headers"] if name == CSRF_HEADER.lower().encode()]
        expected = csrf_token(credential.token).encode()
        if len(sent) != 1 or not hmac.compare_digest(sent[0], expected):
            raise CsrfTokenInvalid(
                f"with a cookie, a request that changes something needs the header {CSRF_HEADER} with the"
                " `csrf_token` of GET /v1/session"
            )

    async def _find_sign_in(self, sign_ins: SignIns, token: bytes) -> LiveSignIn | None:
        """Raises DatabaseUnavailable if PostgreSQL does not answer and has not lately."""
        hashed = token_hash(token)
        check = sign_ins.known(hashed)
        if check is None:
            sign_ins.request_check(hashed)
            with suppress(TimeoutError, DatabaseUnavailable, Busy), anyio.fail_after(CHECK_SECONDS):
                await anyio.to_thread.run_sync(
                    sign_ins.check_requested, limiter=self._threads, abandon_on_cancel=True
                )
            check = sign_ins.known(hashed, seconds=GRACE_SECONDS)
        if check is None:
            raise DatabaseUnavailable("this session cannot be checked: PostgreSQL does not answer")
        return check.found

    async def _reject(self, scope: Scope, address: str | None, *, reason: str) -> None:
        """Counts the rejection for the audit record, and slows guesses down."""
        scope["app"].state.engine.rejections.add(
            Rejection(
                action=Action.AUTHENTICATION_FAILED,
                caller=Caller(name="unknown", address=address),
                reason=reason,
            )
        )
        await self._guesses.pause(address or "")


async def required_now(authenticator: Authenticator) -> bool:
    """Whether requests need a key, also if the first one was created a moment ago, in any process."""
    with suppress(TimeoutError, DatabaseUnavailable, Busy):
        await asyncio.wait_for(asyncio.wrap_future(authenticator.request_check()), CHECK_SECONDS)
    return authenticator.required


async def _find_key(authenticator: Authenticator, key: bytes) -> Grant | None:
    """Raises DatabaseUnavailable, as `_recognise` does."""
    return await _recognise(
        authenticator, lambda: authenticator.find(key), lambda grant: authenticator.is_current(grant, key)
    )


async def _find_bound(authenticator: Authenticator, sign_in: LiveSignIn, token: bytes) -> Grant | None:
    """The grant of the key that was exchanged for the token, if this text of it is still valid.

    Raises DatabaseUnavailable, as `_recognise` does.
    """

    def matches(key_digest: bytes) -> bool:
        return hmac.compare_digest(key_binding(token, key_digest), sign_in.key_binding)

    return await _recognise(
        authenticator,
        lambda: authenticator.find_by_digest(sign_in.key_id, matches),
        lambda grant: sign_in.key_id is None or (grant is not None and authenticator.checked_now),
    )


async def _recognise(
    authenticator: Authenticator,
    find: Callable[[], Grant | None],
    is_current: Callable[[Grant | None], bool],
) -> Grant | None:
    """Raises DatabaseUnavailable if PostgreSQL does not answer and the key is unknown, or if it has not
    answered for so long that no stored key is valid."""
    grant = find()
    if is_current(grant):
        return grant
    try:
        await asyncio.wait_for(asyncio.wrap_future(authenticator.request_check()), CHECK_SECONDS)
    except (TimeoutError, DatabaseUnavailable, Busy):
        if grant is None:  # it may have been created just now
            raise DatabaseUnavailable("this API key cannot be checked: PostgreSQL does not answer") from None
        authenticator.check_grace()
        return grant
    return find()
