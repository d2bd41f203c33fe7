"""What a process knows of one key's use of its limits. Thread-safe."""

import threading
from collections.abc import Callable
from uuid import UUID

from indexer.access.key_limits.face_account import FaceAccount
from indexer.access.key_limits.limits import KeyLimits, Policy, Quota, capacity
from indexer.access.key_limits.token_lease import TokenLease
from indexer.errors import RateLimited
from indexer.records.database.session import Session
from indexer.records.key_limits import token_buckets
from indexer.records.key_limits.token_buckets import Bucket


class KeyUsage:
    """Methods without a session send no query and never wait for PostgreSQL."""

    def __init__(self, key_id: UUID, limits: KeyLimits) -> None:
        self.key_id = key_id
        self.limits = limits
        self._requests = (
            None if limits.requests_per_second is None else TokenLease(limits.requests_per_second)
        )
        self._faces = None if limits.faces_per_second is None else FaceAccount(limits.faces_per_second)
        self._lock = threading.Lock()
        self._querying = threading.Lock()
        """Held during a statement, so that waiting threads use its result."""

    def admit_at_once(self) -> bool:
        """Counts a request. False: PostgreSQL must be queried, by `admit`. Raises RateLimited."""
        with self._lock:
            if self._requests is not None:
                self._requests.count_request()
            return self._admit()

    def admit(self, session: Session) -> None:
        """Admits a request for which `admit_at_once` returned False.

        Raises RateLimited, DatabaseUnavailable, Busy.
        """
        with self._querying:
            with self._lock:
                if self._admit():
                    return
            self._query_for_faces(session)
            self._query_for_token(session)

    def charge(self, faces: int) -> None:
        """Counts faces in this process; `store_charge` stores them in PostgreSQL."""
        if self._faces is not None:
            with self._lock:
                self._faces.charge(faces)

    @property
    def uncharged_faces(self) -> int:
        """The number of faces that are not yet stored in PostgreSQL."""
        return 0 if self._faces is None else self._faces.uncharged

    def store_charge(self, session: Session) -> None:
        """Stores the faces. Raises DatabaseUnavailable, Busy; a later call then stores them."""
        if self._faces is not None and self._faces.uncharged:
            with self._querying:
                self._charge(session, self._faces)

    def quotas(self) -> list[Quota]:
        """The quotas of requests and of faces, where the key has these limits."""
        with self._lock:
            return [account.quota() for account in (self._requests, self._faces) if account is not None]

    def _admit(self) -> bool:
        """Faces come first: where there are none, the request takes no token."""
        faces = None if self._faces is None else self._faces.has_face()
        if self._faces is not None and faces is False:
            raise rate_limited(self._faces.quota(), self._faces.rate)
        if self._faces is not None and faces is None:
            return False
        taken = True if self._requests is None else self._requests.take()
        if self._requests is not None and taken is False:
            raise rate_limited(self._requests.quota(), self._requests.rate)
        return taken is True

    def _query_for_faces(self, session: Session) -> None:
        account = self._faces
        if account is None:
            return
        with self._lock:
            known = account.has_face()
        if known is None:
            self._charge(session, account)
            with self._lock:
                known = account.has_face()
        if known is False:
            raise rate_limited(account.quota(), account.rate)

    def _query_for_token(self, session: Session) -> None:
        lease = self._requests
        if lease is None:
            return
        with self._lock:
            most = lease.portion()
        portion = token_buckets.take(session, self._bucket(Policy.REQUESTS, lease.rate), most)
        with self._lock:
            if not lease.refill(portion.tokens, portion.level):
                raise rate_limited(lease.quota(), lease.rate)

    def _charge(self, session: Session, account: FaceAccount) -> None:
        with self._lock:
            faces = account.start_charging()
        try:
            portion = token_buckets.charge(session, self._bucket(Policy.FACES, account.rate), faces)
        except BaseException:
            with self._lock:
                account.failed()
            raise
        with self._lock:
            account.charged(portion.level)

    def _bucket(self, policy: Policy, rate: float) -> Bucket:
        return Bucket(key_id=self.key_id, kind=policy.value, rate=rate, capacity=capacity(rate))


_UNITS: dict[Policy, Callable[[float], str]] = {
    Policy.REQUESTS: lambda limit: f"{limit:g} requests a second",
    Policy.FACES: lambda limit: f"{limit:g} faces a second",
    Policy.CONCURRENCY: lambda limit: f"{limit:g} requests at once",
}


def rate_limited(quota: Quota, limit: float) -> RateLimited:
    return RateLimited(
        f"this key is limited to {_UNITS[quota.policy](limit)}; try again in {quota.window_seconds} s",
        policy=quota.policy.value,
        limit=limit,
        retry_after_s=quota.window_seconds,
    )
