"""The model that a request names. Its files lie below one folder, or they are not touched at all.

Whoever may call the API may not therefore look around on the server's disk: what lies elsewhere, what is
absent, what may not be read and what is no regular file get one and the same answer. The operator's own
settings and commands go through `catalog` and may name any path.
"""

import os
from pathlib import Path

from indexer.embedding import catalog
from indexer.embedding.card import ModelCard
from indexer.embedding.card_file import ONNX, TRAINED
from indexer.errors import CardUnusable, InvalidRequest, ModelUnknown, WeightsMissing
from indexer.files import open_regular


def model(name: str, *, mirror: bool, folder: Path | None, field: str) -> ModelCard:
    """`sface`, `dlib-resnet`, or `onnx:` or `safetensors:` and a path below `folder`, relative or absolute.

    `folder`: None where requests may name no files. `field`: of the request, for the error.
    Raises InvalidRequest.
    """
    for beginning, read in catalog.FROM_A_FILE.items():
        if not name.startswith(beginning):
            continue
        inside = None if folder is None else _Inside(folder.expanduser())
        try:
            if inside is None:
                raise WeightsMissing("no folder")
            return read(inside.path(name.removeprefix(beginning)), mirror=mirror, checked=inside.checked)
        except CardUnusable as error:
            raise InvalidRequest(f"{field}: {error.message}", field=field) from error
        except (WeightsMissing, OSError, ValueError):
            # ValueError: a path with a NUL or half a surrogate pair.
            raise _not_there(field) from None
    try:
        return catalog.named(name, mirror=mirror)
    except ModelUnknown:
        raise _not_there(field) from None


class _Inside:
    """A folder that no path leads out of, by `..` or by a symbolic link."""

    def __init__(self, folder: Path) -> None:
        self._folder = Path(os.path.abspath(folder))

    def path(self, relative: str) -> Path:
        """Raises WeightsMissing where the words alone lead out: then the disk is not asked."""
        path = Path(os.path.abspath(self._folder / relative))
        if not path.is_relative_to(self._folder):
            raise WeightsMissing("outside of the folder")
        return path

    def checked(self, path: Path) -> Path:
        """The file itself, with links followed. Raises WeightsMissing, ValueError."""
        try:
            resolved = self.path(str(path)).resolve(strict=True)
            if not resolved.is_relative_to(self._folder.resolve()):
                raise WeightsMissing("a link out of the folder")
            open_regular(resolved).close()
        except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, before Python 3.13
            raise WeightsMissing("not a file that can be read") from error
        return resolved


def _not_there(field: str) -> InvalidRequest:
    return InvalidRequest(
        f"{field}: there is no such model; there are"
        f" {', '.join(card.name for card in catalog.published(mirror=True))},"
        f" and {ONNX}FILE and {TRAINED}FILE with a card beside the file, below the folder GEMEL_MODELS_DIR",
        field=field,
    )
