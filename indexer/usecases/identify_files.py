"""Identifies the people on many photographs, several at once. A photograph that fails ends nothing."""

from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Generic, TypeVar

from indexer.errors import (
    AttributeNotPermitted,
    Conflict,
    GemelError,
    InvalidFilter,
    InvalidRequest,
    Misconfigured,
    NotFound,
    Unavailable,
    Unusable,
)
from indexer.files import reason
from indexer.pipeline import people_folder
from indexer.pipeline.people_folder import SkippedFile

Answer = TypeVar("Answer")

_ENDING = (AttributeNotPermitted, Conflict, InvalidFilter, Misconfigured, NotFound, Unavailable, Unusable)
"""Errors that every further photograph would have too."""
_AHEAD = 2
"""Photographs for each thread that are begun or wait for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Photograph:
    path: Path
    shown: str
    """Its name, or its path within the folder that was given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentifiedFile(Generic[Answer]):
    photograph: Photograph
    answer: Answer | None
    """None if it failed."""
    error: GemelError | OSError | None = None

    @property
    def code(self) -> str:
        """Of the error; stable, for programs."""
        return self.error.code if isinstance(self.error, GemelError) else "unreadable_file"

    @property
    def message(self) -> str:
        if isinstance(self.error, OSError):
            return reason(self.error)
        return "" if self.error is None else self.error.message


def photographs(paths: Iterable[Path]) -> tuple[list[Photograph], list[SkippedFile]]:
    """Each file of `paths`, and the pictures of each folder and of the folders within, each once.

    Also the files of the folders that are no pictures. Raises InvalidRequest where no picture is left;
    OSError.
    """
    found: dict[Path, Photograph] = {}
    skipped: list[SkippedFile] = []
    for path in paths:
        if not path.is_dir():
            found.setdefault(path, Photograph(path=path, shown=path.name))
            continue
        images, others = people_folder.photographs(path)
        skipped += others
        for image in images:
            found.setdefault(image, Photograph(path=image, shown=str(image.relative_to(path))))
    if not found:
        raise InvalidRequest(
            "there are no pictures" + (f"; files skipped: {len(skipped)}" if skipped else "")
        )
    return list(found.values()), skipped


def identify_files(
    files: Sequence[Photograph], identify: Callable[[bytes], Answer], *, parallel: int
) -> Generator[IdentifiedFile[Answer], None, None]:
    """What became of each file, as soon as it is done. `identify` runs in `parallel` threads.

    No more photographs are read than the caller takes answers of. After an error or KeyboardInterrupt, none
    is begun any more. Raises errors that are not of the photograph: GalleryNotFound, DatabaseUnavailable, and
    so on.
    """

    def one(photograph: Photograph) -> IdentifiedFile[Answer]:
        try:
            answer = identify(photograph.path.read_bytes())
        except _ENDING:
            raise
        except (GemelError, OSError) as error:
            return IdentifiedFile(photograph=photograph, answer=None, error=error)
        return IdentifiedFile(photograph=photograph, answer=answer)

    left = iter(files)
    running: set[Future[IdentifiedFile[Answer]]] = set()
    with ThreadPoolExecutor(parallel, thread_name_prefix="identify") as pool:
        try:
            while True:
                for photograph in islice(left, _AHEAD * parallel - len(running)):
                    running.add(pool.submit(copy_context().run, one, photograph))
                if not running:
                    return
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in sorted(done, key=lambda future: future.exception() is not None):
                    yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)
