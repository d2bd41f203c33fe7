"""The contents of an export, portion by portion, each checked as it is read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TypeVar

import numpy as np
from pydantic import ValidationError

from indexer.errors import ArchiveInvalid, InvalidInput, InvalidRequest
from indexer.records.enrolled.face_rows import STORED_DTYPE
from indexer.records.text import checked_id, checked_metadata, checked_text
from indexer.transfer.archive.lines import DistinctLine, FaceLine, IdentityLine
from indexer.transfer.archive.manifest import File, Manifest, Strict, first_problem, has_nul
from indexer.transfer.archive.source import Source, read_file, read_manifest
from indexer.types import Vectors
from indexer.vision.decoding import formats

MAX_LINE_BYTES = 200_000
LINES_OF_A_PORTION = 1_000
MAX_FACES_OF_A_GROUP = 10_000
"""An export has 2,000 in a group."""
MAX_CROP_PIXELS = 2048 * 2048
LENGTH_TOLERANCE = 0.001

_Line = TypeVar("_Line", bound=Strict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FaceGroup:
    lines: Sequence[FaceLine]
    vectors: Vectors
    """Shape (n, dimension); zeros where a face has a problem."""
    crops: Sequence[bytes | None]
    """JPEG."""


@dataclass(frozen=True)
class Contents:
    """Every method raises ArchiveInvalid, ArchiveDamaged and OSError."""

    source: Source
    manifest: Manifest
    sha256: str
    """Of the manifest."""

    @classmethod
    def open(cls, source: Source) -> "Contents":
        """Raises ArchiveVersionUnknown."""
        manifest, sha256 = read_manifest(source)
        return cls(source=source, manifest=manifest, sha256=sha256)

    def identities(self) -> Iterator[Sequence[IdentityLine]]:
        """In portions, however large their file is."""
        for file in self._files("identities"):
            lines = _lines(file, read_file(self.source, file), IdentityLine)
            yield from _portions(_checked(file, line) for line in lines)

    def distinct_people(self) -> Iterator[Sequence[DistinctLine]]:
        """In portions, likewise."""
        for file in self._files("distinct"):
            yield from _portions(_lines(file, read_file(self.source, file), DistinctLine))

    def face_groups(self) -> Iterator[FaceGroup]:
        for file in self._files("faces"):
            yield self._face_group(file)

    @cached_property
    def _by_name(self) -> dict[str, File]:
        return {file.name: file for file in self.manifest.files}

    def _files(self, kind: str) -> list[File]:
        return sorted((file for file in self.manifest.files if file.kind == kind), key=lambda file: file.name)

    def _face_group(self, file: File) -> FaceGroup:
        if file.rows > MAX_FACES_OF_A_GROUP:
            raise ArchiveInvalid(f"{file.name} has more than {MAX_FACES_OF_A_GROUP} faces", file=file.name)
        lines = list(_lines(file, read_file(self.source, file), FaceLine))
        return FaceGroup(
            lines=lines, vectors=self._vectors(file, lines), crops=self._crops(file.number, lines)
        )

    def _vectors(self, faces: File, lines: Sequence[FaceLine]) -> Vectors:
        if self.manifest.model is None:
            raise ArchiveInvalid(f"{faces.name} has faces, and the manifest names no model", file=faces.name)
        dimension = self.manifest.model.dimension
        file = self._by_name.get(f"vectors-{faces.number:06}.f32")
        if file is None:
            raise ArchiveInvalid(f"the vectors of {faces.name} are not in the manifest", file=faces.name)
        if file.bytes != len(lines) * dimension * STORED_DTYPE.itemsize:
            raise ArchiveInvalid(
                f"{file.name} does not have {len(lines)} vectors of dimension {dimension}", file=file.name
            )
        vectors = np.frombuffer(read_file(self.source, file), STORED_DTYPE).reshape(len(lines), dimension)
        without = np.array([line.problem is not None for line in lines], bool)
        with np.errstate(all="ignore"):
            lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
        # NaN compares as false.
        good = np.where(without, ~vectors.any(axis=1), np.abs(lengths - 1) <= LENGTH_TOLERANCE)
        if not good.all():
            raise ArchiveInvalid(
                f"{file.name}, vector {int(np.argmin(good)) + 1}: it is NaN or not of length 1",
                file=file.name,
            )
        return vectors

    def _crops(self, number: int, lines: Sequence[FaceLine]) -> list[bytes | None]:
        file = self._by_name.get(f"crops-{number:06}.bin")
        if file is None:
            if any(line.crop is not None for line in lines):
                raise ArchiveInvalid(f"the crops of group {number} are not in the manifest")
            return [None] * len(lines)
        data = read_file(self.source, file)
        crops: list[bytes | None] = []
        end = 0
        for place, line in enumerate(lines, start=1):
            crop = None
            if line.crop is not None:
                if line.crop.offset < end:  # or a small file is terabytes of crops
                    raise ArchiveInvalid(f"{file.name}: crop {place} overlaps another one", file=file.name)
                crop = data[line.crop.offset : line.crop.offset + line.crop.bytes]
                if len(crop) < line.crop.bytes:
                    raise ArchiveInvalid(f"{file.name}: crop {place} lies outside of it", file=file.name)
                _check_jpeg(file, place, crop)
                end = line.crop.offset + line.crop.bytes
            crops.append(crop)
        return crops


def _check_jpeg(file: File, place: int, crop: bytes) -> None:
    """By its header: it is decoded when a model embeds it."""
    try:
        header = formats.inspect(crop, max_pixels=MAX_CROP_PIXELS)
    except InvalidInput as error:
        raise ArchiveInvalid(f"{file.name}, crop {place}: {error.message}", file=file.name) from None
    if header.format != "JPEG" or header.width * header.height > MAX_CROP_PIXELS:
        raise ArchiveInvalid(
            f"{file.name}, crop {place}: it is not a JPEG of at most {MAX_CROP_PIXELS} pixels", file=file.name
        )


def _lines(file: File, data: bytes, kind: type[_Line]) -> Iterator[_Line]:
    """Each is parsed when it is needed: objects take many times as much memory as their text."""
    start = 0
    for number in range(1, file.rows + 1):
        end = data.find(b"\n", start, start + MAX_LINE_BYTES + 1)
        if end < 0 and len(data) - start > MAX_LINE_BYTES:
            raise ArchiveInvalid(
                f"{file.name}, line {number}: more than {MAX_LINE_BYTES} bytes", file=file.name
            )
        if end < 0:
            break
        if has_nul(data[start:end]):
            raise ArchiveInvalid(f"{file.name}, line {number}: it contains NUL", file=file.name)
        try:
            yield kind.model_validate_json(data[start:end])
        except (ValidationError, ValueError, RecursionError) as error:
            raise ArchiveInvalid(
                f"{file.name}, line {number}: {first_problem(error)}", file=file.name
            ) from None
        start = end + 1
    else:
        if start == len(data):
            return
    raise ArchiveInvalid(f"{file.name} does not have {file.rows} lines", file=file.name)


def _portions(lines: Iterator[_Line]) -> Iterator[Sequence[_Line]]:
    while portion := list(islice(lines, LINES_OF_A_PORTION)):
        yield portion


def _checked(file: File, line: IdentityLine) -> IdentityLine:
    """With its texts as they are stored."""
    try:
        return line.model_copy(
            update={
                "external_id": checked_id(line.external_id, "external_id"),
                "name": checked_text(line.name, "name"),
                "metadata": checked_metadata(line.metadata),
            }
        )
    except InvalidRequest as error:
        raise ArchiveInvalid(f"{file.name}, identity {line.id}: {error.message}", file=file.name) from None
