"""Copies files from elsewhere into the weight store, for machines that cannot fetch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from indexer.errors import InvalidRequest
from indexer.weights import published
from indexer.weights.file import WeightFile, sha256
from indexer.weights.store import WeightStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    path: Path
    """The file that was given, or that lies in a folder that was given."""
    file: WeightFile | None
    """None if it is unknown."""
    outcome: Literal["added", "present", "in a package", "unknown"]


def add(paths: Sequence[Path], store: WeightStore) -> list[Addition]:
    """Adds each file, whatever its name: its digest says which one it is. Adding it again changes nothing.
    Of a folder, the known files in it and in its folders are added.

    Raises InvalidRequest if a file is unknown, or a folder has no known file, WeightsMissing if one cannot be
    read; then none is added. Raises WeightsDamaged if one changes meanwhile, OSError.
    """
    recognised = [(path, list(_recognised(path))) for path in paths]
    unknown = [str(path) for path, found in recognised if all(file is None for _, file in found)]
    if unknown:
        raise InvalidRequest(
            f"{', '.join(unknown)}: not a known file of weights, or a damaged copy; expected is one of"
            f" {'; '.join(_described(file) for file in published.every_file() if file.is_fetched)}",
            files=unknown,
        )
    return [_added(path, file, store) for _, found in recognised for path, file in found]


def _recognised(path: Path) -> Iterator[tuple[Path, WeightFile | None]]:
    if not path.is_dir():
        yield path, published.by_digest(sha256(path))
        return
    sizes = {file.size_bytes for file in published.every_file()}
    for each in sorted(path.rglob("*")):
        if each.is_file():
            # A folder may hold large files: only those that can be known ones are read.
            known = each.stat().st_size in sizes
            yield each, published.by_digest(sha256(each)) if known else None


def _added(path: Path, file: WeightFile | None, store: WeightStore) -> Addition:
    if file is None:
        return Addition(path=path, file=None, outcome="unknown")
    if not file.is_fetched:
        return Addition(path=path, file=file, outcome="in a package")
    with store.locked(file):
        kept = store.path(file)
        if kept.is_file() and sha256(kept) == file.sha256:
            return Addition(path=path, file=file, outcome="present")
        store.keep_copy(file, path)
    return Addition(path=path, file=file, outcome="added")


def _described(file: WeightFile) -> str:
    return f"{file.name} ({file.size_bytes:,} bytes, SHA-256 {file.sha256})"
