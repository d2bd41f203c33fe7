"""Where fetched files lie: in `GEMEL_HOME/models`, or in a folder that is the mirror."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from glob import escape
from pathlib import Path

from indexer.errors import Misconfigured, WeightsDamaged
from indexer.files import locked, open_regular, private_folder
from indexer.settings import Settings
from indexer.weights.file import WeightFile, sha256

_DIGEST_CHARACTERS = 16
"""Of a file's digest, in its name: versions of one file lie beside each other."""
_MIRROR_FOLDERS = ("", "*/", "*/*/", "*/*/*/")
"""Not deeper: a mirror that was set to a whole disk by mistake must not be searched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightStore:
    """Any number of processes may use it at once. A file in it is complete: it was renamed into its place
    after its digest was verified and it was on the disk."""

    folder: Path
    mirror: Path | None = None
    """A folder in which files lie under their published names, also in folders below it, or a copy of another
    store's folder. They are read where they lie."""

    @classmethod
    def of(cls, settings: Settings) -> "WeightStore":
        """Raises Misconfigured."""
        try:
            return cls(folder=settings.home.expanduser() / "models", mirror=settings.mirror_folder)
        except RuntimeError:
            raise Misconfigured(
                "this account has no home folder: set GEMEL_HOME and GEMEL_MODEL_MIRROR to paths without `~`"
            ) from None

    def path(self, file: WeightFile) -> Path:
        """Where the store keeps it."""
        return self.folder / _stored_name(file)

    def find(self, file: WeightFile) -> Path | None:
        """Where it lies: in the store, else in the mirror. None if it must be fetched. Reads no content."""
        kept = self.path(file)
        return kept if _is_file(kept) else self.find_in_mirror(file)

    def find_in_mirror(self, file: WeightFile) -> Path | None:
        if self.mirror is None:
            return None
        patterns = [f"{folders}{escape(file.name)}" for folders in _MIRROR_FOLDERS] + [_stored_name(file)]
        found = [path for pattern in patterns for path in sorted(self.mirror.glob(pattern)) if _is_file(path)]
        # Publishers give the same name to versions of a file in several precisions.
        right = (path for path in found if path.stat().st_size == file.size_bytes)
        return next(right, found[0] if found else None)

    def part(self, file: WeightFile) -> Path:
        """Where a fetch writes it. What an interrupted fetch has left there is resumed."""
        path = self.path(file)
        return path.with_name(f"{path.name}.part")

    @contextmanager
    def locked(self, file: WeightFile) -> Iterator[None]:
        """Held by the one process or thread that writes the file. Raises OSError."""
        private_folder(self.folder.parent)
        self.folder.mkdir(
            exist_ok=True
        )  # weights are public: what root fetches, the server's account may read
        with locked(self.folder / "locks" / self.path(file).name):
            yield

    def keep_copy(self, file: WeightFile, original: Path) -> None:
        """Copies `original` to the file's place. The caller holds the lock.

        Raises WeightsDamaged if it has another digest, OSError; then nothing of it stays.
        """
        path = self.path(file)
        aside = path.with_name(f"{path.name}.copy")
        try:
            with open_regular(original) as source, aside.open("wb") as copy:
                shutil.copyfileobj(source, copy)
            self.keep(file, aside)
        finally:
            aside.unlink(missing_ok=True)
        self.part(file).unlink(missing_ok=True)  # what an interrupted download has left

    def keep(self, file: WeightFile, complete: Path) -> Path:
        """Moves `complete`, in the store's folder, to the file's place. The caller holds the lock.

        Raises WeightsDamaged if it has another digest; it then stays where it is. Raises OSError.
        """
        digest = sha256(complete)
        if digest != file.sha256:
            raise WeightsDamaged(
                f"{complete} has the SHA-256 {digest}, and {file.name} has {file.sha256}", path=str(complete)
            )
        with complete.open("rb") as written:
            os.fsync(written.fileno())
        path = self.path(file)
        complete.replace(path)
        folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return path


def _is_file(path: Path) -> bool:
    """Not if this account may not enter a folder."""
    try:
        return path.is_file()
    except PermissionError:
        return False


def _stored_name(file: WeightFile) -> str:
    return f"{file.sha256[:_DIGEST_CHARACTERS]}-{file.name}"
