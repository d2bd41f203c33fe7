"""Exchanges API keys for tokens, recognises tokens, and ends them. PostgreSQL has the authoritative state."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from indexer.access.authenticator import CURRENT_SECONDS, GRACE_SECONDS
from indexer.access.grant import Grant
from indexer.access.sign_in.token import key_binding, mint, token_hash
from indexer.errors import Busy, DatabaseUnavailable
from indexer.records import sign_ins
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.database.session import Database
from indexer.records.sign_ins import LAST_USED_PRECISION, LiveSignIn

MAX_REMEMBERED = 1000
"""Most checks in memory. Beyond it, those that are no longer of use are dropped."""


@dataclass(frozen=True, slots=True)
class Check:
    """The result of a check of a token in PostgreSQL."""

    began_at: float
    """By `time.monotonic`."""
    found: LiveSignIn | None


class SignIns:
    """A token is accepted without a query for a moment, as keys are: a sign-out takes effect at once in the
    process that does it, and within a second in the others. Thread-safe."""

    CONNECTIONS = 1

    def __init__(
        self,
        database: Database,
        *,
        lifetime: timedelta,
        idle: timedelta,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.lifetime = lifetime
        self.idle = idle
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._querying = threading.Lock()
        """Held during statements, so that no check stores what a sign-out has just ended."""
        self._checks: dict[bytes, Check] = {}
        self._requested: set[bytes] = set()

    def known(self, hashed: bytes, *, seconds: float = CURRENT_SECONDS) -> Check | None:
        """The last check of the token with this hash, if it began less than `seconds` ago. No query."""
        now = self._clock()
        with self._lock:
            check = self._checks.get(hashed)
        if check is None or now - check.began_at >= seconds:
            return None
        if check.found is not None and now - check.began_at >= check.found.lifetime_seconds_left:
            return Check(check.began_at, None)
        return check

    def request_check(self, hashed: bytes) -> None:
        """Has the next `check_requested` check it."""
        with self._lock:
            self._requested.add(hashed)

    def check_requested(self) -> None:
        """One query for all tokens whose check was requested: many wrong ones cost little more than one.

        Raises DatabaseUnavailable, Busy.
        """
        with self._querying:
            with self._lock:
                requested, self._requested = self._requested, set()
            if not requested:
                return
            began_at = self._clock()
            with self._database.reading() as session:
                found = {row.token_hash: row for row in sign_ins.live(session, requested, idle=self.idle)}
            with self._lock:
                self._forget_old(began_at)
                self._checks.update({each: Check(began_at, found.get(each)) for each in requested})
            self._note_use(found.values())

    def sign_in(self, grant: Grant, key_digest: bytes, *, replaced: bytes | None) -> tuple[str, LiveSignIn]:
        """The new token, and its row. `replaced`: the token that the browser had, which ends.

        Raises DatabaseUnavailable, Busy.
        """
        token = mint()
        hashed = token_hash(token.encode())
        with self._database.transaction() as session:
            if replaced is not None:
                sign_ins.end(session, token_hash(replaced))
            sign_in_id = sign_ins.add(
                session,
                token_hash=hashed,
                key_id=grant.key_id,
                key_binding=key_binding(token.encode(), key_digest),
                lifetime=self.lifetime,
                idle=self.idle,
            )
            record(session, AuditEvent(action=Action.SIGNED_IN, details={"session_id": str(sign_in_id)}))
            [row] = sign_ins.live(session, [hashed], idle=self.idle)
        if replaced is not None:
            self._note_ended(lambda hashed, _: hashed == token_hash(replaced))
        return token, row

    def sign_out(self, token: bytes, sign_in_id: UUID) -> None:
        """Again: no change. Raises DatabaseUnavailable, Busy."""
        hashed = token_hash(token)
        with self._querying:
            with self._database.transaction() as session:
                if sign_ins.end(session, hashed):
                    details = {"session_id": str(sign_in_id)}
                    record(session, AuditEvent(action=Action.SIGNED_OUT, details=details))
            self._note_ended(lambda each, _: each == hashed)

    def sign_out_everywhere(self, grant: Grant) -> None:
        """Ends all sign-ins of the caller's key. Raises DatabaseUnavailable, Busy."""
        with self._querying:
            with self._database.transaction() as session:
                if ended := sign_ins.end_all_of(session, grant.key_id):
                    record(session, AuditEvent(action=Action.SIGNED_OUT, details={"sessions": ended}))
            self._note_ended(lambda _, row: row.key_id == grant.key_id)

    def _note_ended(self, ended: Callable[[bytes, LiveSignIn], bool]) -> None:
        """A request that waits for a check finds that the session has ended, not that there was no check."""
        began_at = self._clock()
        with self._lock:
            for hashed, check in self._checks.items():
                if check.found is not None and ended(hashed, check.found):
                    self._checks[hashed] = Check(began_at, None)

    def _forget_old(self, now: float) -> None:
        """With the lock."""
        if len(self._checks) > MAX_REMEMBERED:
            self._checks = {
                hashed: check
                for hashed, check in self._checks.items()
                if now - check.began_at < (CURRENT_SECONDS if check.found is None else GRACE_SECONDS)
            }

    def _note_use(self, rows: Iterable[LiveSignIn]) -> None:
        used = [row.id for row in rows if row.unused_seconds > LAST_USED_PRECISION.total_seconds()]
        if not used:
            return
        # A standby accepts no changes, and recognises cookies all the same.
        with contextlib.suppress(DatabaseUnavailable, Busy), self._database.transaction() as session:
            sign_ins.note_use(session, used)
