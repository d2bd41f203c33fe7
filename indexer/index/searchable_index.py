"""What a search needs of an index, wherever it is."""

from typing import Protocol

from indexer.index.selections.selection import Selection
from indexer.types import LogPosition, NearPerson, Neighbour, Vectors


class SearchableIndex(Protocol):
    """What a search needs of an index: of `LiveIndex`, or of several in other processes. Thread-safe."""

    @property
    def position(self) -> LogPosition:
        """Of the last change in it."""
        ...

    @property
    def applied(self) -> int:
        """Number of this change."""
        ...

    @property
    def removed_at(self) -> int:
        """Number of a change up to which it has removed faces, maybe; none was removed since."""
        ...

    @property
    def count(self) -> int:
        """Faces and person templates."""
        ...

    @property
    def faces(self) -> int: ...

    @property
    def digest(self) -> str: ...

    def search(self, probes: Vectors, k: int) -> list[list[Neighbour]]:
        """For each of the probes (n, dimension) the nearest min(k, count) faces, best first."""
        ...

    def search_identities(
        self, probes: Vectors, k: int, selection: Selection | None = None
    ) -> list[list[NearPerson]]:
        """For each of the probes (n, dimension) the k people with the highest scores, best first.

        `selection`: among these people only. Fewer where there are fewer people.
        """
        ...

    def count_faces(self, selection: Selection) -> int:
        """How many faces the people of the selection have."""
        ...
