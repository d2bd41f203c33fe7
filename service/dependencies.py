"""What routes are handed: the recognition engine, the settings, and a caller who may be here."""

import base64
import binascii
import hmac
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader

from indexer.errors import InvalidRequest, NotAuthenticated
from indexer.recognition.assembly import Recognition
from indexer.settings import Settings
from service.metrics import Metrics

_key_header = APIKeyHeader(
    name="X-API-Key", auto_error=False, description="The value of `GEMEL_API_KEY`, where one is set"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks. Scoped keys will fill in more than the one who may do everything."""

    name: str


def settings_of(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def recognition_of(request: Request) -> Recognition:
    recognition: Recognition = request.app.state.recognition
    return recognition


def metrics_of(request: Request) -> Metrics:
    metrics: Metrics = request.app.state.metrics
    return metrics


def authenticated(request: Request, key: Annotated[str | None, Security(_key_header)] = None) -> Caller:
    """Raises NotAuthenticated."""
    return _caller(settings_of(request), key)


def reader_of_docs(request: Request) -> Caller:
    """As `authenticated`; a browser, which cannot send the header, may send the key as a password.

    Only for pages that change nothing: browsers send passwords along with other sites' requests.
    """
    key = request.headers.get("X-API-Key") or _basic_password(request.headers.get("Authorization", ""))
    return _caller(settings_of(request), key)


def at_most(field: str, value: int, limit: int) -> int:
    """Raises InvalidRequest."""
    if value > limit:
        raise InvalidRequest(
            f"{field} is {value}, more than the limit of {limit}", field=field, measured=value, limit=limit
        )
    return value


def _caller(settings: Settings, key: str | None) -> Caller:
    if settings.api_key is None:
        return Caller(name="anyone on this machine")
    if key is None:
        raise NotAuthenticated("send the API key in the header X-API-Key")
    if not hmac.compare_digest(key.encode(), settings.api_key.get_secret_value().encode()):
        raise NotAuthenticated("this API key is not valid")
    return Caller(name="the holder of GEMEL_API_KEY")


def _basic_password(authorization: str) -> str | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(encoded).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return None


Engine = Annotated[Recognition, Depends(recognition_of)]
Config = Annotated[Settings, Depends(settings_of)]
Meters = Annotated[Metrics, Depends(metrics_of)]
