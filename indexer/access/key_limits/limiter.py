"""Admits the requests of keys that have limits, in step with all other serving processes."""

import logging
import threading
import weakref
from dataclasses import dataclass
from uuid import UUID

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
"""When a slot is released, nobody knows."""


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

    @property
    def finished(self) -> bool:
        """Whether `KeyLimiter.finish` has nothing to store."""
        return self.slot is None and self.usage.uncharged_faces == 0


class KeyLimiter:
    CONNECTIONS = 3
    """That it takes at once: one to extend leases, the others for requests."""
    THREADS_FOR_REQUESTS = CONNECTIONS - 1

    def __init__(self, database: Database) -> None:
        """`close` it."""
        self._database = database
        self._lock = threading.Lock()
        self._usages: dict[UUID, KeyUsage] = {}
        self._holders: weakref.WeakSet[Admission] = weakref.WeakSet()
        """Those with a slot. One that nobody finishes is forgotten, and its lease expires."""
        self._extension = Supervised("key limits", self.extend_leases, every_seconds=EXTENSION_SECONDS)
        self._extension.start()

    def close(self) -> None:
        self._extension.close()

    def begin(self, key_id: UUID, limits: KeyLimits) -> Admission:
        """Asks no PostgreSQL. An admission that is not complete needs `complete`. Raises RateLimited."""
        usage = self._usage(key_id, limits)
        return Admission(usage=usage, has_token=usage.admit_at_once())

    def complete(self, admission: Admission) -> None:
        """Asks PostgreSQL. A request that is rejected for its concurrency has taken its token.

        Raises RateLimited, DatabaseUnavailable, Busy.
        """
        with self._database.reading() as session:
            if not admission.has_token:
                admission.usage.admit(session)
                admission.has_token = True
            if admission.usage.limits.max_concurrent is not None:
                self._take_slot(session, admission, admission.usage.limits.max_concurrent)

    def finish(self, admission: Admission) -> None:
        """Releases the slot, and stores the faces. Raises nothing that PostgreSQL causes: the
        lease of a slot expires, and the faces are stored later."""
        slot, admission.slot = admission.slot, None
        with self._lock:
            self._holders.discard(admission)
        try:
            with self._database.reading() as session:
                if slot is not None:
                    request_slots.release(session, admission.usage.key_id, slot)
                admission.usage.store_charge(session)
        except GemelError as error:
            _failures.line(logging.WARNING, error.code, "cannot store the use of a key: %s", error.message)

    def extend_leases(self) -> None:
        """Raises DatabaseUnavailable, Busy."""
        with self._lock:
            slots = {holder.slot for holder in self._holders if holder.slot is not None}
        if slots:
            with self._database.reading() as session:
                request_slots.extend(session, slots)

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
        admission.slot = slot
        with self._lock:
            self._holders.add(admission)
