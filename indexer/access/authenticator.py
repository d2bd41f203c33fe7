"""Recognises API keys from memory, and follows their changes in PostgreSQL."""

import contextlib
import hmac
import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field
from uuid import UUID

from indexer.access.galleries import GalleryScope
from indexer.access.grant import Grant
from indexer.access.key_limits.limits import KeyLimits
from indexer.access.key_text import digest, prefix_of
from indexer.access.roles import Role, permissions_of
from indexer.errors import Busy, DatabaseUnavailable, GemelError
from indexer.records import api_keys
from indexer.records.database.session import Database
from indexer.records.notifications import Listener
from indexer.records.tables import ApiKey
from indexer.replica.threads.supervised import Supervised

log = logging.getLogger(__name__)

POLL_SECONDS = 0.4
"""After this time without a notification, the keys are checked."""
CURRENT_SECONDS = 0.9
"""A key is accepted without a query while the last check began less than this time ago. So a revocation
takes effect within a second, even if this process learns of it late."""
GRACE_SECONDS = 5.0
"""While PostgreSQL does not answer, keys are valid as at the last check, if it is not older than this."""
RETRY_SECONDS = 0.2
"""After a check that failed."""
LAST_USED_SECONDS = 60.0
BOOTSTRAP = Grant(name="GEMEL_API_KEY")


@dataclass(frozen=True, slots=True)
class _Key:
    grant: Grant
    digests: tuple[tuple[bytes, float], ...]
    """Each with the time by `time.monotonic` until which it is valid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Keys:
    """All live keys at one time. Replaced as a whole, so that reading takes no lock."""

    version: UUID | None = None
    by_prefix: Mapping[str, _Key] = field(default_factory=dict)
    by_id: Mapping[UUID, _Key] = field(default_factory=dict)


class Authenticator:
    """`find` and `is_current` are for the event loop; a thread checks PostgreSQL. `close` it."""

    THREADS = 1

    def __init__(
        self, database: Database, *, bootstrap_key: str | None, poll_seconds: float = POLL_SECONDS
    ) -> None:
        """Loads the keys. Raises DatabaseUnavailable, DatabaseNotMigrated, Busy."""
        self._database = database
        self._bootstrap = None if bootstrap_key is None else digest(bootstrap_key.encode())
        self._poll_seconds = poll_seconds
        self._keys = _Keys()
        self._checked_at = self._failed_at = float("-inf")
        """When the last check that succeeded began, and when the last one failed."""
        self._lock = threading.Lock()
        self._waiting: list[Future[None]] = []
        self._used_at: dict[UUID, float] = {}
        self._used: set[UUID] = set()
        """Uses that are not written yet."""
        self._check()
        self._listener = Listener(database, channel=api_keys.CHANNEL)
        self._thread = Supervised("keys", self._turn)
        self._thread.start()

    @property
    def required(self) -> bool:
        """Whether requests need a key: there is a bootstrap key, or a key was ever created."""
        return self._bootstrap is not None or self._keys.version is not None

    @property
    def problem(self) -> str | None:
        return self._thread.problem

    def find(self, text: bytes) -> Grant | None:
        """The grant of the key `text`, as far as this process knows. No query, in microseconds."""
        hashed = digest(text)
        if self._bootstrap is not None and hmac.compare_digest(hashed, self._bootstrap):
            return BOOTSTRAP
        key = self._keys.by_prefix.get(prefix_of(text) or "")
        if key is None:
            return None
        now = time.monotonic()
        for known, until in key.digests:
            if hmac.compare_digest(hashed, known) and now < until:
                self._note_use(key.grant, now)
                return key.grant
        return None

    def find_by_digest(self, key_id: UUID | None, matches: Callable[[bytes], bool]) -> Grant | None:
        """The grant of the key with this id, None for the bootstrap key, if `matches` accepts the hash of a
        text of it that is valid now. No query."""
        if key_id is None:
            return BOOTSTRAP if self._bootstrap is not None and matches(self._bootstrap) else None
        key = self._keys.by_id.get(key_id)
        now = time.monotonic()
        if key is None or not any(matches(known) and now < until for known, until in key.digests):
            return None
        self._note_use(key.grant, now)
        return key.grant

    @property
    def checked_now(self) -> bool:
        """Whether the last check of all keys is so recent that none is needed."""
        return time.monotonic() - self._checked_at < CURRENT_SECONDS

    def is_current(self, grant: Grant | None, text: bytes) -> bool:
        """Whether `find` needs no check. An unknown key may have been created just
        now; a text that no key can have is unknown for ever."""
        if grant is None:
            return prefix_of(text) is None
        return grant.key_id is None or self.checked_now

    def check_grace(self) -> None:
        """Raises DatabaseUnavailable if the last check is so long ago that no key is valid any more."""
        if time.monotonic() - self._checked_at > GRACE_SECONDS:
            raise DatabaseUnavailable("API keys cannot be checked: PostgreSQL does not answer")

    def request_check(self) -> "Future[None]":
        """A check that begins after this call; the future may also end with its error. Callers that come
        together share one."""
        future: Future[None] = Future()
        if time.monotonic() - self._failed_at < RETRY_SECONDS:
            future.set_exception(DatabaseUnavailable("PostgreSQL does not answer"))
            return future
        with self._lock:
            self._waiting.append(future)
        self._listener.wake()
        return future

    def close(self) -> None:
        if self._thread.close(self._listener.wake):
            self._listener.close()

    def _turn(self) -> None:
        self._listener.wait(self._poll_seconds)
        if self._thread.closing:
            return
        with self._lock:
            waiting, self._waiting = self._waiting, []
        error: GemelError | None = None
        try:
            self._check()
        except (DatabaseUnavailable, Busy) as failure:  # the listener logs it
            error, self._failed_at = failure, time.monotonic()
        except BaseException:  # or those who wait would take it for a check that succeeded
            error, self._failed_at = DatabaseUnavailable("API keys cannot be checked"), time.monotonic()
            raise
        finally:
            for future in waiting:
                with contextlib.suppress(InvalidStateError):  # nobody waits for it any more
                    if error is None:
                        future.set_result(None)
                    else:
                        future.set_exception(error)
        if error is None:
            self._report_use()

    def _check(self) -> None:
        """Loads the keys if their version is another. The version is read first: if keys change in between,
        the next check loads them again."""
        began = time.monotonic()
        with self._database.reading() as session:
            version = api_keys.version(session)
            if version is not None and version != self._keys.version:
                by_prefix = {key.prefix: _key(key, began) for key in api_keys.live(session)}
                by_id = {key.grant.key_id: key for key in by_prefix.values() if key.grant.key_id is not None}
                self._keys = _Keys(version=version, by_prefix=by_prefix, by_id=by_id)
            elif version is None and self._keys.version is not None:
                # Another database without keys. A process that has required keys does not stop.
                self._keys = _Keys(version=self._keys.version)
        self._checked_at = began

    def _note_use(self, grant: Grant, now: float) -> None:
        key_id = grant.key_id
        if key_id is not None and now - self._used_at.get(key_id, float("-inf")) > LAST_USED_SECONDS:
            with self._lock:
                self._used_at[key_id] = now
                self._used.add(key_id)

    def _report_use(self) -> None:
        if not self._used:
            return
        with self._lock:
            used, self._used = self._used, set()
        # A standby accepts no changes, and recognises keys all the same.
        with contextlib.suppress(DatabaseUnavailable, Busy), self._database.transaction() as session:
            api_keys.note_use(session, used)


def grant_of(row: ApiKey | api_keys.LiveKey) -> Grant:
    return Grant(
        name=row.name,
        key_id=row.id,
        permissions=permissions_of(role for role in Role if role in row.roles),
        galleries=GalleryScope(None if row.galleries is None else tuple(row.galleries)),
        limits=KeyLimits(
            requests_per_second=row.requests_per_second,
            faces_per_second=row.faces_per_second,
            max_concurrent=row.max_concurrent,
        ),
        expires_at=row.expires_at,
    )


def _key(live: api_keys.LiveKey, read_at: float) -> _Key:
    end = float("inf") if live.seconds_left is None else read_at + live.seconds_left
    digests = [(live.secret_hash, end)]
    if live.previous_hash is not None and live.previous_seconds_left is not None:
        digests.append((live.previous_hash, min(end, read_at + live.previous_seconds_left)))
    return _Key(grant_of(live), tuple(digests))
