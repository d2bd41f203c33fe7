"""Limits by API key, before the body is read: 429 with `Retry-After`, and the header fields `RateLimit`.

The fields are those of draft-ietf-httpapi-ratelimit-headers-11.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from math import ceil

import anyio
import anyio.to_thread
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from indexer.access.key_limits.limiter import Admission, KeyLimiter
from indexer.access.key_limits.limits import NO_LIMITS, KeyLimits, Policy, Quota, capacity
from indexer.errors import GemelError, RateLimited
from service.errors import response
from service.face_count import FaceCount

FIELDS = ("RateLimit", "RateLimit-Policy")

_CONCURRENCY_SECONDS = 0.05
"""Seconds between two attempts to get one of a key's concurrent requests."""
_CHECK_SECONDS = 0.25
"""While a picture of a stream waits: seconds between two checks that it still may."""


class KeyLimitation:
    """Passes the requests of keys within their limits on to an application, and counts them and their faces.

    The slot of a request is released before its answer begins: the client's next request finds it free,
    whichever process serves it. Its faces are charged in this process then, and stored soon after.
    """

    def __init__(self) -> None:
        self._threads = anyio.CapacityLimiter(KeyLimiter.THREADS_FOR_REQUESTS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send, app: ASGIApp) -> None:
        grant = scope.get("state", {}).get("grant")
        if grant is None or grant.key_id is None or grant.limits == NO_LIMITS:
            await app(scope, receive, send)
            return
        limiter: KeyLimiter = scope["app"].state.engine.key_limiter
        policies = policy_field(grant.limits)
        try:
            admission = limiter.begin(grant.key_id, grant.limits)
            if not admission.complete:
                await anyio.to_thread.run_sync(limiter.complete, admission, limiter=self._threads)
        except RateLimited as error:
            scope["app"].state.metrics.rate_limited.labels(error.policy).inc()
            await _rejection(error, policies)(scope, receive, send)
            return
        except GemelError as error:
            await response(error)(scope, receive, send)
            return
        faces = scope["state"]["faces"] = FaceCount()

        async def finish() -> None:
            admission.usage.charge(faces.take())
            if not limiter.finish_at_once(admission):
                with anyio.CancelScope(shield=True):  # or the slot stays taken until its lease expires
                    await anyio.to_thread.run_sync(limiter.finish, admission, limiter=self._threads)

        async def send_with_fields(message: Message) -> None:
            if message["type"] == "http.response.start":
                await finish()
                headers = MutableHeaders(scope=message)
                headers["RateLimit-Policy"] = policies
                if quotas := admission.usage.quotas():
                    headers["RateLimit"] = quota_field(quotas)
            await send(message)

        try:
            await app(scope, receive, send_with_fields)
        finally:
            await finish()

    @asynccontextmanager
    async def piece(self, scope: Scope, check: Callable[[], Awaitable[None]]) -> AsyncIterator[FaceCount]:
        """Waits until the key may send another request, and counts one picture of a stream as such, with its
        faces. `check`: raises where there is no use in waiting any longer. Raises DatabaseUnavailable,
        Busy."""
        faces = FaceCount()
        admission = await self._waited(scope, check)
        if admission is None:
            yield faces
            return
        limiter: KeyLimiter = scope["app"].state.engine.key_limiter
        try:
            yield faces
        finally:
            admission.usage.charge(faces.take())
            if not limiter.finish_at_once(admission):
                with anyio.CancelScope(shield=True):
                    await anyio.to_thread.run_sync(limiter.finish, admission, limiter=self._threads)

    async def _waited(self, scope: Scope, check: Callable[[], Awaitable[None]]) -> Admission | None:
        """None: the key has no limits (any more). It takes one token, however long it waits for a slot."""
        limiter: KeyLimiter = scope["app"].state.engine.key_limiter
        admission: Admission | None = None
        while True:
            grant = scope["state"]["grant"]
            if grant.key_id is None or grant.limits == NO_LIMITS:
                return None
            try:
                if admission is None or admission.usage.limits != grant.limits:
                    admission = limiter.begin(grant.key_id, grant.limits)
                else:
                    limiter.take_idle(admission)
                if not admission.complete:
                    await anyio.to_thread.run_sync(limiter.complete, admission, limiter=self._threads)
                return admission
            except RateLimited as error:
                seconds = float(error.retry_after_s)
                if error.policy == Policy.CONCURRENCY:
                    seconds = _CONCURRENCY_SECONDS
            end = anyio.current_time() + seconds
            while (left := end - anyio.current_time()) > 0 and scope["state"]["grant"].limits == grant.limits:
                await anyio.sleep(min(left, _CHECK_SECONDS))
                await check()


def policy_field(limits: KeyLimits) -> str:
    """Value of the field `RateLimit-Policy`. The window of a token bucket is the time in which it fills.

    The unit `faces` is our own: the draft has requests, bytes and concurrent requests.
    """
    policies = []
    if (rate := limits.requests_per_second) is not None:
        policies.append(f'"{Policy.REQUESTS}";q={int(capacity(rate))};w={ceil(capacity(rate) / rate)}')
    if (rate := limits.faces_per_second) is not None:
        policies.append(
            f'"{Policy.FACES}";q={int(capacity(rate))};qu="faces";w={ceil(capacity(rate) / rate)}'
        )
    if limits.max_concurrent is not None:
        policies.append(f'"{Policy.CONCURRENCY}";q={limits.max_concurrent};qu="concurrent-requests"')
    return ", ".join(policies)


def quota_field(quotas: Sequence[Quota]) -> str:
    """Value of the field `RateLimit`."""
    return ", ".join(f'"{quota.policy}";r={quota.available};t={quota.window_seconds}' for quota in quotas)


def _rejection(error: RateLimited, policies: str) -> ASGIApp:
    """Names only the limit that was reached: for its window, nothing else is of use to the client."""
    answer = response(error)
    answer.headers["RateLimit-Policy"] = policies
    answer.headers["RateLimit"] = f'"{error.policy}";r=0;t={error.retry_after_s}'
    return answer
