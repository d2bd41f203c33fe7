"""The model that a request names. Its files must lie below one folder; other files are never touched.

A client of the API must not explore the server's disk. So a file that lies elsewhere, is missing, is
unreadable or is not a regular file gets the same answer. Settings and commands, which belong to the operator,
use `catalog` and may name any path.
"""

import os
from pathlib import Path

from indexer.embedding import catalog
from indexer.embedding.card import ModelCard
from indexer.embedding.card_file import ONNX, TRAINED
from indexer.embedding.fused import FUSED
from indexer.errors import CardUnusable, InvalidRequest, ModelUnknown, WeightsMissing
from indexer.files import open_regular


def model(name: str, *, mirror: bool, folder: Path | None, field: str) -> ModelCard:
    """`name`: as of `catalog.named`, with a path below `folder`, relative or absolute.

    `folder`: None if requests must not name files. `field`: of the request, for the error.
    Raises InvalidRequest.
    """
    for prefix, read in catalog.READERS.items():
        if not name.startswith(prefix):
            continue
        allowed = None if folder is None else _Folder(folder.expanduser())
        try:
            if allowed is None:
                raise WeightsMissing("no folder")
            return read(allowed.path(name.removeprefix(prefix)), mirror=mirror, checked=allowed.checked)
        except CardUnusable as error:
            raise InvalidRequest(f"{field}: {error.message}", field=field) from error
        except (WeightsMissing, OSError, ValueError):
            # ValueError: a path with NUL or an unpaired surrogate.
            raise _unknown_model(field) from None
    try:
        return catalog.named(name, mirror=mirror)
    except ModelUnknown:
        raise _unknown_model(field) from None


class _Folder:
    """A folder that no path leaves, by `..` or by a symbolic link."""

    def __init__(self, folder: Path) -> None:
        self._folder = Path(os.path.abspath(folder))

    def path(self, relative: str) -> Path:
        """Raises WeightsMissing if `relative` leads out of the folder. Does not access the disk."""
        path = Path(os.path.abspath(self._folder / relative))
        if not path.is_relative_to(self._folder):
            raise WeightsMissing("outside of the folder")
        return path

    def checked(self, path: Path) -> Path:
        """The file after all links. Raises WeightsMissing, ValueError."""
        try:
            resolved = self.path(str(path)).resolve(strict=True)
            if not resolved.is_relative_to(self._folder.resolve()):
                raise WeightsMissing("a link leads out of the folder")
            open_regular(resolved).close()
        except (OSError, RuntimeError) as error:  # RuntimeError: circular links, before Python 3.13
            raise WeightsMissing("not a readable file") from error
        return resolved


def _unknown_model(field: str) -> InvalidRequest:
    return InvalidRequest(
        f"{field}: there is no such model; models are"
        f" {', '.join(card.name for card in catalog.published(mirror=True))},"
        f" and {ONNX}FILE and {TRAINED}FILE with a card beside the file, and {FUSED}FILE, below the folder"
        " GEMEL_MODELS_DIR",
        field=field,
    )
