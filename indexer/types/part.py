"""The part of a gallery that one shard holds."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.types.arrays import Owners

MAX_BLOCK = 4_096
"""People of a block: their embeddings fill hundreds of pages, so that a block's first and last page, which
other blocks share, do not matter."""
BLOCKS_OF_A_SHARD = 16
"""At least, where the gallery has so many people: so shards differ little in size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Blocks of people, dealt out to the shards in turn: a person with the number n, and every row of this
    person, belongs to the shard (n // block) % shards (docs/decisions/0053)."""

    shard: int
    """From 0."""
    shards: int
    block: int
    """People whose numbers follow each other and that are in the same shard."""

    def __post_init__(self) -> None:
        """Raises ValueError."""
        if not 0 <= self.shard < self.shards or self.block < 1:
            raise ValueError(f"there is no shard {self.shard} of {self.shards} by blocks of {self.block}")

    @classmethod
    def every(cls, shards: int, block: int) -> "list[Part]":
        """All parts of a gallery. Raises ValueError."""
        return [cls(shard=shard, shards=shards, block=block) for shard in range(shards)]

    @property
    def name(self) -> str:
        """As part of a file's name."""
        return f"{self.shard}-of-{self.shards}-by-{self.block}"

    @classmethod
    def from_name(cls, name: str) -> "Part":
        """Raises ValueError."""
        found = re.fullmatch(r"(\d+)-of-(\d+)-by-(\d+)", name)
        if found is None:
            raise ValueError(f"{name!r} is not the name of a part")
        shard, shards, block = map(int, found.groups())
        return cls(shard=shard, shards=shards, block=block)

    def holds(self, owners: Owners) -> NDArray[np.bool_]:
        """Shape (n,): whether the rows with these owners, faces and templates, are in this part."""
        held: NDArray[np.bool_] = (np.abs(owners) // self.block) % self.shards == self.shard
        return held

    def share(self, count: int) -> int:
        """About how many of so many rows of the gallery are in this part, rounded up."""
        return -(-count // self.shards)


def block_of_people(people: int, shards: int) -> int:
    """The size of the blocks of a new set of shards, for a gallery with so many people."""
    return max(1, min(MAX_BLOCK, people // (shards * BLOCKS_OF_A_SHARD)))
