"""A file of weights, known by its digest."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from indexer.errors import WeightsMissing
from indexer.files import open_regular


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightFile:
    """In a package, or fetched from an address, or a file of the user's own."""

    name: str
    """As it was published; the path, for a file of the user's own."""
    sha256: str
    """Of the published file."""
    distribution: str | None = None
    """The package on PyPI that contains it."""
    addresses: tuple[str, ...] = ()
    """Where its publisher offers it, in the order in which they are tried."""
    size_bytes: int | None = None
    """None for a file of the user's own."""
    publishers_digest: str | None = None
    """The digest that the publisher states, if it is another than the SHA-256: `sha384:...`."""

    @property
    def is_fetched(self) -> bool:
        """Whether it comes from an address, and lies in the weight store."""
        return bool(self.addresses)


def sha256(path: Path) -> str:
    """Of a file, in hexadecimal. Raises WeightsMissing."""
    try:
        with open_regular(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsMissing(f"cannot read {path}: {error.strerror}", path=str(path)) from error
