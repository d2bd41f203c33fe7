"""Creates, lists, limits, rotates and revokes API keys, within what the caller's own key allows."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from indexer.access.authenticator import grant_of
from indexer.access.galleries import GalleryScope
from indexer.access.grant import Grant
from indexer.access.key_limits.limits import KeyLimits
from indexer.access.key_text import digest, mint, new_prefix
from indexer.access.roles import Role, permissions_of
from indexer.errors import InvalidRequest, KeyNotFound, KeyState, PermissionDenied
from indexer.records import api_keys
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.database.session import Database, Session
from indexer.records.tables import ApiKey
from indexer.records.text import checked_text

DEFAULT_OVERLAP_SECONDS = 24 * 3600.0
MAX_OVERLAP_SECONDS = 30 * 24 * 3600.0
COMMAND_LINE = Grant(name="command line")
"""Whoever can open the database may do everything."""
_RESERVED = {"gemel_api_key", "server", "unknown", "several callers", "anyone on this machine"}
"""How the audit record names callers that are no keys of the table; and `command line: root@host`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    name: str
    roles: Sequence[Role]
    galleries: Sequence[str] | None = None
    """Names, and prefixes that end in `*`. None: every gallery."""
    expires_at: datetime | None = None
    limits: KeyLimits = field(default_factory=KeyLimits)


@dataclass(frozen=True, slots=True)
class IssuedKey:
    row: ApiKey
    text: str
    """Cannot be shown again: only its hash is stored."""


def create(database: Database, new: NewKey, *, by: Grant) -> IssuedKey:
    """Raises InvalidRequest, and PermissionDenied if the key would allow more than the caller's own."""
    name = checked_text(new.name, "name") or ""
    plain = name.strip().casefold()
    if plain in _RESERVED or plain.startswith(COMMAND_LINE.name):
        raise InvalidRequest("the audit record uses this name for other callers", field="name")
    if not new.roles:
        raise InvalidRequest("a key has at least one role", field="roles")
    if new.expires_at is not None and new.expires_at <= datetime.now(UTC):
        raise InvalidRequest("expires_at is not in the future", field="expires_at")
    new.limits.check()
    scope = GalleryScope.of(new.galleries)
    requested = Grant(
        name=name,
        permissions=permissions_of(new.roles),
        galleries=scope,
        limits=new.limits,
        expires_at=new.expires_at,
    )
    if not by.covers(requested):
        raise PermissionDenied(
            "an API key creates only keys whose roles, galleries, limits and expiry lie within its own"
        )
    prefix = new_prefix()
    text = mint(prefix)
    row = ApiKey(
        name=name,
        prefix=prefix,
        secret_hash=digest(text.encode()),
        roles=sorted(set(new.roles)),
        galleries=None if scope.patterns is None else list(scope.patterns),
        requests_per_second=new.limits.requests_per_second,
        faces_per_second=new.limits.faces_per_second,
        max_concurrent=new.limits.max_concurrent,
        expires_at=new.expires_at,
    )
    with database.transaction() as session:
        api_keys.add(session, row)
        _record(session, Action.KEY_CREATED, row, **_policy(row))
    return IssuedKey(row, text)


def list_visible(database: Database, *, by: Grant) -> list[ApiKey]:
    """In the order of their creation, with revoked and expired ones. Only those that allow nothing that the
    caller's own key does not."""
    with database.reading() as session:
        return [row for row in api_keys.list_all(session) if _is_visible(row, by)]


def get(database: Database, key_id: UUID, *, by: Grant) -> ApiKey:
    """Raises KeyNotFound, also for a key that allows more than the caller's own."""
    with database.reading() as session:
        return _visible(session, key_id, by)


def set_limits(database: Database, key_id: UUID, changes: Mapping[str, Any], *, by: Grant) -> ApiKey:
    """`changes`: the new values of some fields of `KeyLimits`. They hold within a second in every process.

    Raises KeyNotFound, InvalidRequest, KeyState for a key that is revoked or has expired, and
    PermissionDenied if the key would then allow more than the caller's own.
    """
    with database.transaction() as session:
        row = _visible(session, key_id, by, lock=True)
        _check_active(row)
        before = grant_of(row)
        limits = replace(before.limits, **changes)
        limits.check()
        if not by.covers(replace(before, limits=limits)):
            raise PermissionDenied("this API key would have higher limits than your own, or expires later")
        if limits != before.limits:
            api_keys.set_limits(session, row, **asdict(limits))
            _record(session, Action.KEY_LIMITED, row, before=asdict(before.limits), after=asdict(limits))
    return row


def rotate(
    database: Database, key_id: UUID, *, by: Grant, overlap_seconds: float = DEFAULT_OVERLAP_SECONDS
) -> IssuedKey:
    """A new secret for the same key. The present one stays valid for `overlap_seconds`; if the key was
    rotated before, the one before it ends at once.

    Raises KeyNotFound, InvalidRequest, PermissionDenied as `create` does, and KeyState for a key that is
    revoked or has expired.
    """
    if not 0 <= overlap_seconds <= MAX_OVERLAP_SECONDS:
        raise InvalidRequest(
            f"the overlap has 0 to {MAX_OVERLAP_SECONDS:.0f} seconds", field="overlap_seconds"
        )
    with database.transaction() as session:
        row = _visible(session, key_id, by, lock=True)
        if not by.covers(grant_of(row)):
            raise PermissionDenied("this API key has higher limits than your own, or expires later")
        _check_active(row)
        text = mint(row.prefix)
        api_keys.rotate(session, row, digest(text.encode()), overlap_seconds=overlap_seconds)
        _record(session, Action.KEY_ROTATED, row, overlap_seconds=overlap_seconds)
    return IssuedKey(row, text)


def revoke(database: Database, key_id: UUID, *, by: Grant) -> ApiKey:
    """Takes effect within a second in every process. Again: no change. Raises KeyNotFound."""
    with database.transaction() as session:
        row = _visible(session, key_id, by, lock=True)
        if row.revoked_at is None:
            api_keys.revoke(session, row)
            _record(session, Action.KEY_REVOKED, row)
    return row


def state(row: ApiKey) -> str:
    """`active`, `expired` or `revoked`."""
    if row.revoked_at is not None:
        return "revoked"
    return "expired" if _has_expired(row) else "active"


def _check_active(row: ApiKey) -> None:
    """Raises KeyState."""
    if row.revoked_at is not None or _has_expired(row):
        raise KeyState("this API key is revoked or has expired: create a new one", key_id=str(row.id))


def _has_expired(row: ApiKey) -> bool:
    return row.expires_at is not None and row.expires_at <= datetime.now(UTC)


def _visible(session: Session, key_id: UUID, by: Grant, *, lock: bool = False) -> ApiKey:
    row = api_keys.get(session, key_id, lock=lock)
    if not _is_visible(row, by):
        raise KeyNotFound(f"there is no API key {key_id}", key_id=str(key_id))
    return row


def _is_visible(row: ApiKey, by: Grant) -> bool:
    grant = grant_of(row)
    return by.permissions >= grant.permissions and by.galleries.covers(grant.galleries)


def _record(session: Session, action: Action, row: ApiKey, **details: object) -> None:
    record(
        session, AuditEvent(action=action, details={"key_id": str(row.id), "prefix": row.prefix, **details})
    )


def _policy(row: ApiKey) -> dict[str, object]:
    return {
        "roles": row.roles,
        "galleries": row.galleries,
        "expires_at": row.expires_at and row.expires_at.isoformat(),
        "requests_per_second": row.requests_per_second,
        "faces_per_second": row.faces_per_second,
        "max_concurrent": row.max_concurrent,
    }
