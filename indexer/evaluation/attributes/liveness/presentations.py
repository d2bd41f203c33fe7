"""The pictures of a test: people, and attacks of several kinds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np

from indexer.errors import InvalidInput, InvalidRequest
from indexer.types import Image
from indexer.vision.attacks.kinds import ATTACKS
from indexer.vision.attacks.place import as_jpeg
from indexer.vision.decoding.decoder import Decoder

BONA_FIDE = "bona_fide"
REAL, FAKE = "real", "fake"
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """A photograph of a person or of an attack, or one that is computed as if it were."""

    kind: str
    """`BONA_FIDE`, or a kind of attack."""
    file: Path
    attack: str | None = None
    """Of `ATTACKS`: made from the file's picture."""

    @property
    def is_attack(self) -> bool:
        return self.kind != BONA_FIDE


def read_presentations(folder: Path, *, synthetic: bool = False) -> list[Presentation]:
    """Those of `folder/real` and `folder/fake`, in order. Folders in `fake` are kinds of attack; pictures
    directly in it are of the kind `fake`. `synthetic`: also each of `ATTACKS` made from each real picture.

    Raises InvalidRequest if there are no real pictures, or no attacks."""
    real = list(_pictures(folder / REAL))
    presentations = [Presentation(kind=BONA_FIDE, file=file) for file in real]
    fake = folder / FAKE
    presentations += [Presentation(kind=_kind(file, fake), file=file) for file in _pictures(fake)]
    if synthetic:
        presentations += [
            Presentation(kind=f"synthetic_{attack}", file=file, attack=attack)
            for attack in ATTACKS
            for file in real
        ]
    if not real or len(presentations) == len(real):
        raise InvalidRequest(
            f"{folder} needs pictures of people in `{REAL}/`, and of attacks in `{FAKE}/` or --synthetic"
        )
    return presentations


def as_bytes(presentation: Presentation, decoder: Decoder) -> bytes:
    """The picture as it would be sent. The same picture and attack always give the same bytes.

    Raises InvalidInput if the file is no picture that can be read, OSError."""
    data = presentation.file.read_bytes()
    if presentation.attack is None:
        return data
    pixels: Image = decoder.decode(data).pixels
    seed = crc32(f"{presentation.attack} {presentation.file.name}".encode())
    return as_jpeg(ATTACKS[presentation.attack](pixels, np.random.default_rng(seed)))


def readable(presentation: Presentation, decoder: Decoder) -> bytes | None:
    """As `as_bytes`; None if the file cannot be read."""
    try:
        return as_bytes(presentation, decoder)
    except (InvalidInput, OSError):
        return None


def kinds_of(presentations: Sequence[Presentation]) -> list[str]:
    """The kinds of attack, in the order in which they come."""
    return list(dict.fromkeys(one.kind for one in presentations if one.is_attack))


def _pictures(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)


def _kind(file: Path, fake: Path) -> str:
    parts = file.relative_to(fake).parts
    return parts[0] if len(parts) > 1 else FAKE
