"""Admits the requests of keys that have limits, in step with all other serving processes."""

import logging
import threading
import time
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from indexer.access.key_limits.idle_slots import KEEP_SECONDS, IdleSlots
from indexer.access.key_limits.key_usage import KeyUsage, rate_limited
from indexer.access.key_limits.limits import KeyLimits, Policy, Quota
from indexer.errors import GemelError
from indexer.rate_limited_log import RateLimitedLog
from indexer.records.database.session import Database, Session
from indexer.records.key_limits import request_slots
from indexer.replica.threads.supervised import Supervised

log = logging.getLogger(__name__)
_failures = RateLimitedLog(log)

EXTENSION_SECONDS = request_slots.LEASE_SECONDS / 3
_BUSY_SECONDS = 1
"""`Retry-After` while all slots are in use: the time of the next release is unknown."""


@dataclass(slots=True, kw_only=True, eq=False, weakref_slot=True)
class Admission:
    """A request that is being admitted or was admitted, until `KeyLimiter.finish`."""

    usage: KeyUsage
    has_token: bool
    slot: UUID | None = None
    """Lease of its slot among the key's concurrent requests."""

    @property
    def complete(self) -> bool:
        return self.has_token and (self.slot is not None or self.usage.limits.max_concurrent is None)


class KeyLimiter:
    CONNECTIONS = 3
    """Largest number in use at once: one to extend leases, the others for requests."""
    THREADS_FOR_REQUESTS = CONNECTIONS - 1

    def __init__(self, database: Database) -> None:
        """`close` it."""
        self._database = database
        self._lock = threading.Lock()
        self._usages: dict[UUID, KeyUsage] = {}
        self._holders: weakref.WeakSet[Admission] = weakref.WeakSet()
        """Admissions with a slot. One that is never finished is garbage-collected, and its lease expires."""
        self._idle = IdleSlots()
        self._extended_at = time.monotonic()
        self._upkeep = Supervised("key limits", self.store, every_seconds=KEEP_SECONDS)
        self._upkeep.start()

    def close(self) -> None:
        if self._upkeep.close():
            try:
                self.store(every=True)
            except GemelError as error:
                log.warning("the last use of keys is not stored: %s", error.message)

    def begin(self, key_id: UUID, limits: KeyLimits) -> Admission:
        """Sends no query. An admission that is not complete needs `complete`. Raises RateLimited."""
        usage = self._usage(key_id, limits)
        admission = Admission(usage=usage, has_token=usage.admit_at_once())
        if limits.max_concurrent is not None:
            self._hold(admission, self._idle.take(key_id))
        return admission

    def complete(self, admission: Admission) -> None:
        """Queries PostgreSQL. A request that is rejected for its concurrency has taken its token.

        Raises RateLimited, DatabaseUnavailable, Busy.
        """
        try:
            with self._database.reading() as session:
                if not admission.has_token:
                    admission.usage.admit(session)
                    admission.has_token = True
                most = admission.usage.limits.max_concurrent
                if most is not None and admission.slot is None:
                    self._take_slot(session, admission, most)
        except BaseException:
            if not self.finish_at_once(admission):
                self.finish(admission)
            raise

    def take_idle(self, admission: Admission) -> None:
        """Gives an admission that lacks a slot one that this process has kept since. Sends no query."""
        if admission.usage.limits.max_concurrent is not None and admission.slot is None:
            self._hold(admission, self._idle.take(admission.usage.key_id))

    def finish_at_once(self, admission: Admission) -> bool:
        """Keeps the slot for the key's next request. False: it must be released, by `finish`."""
        most, slot = admission.usage.limits.max_concurrent, admission.slot
        if slot is not None and most is not None and self._idle.keep(admission.usage.key_id, slot, most):
            self._drop(admission)
        return admission.slot is None

    def finish(self, admission: Admission) -> None:
        """Releases the slot. Raises nothing that PostgreSQL causes: the lease of the slot expires."""
        slot = admission.slot
        self._drop(admission)
        if slot is not None:
            self._release([(admission.usage.key_id, slot)])

    def store(self, *, every: bool = False) -> None:
        """Stores charged faces, releases idle slots, and extends the leases of those in use.

        Raises DatabaseUnavailable, Busy.
        """
        self._release(self._idle.take_expired(every=every))
        with self._lock:
            charged = [usage for usage in self._usages.values() if usage.uncharged_faces]
        if charged:
            with self._database.reading() as session:
                for usage in charged:
                    usage.store_charge(session)
        if time.monotonic() - self._extended_at > EXTENSION_SECONDS:
            self.extend_leases()

    def extend_leases(self) -> None:
        """Raises DatabaseUnavailable, Busy."""
        with self._lock:
            slots = {holder.slot for holder in self._holders if holder.slot is not None}
        if slots:
            with self._database.reading() as session:
                request_slots.extend(session, slots)
        self._extended_at = time.monotonic()

    def _release(self, slots: Sequence[tuple[UUID, UUID]]) -> None:
        if not slots:
            return
        try:
            with self._database.reading() as session:
                for key_id, slot in slots:
                    request_slots.release(session, key_id, slot)
        except GemelError as error:
            _failures.line(logging.WARNING, error.code, "cannot release a slot: %s", error.message)

    def _hold(self, admission: Admission, slot: UUID | None) -> None:
        admission.slot = slot
        if slot is not None:
            with self._lock:
                self._holders.add(admission)

    def _drop(self, admission: Admission) -> None:
        admission.slot = None
        with self._lock:
            self._holders.discard(admission)

    def _usage(self, key_id: UUID, limits: KeyLimits) -> KeyUsage:
        with self._lock:
            usage = self._usages.get(key_id)
            if usage is None or usage.limits != limits:
                usage = self._usages[key_id] = KeyUsage(key_id, limits)
        return usage

    def _take_slot(self, session: Session, admission: Admission, most: int) -> None:
        slot = request_slots.take(session, admission.usage.key_id, most)
        if slot is None:
            full = Quota(policy=Policy.CONCURRENCY, available=0, window_seconds=_BUSY_SECONDS)
            raise rate_limited(full, most)
        self._hold(admission, slot)
