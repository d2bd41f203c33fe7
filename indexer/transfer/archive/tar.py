"""An export as one tar file (POSIX ustar): written as a stream, read in place and never unpacked."""

import tarfile
from collections.abc import Iterator
from pathlib import Path

from indexer.errors import ArchiveDamaged, ArchiveInvalid
from indexer.files import open_regular
from indexer.transfer.archive.manifest import FILE_PATTERN, NAME

BLOCK = 512
END = bytes(2 * BLOCK)
MAX_ENTRIES = 400_000
_HEADERS_OF_THE_NEXT = b"xgLK"
"""Types of entries that describe another: attributes and long names, which no file of an export has."""


def entry(name: str, data: bytes) -> bytes:
    """The header and the data of a file, padded to whole blocks."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), 0o600
    return info.tobuf(tarfile.USTAR_FORMAT) + data + bytes(-len(data) % BLOCK)


def places(path: Path) -> dict[str, tuple[int, int]]:
    """Offset and size of each file of an export, by its name without folders.

    Folders are skipped, as a tar program stores them too. Raises ArchiveInvalid for anything else: links,
    devices, other names, the same name twice; ArchiveDamaged, OSError.
    """
    found: dict[str, tuple[int, int]] = {}
    with open_regular(path) as file:
        size = file.seek(0, 2)
        for name, kind, offset, length in _headers(file, size):
            if kind in _HEADERS_OF_THE_NEXT or kind == b"5":
                continue
            plain = name.rpartition("/")[2]
            if kind not in (b"0", b"\0"):
                raise ArchiveInvalid("the archive has a link or a device in it")
            if plain.startswith("._"):  # macOS stores attributes so
                continue
            if plain != NAME and not FILE_PATTERN.fullmatch(plain):
                raise ArchiveInvalid("the archive has a file that no export has", file=plain[:100])
            if plain in found:
                raise ArchiveInvalid("the archive has a file twice", file=plain)
            found[plain] = (offset, length)
    return found


def _headers(file: object, size: int) -> Iterator[tuple[str, bytes, int, int]]:
    """Name, type, offset and length of each entry."""
    place = entries = 0
    while place + BLOCK <= size:
        file.seek(place)  # type: ignore[attr-defined]
        header = file.read(BLOCK)  # type: ignore[attr-defined]
        if not any(header):
            return
        entries += 1
        if entries > MAX_ENTRIES:
            raise ArchiveInvalid(f"the archive has more than {MAX_ENTRIES} entries")
        try:
            total = int(header[148:156].rstrip(b" \0"), 8)
            length = int(header[124:136].rstrip(b" \0") or b"0", 8)
            name = header[:100].rstrip(b"\0").decode()
        except ValueError:
            raise ArchiveInvalid("the file is not a tar archive") from None
        if total != sum(header[:148]) + 8 * 32 + sum(header[156:]):
            raise ArchiveInvalid("the file is not a tar archive")
        place += BLOCK
        if length < 0 or place + length > size:
            raise ArchiveDamaged("the archive ends within a file: it was not copied completely")
        yield name, header[156:157], place, length
        place += length + -length % BLOCK
