"""Dependencies of the routes: the engine, the settings, the metrics.

They are coroutines: FastAPI would run functions in a thread each.
"""

from collections.abc import Collection
from contextlib import suppress
from typing import Annotated
from uuid import UUID

import anyio.to_thread
from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, APIKeyHeader, HTTPBearer

from indexer.access.grant import Grant
from indexer.access.sign_in.sign_ins import SignIns
from indexer.doctor.examination import Doctor
from indexer.errors import InvalidRequest, PermissionDenied, ReindexNotFound
from indexer.gallery_jobs.worker import JobWorker
from indexer.records import galleries, reindexes
from indexer.settings import Settings
from indexer.types import Attribute
from indexer.usecases.bootstrap import Engine
from service.face_count import FaceCount
from service.middleware.access.authentication import Credential
from service.monitoring.metrics import Metrics

documented_key = APIKeyHeader(
    name="X-API-Key", auto_error=False, description="An API key, or the value of `GEMEL_API_KEY`"
)
documented_token = HTTPBearer(auto_error=False, description="The same key as a bearer token")
documented_cookie = APIKeyCookie(
    name="gemel-session",
    auto_error=False,
    description="A session's cookie, from `POST /v1/session`; over HTTPS its name begins with `__Host-` or"
    " `__Secure-`. Requests that change something also need the header `X-CSRF-Token`",
)
"""For the OpenAPI document only: `service.middleware.access` does the authentication."""


async def settings_of(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


async def engine_of(request: Request) -> Engine:
    engine: Engine = request.app.state.engine
    return engine


async def metrics_of(request: Request) -> Metrics:
    metrics: Metrics = request.app.state.metrics
    return metrics


async def job_worker_of(request: Request) -> JobWorker:
    worker: JobWorker = request.app.state.job_worker
    return worker


async def doctor_of(request: Request) -> Doctor:
    doctor: Doctor = request.app.state.doctor
    return doctor


async def used_faces_of(request: Request) -> FaceCount:
    """Nobody reads it where the key has no limits."""
    counted: FaceCount | None = getattr(request.state, "faces", None)
    return FaceCount() if counted is None else counted


async def grant_of(request: Request) -> Grant:
    """What the caller may do, as `service.middleware.access` has stored it."""
    grant: Grant = request.state.grant
    return grant


async def sender_of(request: Request) -> Credential | None:
    """What the request was authenticated by. None where no key is required."""
    credential: Credential | None = request.state.credential
    return credential


async def sign_ins_of(request: Request) -> SignIns:
    sign_ins: SignIns = request.app.state.engine.sign_ins
    return sign_ins


async def confirm_access(request: Request) -> None:
    """A second line of defence: the router has chosen the operation and the gallery that the middleware has
    allowed. Raises PermissionDenied."""
    allowed = request.state.operation
    if (allowed.operation_id, allowed.gallery) != (
        request.scope["route"].operation_id,
        request.path_params.get("gallery"),
    ):
        raise PermissionDenied("this path is ambiguous")


async def visible_job(request: Request) -> None:
    """Raises ReindexNotFound for a job of a gallery that the key may not see, as for one that does not
    exist."""
    scope = request.state.grant.galleries
    if scope.patterns is None or "job_id" not in request.path_params:
        return
    with suppress(ValueError):  # the route rejects what is not a UUID
        job_id = UUID(request.path_params["job_id"])

        def gallery() -> str:
            with request.app.state.engine.database.reading() as session:
                return reindexes.get(session, job_id).gallery.name

        if not scope.allows(await anyio.to_thread.run_sync(gallery)):
            raise ReindexNotFound(f"there is no re-index job {job_id}", id=str(job_id))


def at_most(field: str, value: int, limit: int) -> int:
    """Raises InvalidRequest."""
    if value > limit:
        raise InvalidRequest(
            f"{field} is {value}, more than the limit of {limit}", field=field, measured=value, limit=limit
        )
    return value


def check_attributes(engine: Engine, requested: Collection[Attribute], *gallery_names: str) -> None:
    """By the installation and the policy of each gallery. The use cases check it too; this is before the
    request's faces are counted. Raises GalleryNotFound, AttributeNotPermitted, AttributeUnavailable."""
    if not requested:
        return
    with engine.database.reading() as session:
        policies = [galleries.get(session, name).attributes for name in gallery_names]
    for policy in policies or [None]:
        engine.attributes.check(requested, policy)


CurrentEngine = Annotated[Engine, Depends(engine_of)]
CurrentJobWorker = Annotated[JobWorker, Depends(job_worker_of)]
CurrentGrant = Annotated[Grant, Depends(grant_of)]
CurrentSignIns = Annotated[SignIns, Depends(sign_ins_of)]
Sender = Annotated[Credential | None, Depends(sender_of)]
Config = Annotated[Settings, Depends(settings_of)]
Examiner = Annotated[Doctor, Depends(doctor_of)]
Meters = Annotated[Metrics, Depends(metrics_of)]
UsedFaces = Annotated[FaceCount, Depends(used_faces_of)]
