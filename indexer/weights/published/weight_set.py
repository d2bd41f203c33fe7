"""The files of one published network."""

from dataclasses import dataclass

from indexer.weights.file import WeightFile


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightSet:
    """The files of one network, which are of use only together."""

    name: str
    purpose: str
    """What the network computes."""
    files: tuple[WeightFile, ...]
    licence: str
    """SPDX identifier."""
    publisher: str
    page: str
    """Address of the publisher's description."""
    notes: str = ""
    """What a user must know besides the licence, such as the data that it was trained on."""
    figures: tuple[tuple[str, str], ...] = ()
    """As the publisher states them: what was measured, and the result."""

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes or 0 for file in self.files)
