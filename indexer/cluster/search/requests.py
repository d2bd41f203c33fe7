"""What a shard is to search for."""

import hashlib
from dataclasses import dataclass

import numpy as np

from indexer.index.selections.selection import Selection
from indexer.types import GalleryState, Owners, Part, Vectors

INLINE_BYTES = 65_536
"""Of the people of a selection: a longer list is sent once to each copy, which then knows it by checksum."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PartSelection:
    """Those people of a selection who belong to one shard."""

    checksum: bytes
    excluded: bool
    people: Owners | None
    """Numbers of identities, ascending; None: the shard knows them."""

    @classmethod
    def of(cls, selection: Selection, part: Part) -> "PartSelection":
        people = selection.people
        people = people[part.holds(people)]
        checksum = hashlib.sha256(bytes([selection.excluded]) + people.tobytes()).digest()
        return cls(checksum=checksum, excluded=selection.excluded, people=people)

    @property
    def is_long(self) -> bool:
        return self.people is not None and self.people.nbytes > INLINE_BYTES

    def without_people(self) -> "PartSelection":
        return PartSelection(checksum=self.checksum, excluded=self.excluded, people=None)

    def selection(self) -> Selection:
        return Selection(
            np.empty(0, np.int64) if self.people is None else self.people, excluded=self.excluded
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShardRequest:
    gallery: GalleryState
    """The answer has every change up to this position."""
    seconds: float
    """How long the shard may take to catch up."""
    probes: Vectors | None = None
    """(n, dimension); None: the state alone."""
    k: int = 0
    people: bool = True
    """Whether to find the best people, or the nearest faces."""
    selection: PartSelection | None = None
