"""Which galleries a key may see: exact names, and prefixes that end in `*`."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from indexer.errors import InvalidRequest

PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}\*?"
MAX_PATTERNS = 100


@dataclass(frozen=True, slots=True)
class GalleryScope:
    """Decides by names alone: it is the same for a gallery that exists and one that does not."""

    patterns: tuple[str, ...] | None = None
    """None: every gallery."""

    @classmethod
    def of(cls, patterns: Collection[str] | None) -> "GalleryScope":
        """Raises InvalidRequest. An empty list is an error, since it might be meant as none or as all."""
        if patterns is None:
            return ALL
        if not 1 <= len(patterns) <= MAX_PATTERNS:
            raise InvalidRequest(
                f"galleries has 1 to {MAX_PATTERNS} names; leave it out for every gallery", field="galleries"
            )
        for pattern in patterns:
            if not re.fullmatch(PATTERN, pattern):
                raise InvalidRequest(
                    "galleries has names of galleries, and prefixes that end in '*' such as 'staff-*'",
                    field="galleries",
                )
        return cls(tuple(sorted(set(patterns))))

    def allows(self, name: str) -> bool:
        return self.patterns is None or any(_matches(pattern, name) for pattern in self.patterns)

    def covers(self, other: "GalleryScope") -> bool:
        """Whether each gallery that `other` allows is allowed here too, by one of the patterns."""
        if self.patterns is None:
            return True
        return other.patterns is not None and all(
            any(_covers(own, theirs) for own in self.patterns) for theirs in other.patterns
        )


ALL = GalleryScope()


def _matches(pattern: str, name: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


def _covers(pattern: str, other: str) -> bool:
    if pattern.endswith("*"):
        return other.removesuffix("*").startswith(pattern[:-1])
    return pattern == other
