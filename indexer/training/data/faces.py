"""Faces found, aligned and kept once, as serving stores them: no epoch looks for them again.

A cache is a folder of two files that only grow: `faces.jpegs`, crop after crop, and `faces.jsonl`, a line
a photograph that says where its crop lies, or why there is none. A crop has a margin and its landmarks, so
that one cache serves every backbone. Ended in the middle, the next run goes on with the next photograph.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from indexer import files
from indexer.errors import Busy, ImageTooExpensive, ImageTooLarge, InvalidInput, InvalidRequest
from indexer.training.data.dataset import Sample
from indexer.types import Crop, Face, Image, Template
from indexer.vision.align import align, crop_with_margin
from indexer.vision.decoding.decode import decode
from indexer.vision.decoding.decoder import Decoder
from indexer.vision.detect import Detector, central

_AT_ONCE = 64
"""Photographs that are looked at before their crops are written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    file: Path
    why: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Faces:
    """The crops of some samples; those that have none are left out, and named."""

    samples: tuple[Sample, ...]
    failures: tuple[Failure, ...]
    _file: Path
    _places: tuple[dict[str, Any], ...]

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def folder(self) -> Path:
        """Of the cache."""
        return self._file.parent

    @property
    def digest(self) -> str:
        """Of which faces these are, and whose, in their order."""
        lines = (
            f"{line['key']} {sample.identity}"
            for line, sample in zip(self._places, self.samples, strict=True)
        )
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def crop(self, place: int) -> Crop:
        """Of `samples[place]`. Safe to call from several threads."""
        line = self._places[place]
        with self._file.open("rb") as jpegs:
            jpegs.seek(line["at"])
            jpeg = jpegs.read(line["length"])
        return Crop(jpeg=jpeg, landmarks=np.array(line["landmarks"], np.float32).reshape(5, 2))

    def pixels(self, place: int) -> tuple[Image, Crop]:
        """Decoded. Raises UnreadableImage where the cache is damaged."""
        crop = self.crop(place)
        return decode(crop.jpeg, max_pixels=4096 * 4096), crop

    def aligned(self, places: Iterable[int], template: Template) -> NDArray[np.uint8]:
        """Undisturbed, as they are served: shape (n, side, side, 3). Raises UnreadableImage."""
        faces = (self.pixels(int(place)) for place in places)
        return np.stack([align(pixels, crop.landmarks, template) for pixels, crop in faces])

    def where(self, keep: Callable[[Sample], bool]) -> "Faces":
        kept = [place for place, sample in enumerate(self.samples) if keep(sample)]
        return Faces(
            samples=tuple(self.samples[place] for place in kept),
            failures=self.failures,
            _file=self._file,
            _places=tuple(self._places[place] for place in kept),
        )


def prepare(
    samples: Sequence[Sample],
    folder: Path,
    detector: Detector,
    *,
    max_pixels: int,
    threads: int,
    progress: Callable[[int], object] = lambda _: None,
) -> Faces:
    """The face in the middle of each photograph, from the cache in `folder` or put there now.

    `progress` is told how many photographs are done. Raises Busy where another process fills the cache,
    InvalidRequest where no photograph shows a face, OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        jpegs, lines = folder / "faces.jpegs", folder / "faces.jsonl"
        known = _known(jpegs, lines)
        keys = [f"{_key(sample.file)} {detector.settings}" for sample in samples]
        wanted = [place for place, key in enumerate(keys) if key not in known]
        progress(len(samples) - len(wanted))
        with (
            jpegs.open("ab") as crops,
            lines.open("a", encoding="utf-8") as index,
            Decoder(max_pixels=max_pixels, processes=threads) as decoder,
            ThreadPoolExecutor(threads, thread_name_prefix="look") as pool,
        ):
            for start in range(0, len(wanted), _AT_ONCE):
                block = wanted[start : start + _AT_ONCE]
                files = [samples[place].file for place in block]
                found = pool.map(lambda file: _look(file, decoder, detector), files)
                for place, crop in zip(block, found, strict=True):
                    known[keys[place]] = line = _written(keys[place], crop, crops)
                    if not isinstance(crop, _Unread):
                        index.write(json.dumps(line) + "\n")
                crops.flush()  # a line that is ahead of its crop is cut off by the next run
                index.flush()
                progress(len(samples) - len(wanted) + start + len(block))
    there = [place for place, key in enumerate(keys) if "at" in known[key]]
    if not there:
        raise InvalidRequest("no face was found in any of the photographs", photographs=len(samples))
    return Faces(
        samples=tuple(samples[place] for place in there),
        failures=tuple(
            Failure(file=sample.file, why=known[key]["problem"])
            for sample, key in zip(samples, keys, strict=True)
            if "at" not in known[key]
        ),
        _file=jpegs,
        _places=tuple(known[keys[place]] for place in there),
    )


class _Unread(str):
    """Why a file was not read this time; the next run tries again."""

    __slots__ = ()


def _look(file: Path, decoder: Decoder, detector: Detector) -> Crop | str:
    """The crop of the central face, or why there is none."""
    try:
        pixels = decoder.decode(file.read_bytes()).pixels
    except (ImageTooLarge, ImageTooExpensive, Busy) as error:  # by a setting or by chance: not for good
        return _Unread(error.message)
    except InvalidInput as error:
        return error.message
    except OSError as error:
        return _Unread(f"cannot be read: {error.strerror}")
    face: Face | None = central(detector.detect(pixels), pixels)
    return "no face was found" if face is None else crop_with_margin(pixels, face.landmarks)


def _written(key: str, crop: Crop | str, crops: IO[bytes]) -> dict[str, Any]:
    if isinstance(crop, str):
        return {"key": key, "problem": crop}
    at = crops.tell()
    crops.write(crop.jpeg)
    landmarks = [round(float(value), 3) for value in crop.landmarks.ravel()]
    return {"key": key, "at": at, "length": len(crop.jpeg), "landmarks": landmarks}


def _known(jpegs: Path, lines: Path) -> dict[str, dict[str, Any]]:
    """By key; what a killed process left half written is cut off."""
    if not lines.exists():
        jpegs.unlink(missing_ok=True)
        return {}
    size = jpegs.stat().st_size if jpegs.exists() else 0
    known: dict[str, dict[str, Any]] = {}
    end = good = 0
    with lines.open("rb") as index:
        for line in index:
            try:
                entry = json.loads(line)
                reaches = entry.get("at", 0) + entry.get("length", 0)
            except ValueError:
                break
            if not line.endswith(b"\n") or reaches > size:
                break
            known[entry["key"]] = entry
            end, good = max(end, reaches), good + len(line)
    with lines.open("r+b") as index:
        index.truncate(good)
    if jpegs.exists():
        with jpegs.open("r+b") as crops:
            crops.truncate(end)
    return known


def _key(file: Path) -> str:
    """Of the file as it is now: another picture under its name is another one."""
    try:
        found = file.stat()
    except OSError:
        return f"{file.absolute()} missing"
    return f"{file.absolute()} {found.st_size} {found.st_mtime_ns}"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """The processes of one run (`torchrun`) wait for one another, and for whoever else is at it; a run of one
    process is told at once. Raises Busy, OSError."""
    together = int(os.environ.get("WORLD_SIZE", "1")) > 1
    with ExitStack() as stack:
        try:
            stack.enter_context(files.locked(folder / "lock", wait=together))
        except BlockingIOError:
            raise Busy(f"another process is filling {folder}", path=str(folder)) from None
        yield
