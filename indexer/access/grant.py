"""What a caller may do."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from indexer.access.galleries import ALL, GalleryScope
from indexer.access.key_limits.limits import KeyLimits
from indexer.access.roles import EVERYTHING, Permission
from indexer.errors import GalleryNotFound, PermissionDenied


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What an API key, the bootstrap key, or anyone (where no key is required) may do."""

    name: str
    key_id: UUID | None = None
    """None for the bootstrap key and for anyone."""
    permissions: frozenset[Permission] = EVERYTHING
    galleries: GalleryScope = ALL
    limits: KeyLimits = field(default_factory=KeyLimits)
    expires_at: datetime | None = None

    def check(self, permission: Permission) -> None:
        """Raises PermissionDenied."""
        if permission not in self.permissions:
            raise PermissionDenied(f"this API key has no permission '{permission}'", permission=permission)

    def check_gallery(self, name: str) -> None:
        """Raises GalleryNotFound as `records.galleries.get` does, without a query: whether the gallery exists
        changes neither the answer nor its time."""
        if not self.galleries.allows(name):
            raise GalleryNotFound(f"there is no gallery {name[:63]!r}", name=name[:63])

    def check_new_gallery(self, name: str) -> None:
        """Raises PermissionDenied, whether there is such a gallery or not."""
        if not self.galleries.allows(name):
            raise PermissionDenied("this API key may not create a gallery of this name")

    def covers(self, other: "Grant") -> bool:
        """Whether `other` allows nothing that this does not, and for no longer."""
        return (
            self.permissions >= other.permissions
            and self.galleries.covers(other.galleries)
            and _within(other.limits, self.limits)
            and _ends_by(other.expires_at, self.expires_at)
        )


def _within(limits: KeyLimits, most: KeyLimits) -> bool:
    return (
        _at_most(limits.requests_per_second, most.requests_per_second)
        and _at_most(limits.faces_per_second, most.faces_per_second)
        and _at_most(limits.max_concurrent, most.max_concurrent)
    )


def _at_most(value: float | None, limit: float | None) -> bool:
    return limit is None or (value is not None and value <= limit)


def _ends_by(time: datetime | None, limit: datetime | None) -> bool:
    return limit is None or (time is not None and time <= limit)
