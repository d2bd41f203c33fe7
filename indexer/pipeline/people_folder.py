"""A folder of photographs, one folder per person, or in any order: what is in it, and the skipped files."""

import os
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath, PurePosixPath

from indexer.errors import InvalidRequest

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".gif", ".bmp", ".dib"}
    | {".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm"}
    | {".heic", ".heics", ".heif", ".heifs", ".hif", ".avif", ".avifs"}
)
"""Of the formats that `vision` reads. A file without a suffix is judged by its content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    folder: str
    """Name in Unicode's composed form (NFC). It becomes the external_id, and with spaces for underscores the
    name."""
    images: list[Path]


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedFile:
    """A file that is not a picture of a person, by its place or its kind."""

    path: Path
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleFolder:
    path: Path
    people: list[Person] = field(default_factory=list)
    skipped: list[SkippedFile] = field(default_factory=list)
    """Every file below `path` is either here or an image of one of `people`."""


def people_in(directory: Path) -> list[Person]:
    """The folders with pictures, by name. Raises InvalidRequest where there is none, OSError."""
    return read(directory).people


def read(directory: Path) -> PeopleFolder:
    """The people of a folder, by name, and the skipped files. Raises InvalidRequest, OSError.

    Two folders whose names differ only in how Unicode composes their letters are one person.
    """
    images: dict[str, list[Path]] = {}
    skipped: list[SkippedFile] = []
    for entry in sorted(directory.iterdir()):
        if not entry.is_dir():
            skipped.append(_skipped(entry, _unusable(entry) or _LOOSE))
        elif _is_hidden(entry):
            skipped += [_skipped(path, _HIDDEN) for path in _files_below(entry)]
        else:
            name = unicodedata.normalize("NFC", entry.name)
            for path, why in _files_of(entry):
                if why is None:
                    images.setdefault(name, []).append(path)
                else:
                    skipped.append(_skipped(path, why))
    if not images:
        raise InvalidRequest(
            f"{directory} has no folder with pictures in it: one folder per person is needed"
            + (f"; files skipped: {len(skipped)}" if skipped else "")
        )
    people = [Person(folder=name, images=sorted(paths)) for name, paths in sorted(images.items())]
    return PeopleFolder(path=directory, people=people, skipped=sorted(skipped, key=lambda file: file.path))


def photographs(directory: Path) -> tuple[list[Path], list[SkippedFile]]:
    """All pictures of a folder and of the folders within, by path, and the skipped files. Links to folders
    are not followed. Raises OSError."""
    images: list[Path] = []
    skipped: list[SkippedFile] = []
    for path in _files_below(directory):
        within = path.relative_to(directory)
        if any(_is_hidden(PurePath(part)) for part in within.parts):
            skipped.append(_skipped(path, _HIDDEN))
        elif path.is_dir():
            skipped.append(_skipped(path, _LINKED))
        elif why := _unusable(path):
            skipped.append(_skipped(path, why))
        else:
            images.append(path)
    return sorted(images), sorted(skipped, key=lambda file: file.path)


def place(name: str, *, by_file: bool = False) -> str | tuple[str, str]:
    """Whose picture a file is by its path within the folder: the person's name, or why it is skipped (a code
    and a sentence). `by_file`: the file is named after the person, in whatever folder it is.

    The same rules as in `read`, for files that are not on this machine's disk.
    """
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or any(part in ("..", ".") for part in name.split("/")):
        return _OUTSIDE
    if any(_is_hidden(PurePosixPath(part)) for part in parts):
        return _HIDDEN
    suffix = PurePosixPath(name).suffix
    if suffix and suffix.lower() not in SUFFIXES:
        return _no_picture(suffix)
    if by_file:
        return unicodedata.normalize("NFC", PurePosixPath(name).stem)
    if len(parts) != 2:
        return _LOOSE if len(parts) == 1 else _NESTED
    return unicodedata.normalize("NFC", parts[0])


_HIDDEN_NAMES = frozenset({"thumbs.db", "desktop.ini", "__macosx", "@eadir"})

_Why = tuple[str, str]
"""A code for programs, a sentence for people."""
_HIDDEN: _Why = ("hidden_file", "hidden file")
_LOOSE: _Why = ("loose_file", "not in a person's folder")
_OUTSIDE: _Why = ("unsafe_name", "the name leads out of the folder")
_LINKED: _Why = ("linked_folder", "a link to a folder, which is not followed")
_NESTED: _Why = ("nested_file", "in a subfolder of a person's folder")


def _files_of(folder: Path) -> Iterator[tuple[Path, _Why | None]]:
    """Every file of a person's folder, and why it is skipped; None: it is an image."""
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            why = _HIDDEN if _is_hidden(entry) else _NESTED
            yield from ((path, why) for path in _files_below(entry))
        else:
            yield entry, _NESTED if entry.is_dir() else _unusable(entry)


def _files_below(folder: Path) -> Iterator[Path]:
    """Links to folders are not followed: they may lead back. Raises OSError."""

    def fail(error: OSError) -> None:
        raise error

    for parent, folders, files in os.walk(folder, onerror=fail):
        links = [name for name in folders if (Path(parent) / name).is_symlink()]
        yield from (Path(parent) / name for name in sorted(files + links))


def _unusable(path: Path) -> _Why | None:
    """Why a file cannot be a photograph. It is not opened: opening a pipe would wait for ever."""
    if _is_hidden(path):
        return _HIDDEN
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return "broken_link", "the link has no target"
    except OSError as error:  # a link to itself, or into a folder without access
        return "broken_link", f"the link cannot be followed: {error.strerror}"
    if not stat.S_ISREG(mode):
        return "not_a_file", "a pipe, a socket or a device"
    if path.suffix and path.suffix.lower() not in SUFFIXES:
        return _no_picture(path.suffix)
    return None


def _no_picture(suffix: str) -> _Why:
    return "not_a_picture", f"{suffix} is not a supported image format"


def _is_hidden(path: PurePath) -> bool:
    """By its name; Windows hides `Thumbs.db` and `desktop.ini` by an attribute."""
    return path.name.startswith(".") or path.name.lower() in _HIDDEN_NAMES


def _skipped(path: Path, why: _Why) -> SkippedFile:
    code, message = why
    return SkippedFile(path=path, code=code, message=message)
