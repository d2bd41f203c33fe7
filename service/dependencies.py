"""Dependencies of the routes: the engine, the settings, the metrics.

They are coroutines: FastAPI would run functions in a thread each.
"""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader, HTTPBearer

from indexer.errors import InvalidRequest
from indexer.settings import Settings
from indexer.usecases.bootstrap import Engine
from service.face_count import FaceCount
from service.monitoring.metrics import Metrics

documented_key = APIKeyHeader(
    name="X-API-Key", auto_error=False, description="The value of `GEMEL_API_KEY`, if it is set"
)
documented_token = HTTPBearer(auto_error=False, description="The same value as a bearer token")
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


async def used_faces_of(request: Request) -> FaceCount:
    """Nobody reads it where the key has no limits."""
    counted: FaceCount | None = getattr(request.state, "faces", None)
    return FaceCount() if counted is None else counted


def at_most(field: str, value: int, limit: int) -> int:
    """Raises InvalidRequest."""
    if value > limit:
        raise InvalidRequest(
            f"{field} is {value}, more than the limit of {limit}", field=field, measured=value, limit=limit
        )
    return value


CurrentEngine = Annotated[Engine, Depends(engine_of)]
Config = Annotated[Settings, Depends(settings_of)]
Meters = Annotated[Metrics, Depends(metrics_of)]
UsedFaces = Annotated[FaceCount, Depends(used_faces_of)]
