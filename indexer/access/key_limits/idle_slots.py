"""Slots that a process keeps for a moment: the key's next request then needs no statement."""

import threading
import time
from collections.abc import Callable
from uuid import UUID

KEEP_SECONDS = 0.25


class IdleSlots:
    """Keeps at most a quarter of a key's slots in each process. So another process can lack a slot that is
    unused, but only above three quarters of the limit. A key with fewer than four slots keeps none.
    Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[UUID, list[tuple[UUID, float]]] = {}
        """By key: leases, and when each became idle. The newest is last."""

    def keep(self, key_id: UUID, lease: UUID, most: int) -> bool:
        """False: the slot must be released."""
        with self._lock:
            kept = self._kept.setdefault(key_id, [])
            if len(kept) >= most // 4:
                return False
            kept.append((lease, self._clock()))
            return True

    def take(self, key_id: UUID) -> UUID | None:
        """The newest, unless it has been idle for too long."""
        with self._lock:
            kept = self._kept.get(key_id)
            if not kept or self._clock() - kept[-1][1] > KEEP_SECONDS:
                return None
            return kept.pop()[0]

    def take_expired(self, *, every: bool = False) -> list[tuple[UUID, UUID]]:
        """Key and lease of those to release now; with `every`, of all."""
        oldest = float("inf") if every else self._clock() - KEEP_SECONDS
        expired = []
        with self._lock:
            for key_id, kept in list(self._kept.items()):
                expired += [(key_id, lease) for lease, since in kept if since < oldest]
                self._kept[key_id] = [one for one in kept if one[1] >= oldest]
                if not self._kept[key_id]:
                    del self._kept[key_id]
        return expired
