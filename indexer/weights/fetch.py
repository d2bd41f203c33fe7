"""Fetches published files into the weight store: from a mirror if there is one, else from the publisher."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from indexer.errors import DownloadFailed, WeightsDamaged, WeightsMissing
from indexer.weights.download import Downloader
from indexer.weights.file import WeightFile, sha256
from indexer.weights.locate import find
from indexer.weights.store import WeightStore

Progress = Callable[[WeightFile, int], object]
"""Called with a file and how many of its bytes are there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    file: WeightFile
    outcome: Literal["fetched", "present", "in a package"]
    source: str | None = None
    """The address or the path that it was fetched from."""


def fetch(
    files: Sequence[WeightFile],
    store: WeightStore,
    *,
    mirror_address: str | None = None,
    downloader: Downloader | None = None,
    progress: Progress | None = None,
) -> list[Fetched]:
    """Fetches what is missing. Several processes may fetch the same file: one does, the others wait for it.

    `mirror_address`: without its last slash; with it, or with the store's mirror, no publisher is contacted.

    Raises DownloadFailed, WeightsMissing if a package or a mirror lacks a file, WeightsDamaged if a mirror's
    is another, OSError. Files that were fetched before the error stay.
    """
    downloader = downloader or Downloader()
    return [_fetched(file, store, mirror_address, downloader, progress or _ignore) for file in files]


def _ignore(file: WeightFile, bytes_there: int) -> None:
    pass


def _fetched(
    file: WeightFile,
    store: WeightStore,
    mirror_address: str | None,
    downloader: Downloader,
    progress: Progress,
) -> Fetched:
    if not file.is_fetched:
        find(file)
        return Fetched(file=file, outcome="present" if file.distribution is None else "in a package")
    with store.locked(file):
        kept = store.path(file)
        if kept.is_file() and sha256(kept) == file.sha256:
            return Fetched(file=file, outcome="present")
        if store.mirror is not None:
            source = _copy(file, store, store.mirror)
        else:
            addresses = file.addresses if mirror_address is None else (f"{mirror_address}/{file.name}",)
            source = _download(file, store, addresses, downloader, progress)
    progress(file, file.size_bytes or 0)
    return Fetched(file=file, outcome="fetched", source=source)


def _copy(file: WeightFile, store: WeightStore, mirror: Path) -> str:
    original = store.find_in_mirror(file)
    if original is None:
        raise WeightsMissing(
            f"the mirror {mirror} has no file {file.name}; without GEMEL_MODEL_MIRROR it is fetched from its"
            " publisher",
            path=str(mirror / file.name),
        )
    try:
        store.keep_copy(file, original)
    except WeightsDamaged as error:
        raise WeightsDamaged(
            f"{original} is not the published file, whose SHA-256 is {file.sha256}", path=str(original)
        ) from error
    return str(original)


def _download(
    file: WeightFile,
    store: WeightStore,
    addresses: Sequence[str],
    downloader: Downloader,
    progress: Progress,
) -> str:
    """From the first address that has it."""
    problems: list[str] = []
    for address in addresses:
        try:
            _download_verified(file, store, address, downloader, progress)
        except DownloadFailed as error:
            problems.append(error.message)
        else:
            return address
    raise DownloadFailed("; ".join(problems), file=file.name)


def _download_verified(
    file: WeightFile, store: WeightStore, address: str, downloader: Downloader, progress: Progress
) -> None:
    """Once more from the beginning if a resumed file has the wrong digest: its first part may be damaged."""
    part = store.part(file)
    for resumed in (part.exists(), False):
        downloader.download(address, part, file.size_bytes or 0, lambda there: progress(file, there))
        try:
            store.keep(file, part)
            return
        except WeightsDamaged as error:
            part.unlink()
            if not resumed:
                raise DownloadFailed(
                    f"{address} is not the published file, whose SHA-256 is {file.sha256}", address=address
                ) from error
