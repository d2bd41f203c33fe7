"""A cache of detected faces: each photograph is decoded and searched for faces once, not in every epoch of
training.

The cache is a folder of two files that only grow: `faces.jpegs`, crop after crop, and `faces.jsonl`, one line
per photograph with the position of its crop, or the reason why it has none. A crop has a margin and its
landmarks, the detector's and the refined ones, so one cache fits all backbones. An interrupted run continues
with the next photograph.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
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
from indexer.vision.detection.detect import Detector, central
from indexer.vision.detection.refine import LandmarkRefiner

_MAX_CROP_PIXELS = 4096 * 4096
_AT_ONCE = 64
"""Number of photographs that are processed before their crops are written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    file: Path
    why: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Faces:
    """The crops of some samples. Samples without a crop are in `failures`."""

    samples: tuple[Sample, ...]
    failures: tuple[Failure, ...]
    _file: Path
    _places: tuple[dict[str, Any], ...]

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def folder(self) -> Path:
        """The folder of the cache."""
        return self._file.parent

    @property
    def digest(self) -> str:
        """A digest of the faces and their identities, in order."""
        lines = (
            f"{line['key']} {sample.identity}"
            for line, sample in zip(self._places, self.samples, strict=True)
        )
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def crop(self, place: int) -> Crop:
        """The crop of `samples[place]`. Thread-safe."""
        line = self._places[place]
        with self._file.open("rb") as jpegs:
            jpegs.seek(line["at"])
            jpeg = jpegs.read(line["length"])
        detected, refined = (
            np.array(line[name], np.float32).reshape(5, 2) for name in ("landmarks", "refined")
        )
        return Crop(jpeg=jpeg, landmarks=detected, refined=refined)

    def pixels(self, place: int) -> tuple[Image, Crop]:
        """The decoded crop. Raises UnreadableImage if the cache is damaged."""
        crop = self.crop(place)
        return decode(crop.jpeg, max_pixels=_MAX_CROP_PIXELS), crop

    def aligned(self, places: Iterable[int], template: Template) -> NDArray[np.uint8]:
        """Aligned as in serving, without augmentation: shape (n, side, side, 3). Raises UnreadableImage."""
        faces = (self.pixels(int(place)) for place in places)
        return np.stack([align(pixels, crop.landmarks_for(template), template) for pixels, crop in faces])

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
    refiner: LandmarkRefiner,
    *,
    max_pixels: int,
    threads: int,
    progress: Callable[[int], object] = lambda _: None,
) -> Faces:
    """The central face of each photograph, from the cache in `folder`; missing ones are added to it.

    `progress` is called with the number of photographs done. Raises Busy if another process fills the cache,
    InvalidRequest if no photograph shows a face, OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        jpegs, lines = folder / "faces.jpegs", folder / "faces.jsonl"
        known = _read_lines(jpegs, lines)
        keys = [f"{_key(sample.file)} {detector.settings} {refiner.settings}" for sample in samples]
        missing = [place for place, key in enumerate(keys) if key not in known]
        progress(len(samples) - len(missing))
        with (
            jpegs.open("ab") as crops,
            lines.open("a", encoding="utf-8") as index,
            Decoder(max_pixels=max_pixels, processes=threads) as decoder,
            ThreadPoolExecutor(threads, thread_name_prefix="detect") as pool,
        ):
            for start in range(0, len(missing), _AT_ONCE):
                block = missing[start : start + _AT_ONCE]
                files = [samples[place].file for place in block]
                found = pool.map(lambda file: _crop(file, decoder, detector, refiner), files)
                for place, crop in zip(block, found, strict=True):
                    known[keys[place]] = line = _line(keys[place], crop, crops)
                    if not isinstance(crop, _NotCached):
                        index.write(json.dumps(line) + "\n")
                crops.flush()  # the next run truncates a line whose crop is missing
                index.flush()
                progress(len(samples) - len(missing) + start + len(block))
    present = [place for place, key in enumerate(keys) if "at" in known[key]]
    if not present:
        raise InvalidRequest("no face was detected in any of the photographs", photographs=len(samples))
    return Faces(
        samples=tuple(samples[place] for place in present),
        failures=tuple(
            Failure(file=sample.file, why=known[key]["problem"])
            for sample, key in zip(samples, keys, strict=True)
            if "at" not in known[key]
        ),
        _file=jpegs,
        _places=tuple(known[keys[place]] for place in present),
    )


class _NotCached(str):
    """The reason why a file was not read this time. It is not cached: the next run tries again."""

    __slots__ = ()


def _crop(file: Path, decoder: Decoder, detector: Detector, refiner: LandmarkRefiner) -> Crop | str:
    """The crop of the central face, or the reason why there is none."""
    try:
        pixels = decoder.decode(file.read_bytes()).pixels
    except (ImageTooLarge, ImageTooExpensive, Busy) as error:  # depends on settings or on load
        return _NotCached(error.message)
    except InvalidInput as error:
        return error.message
    except OSError as error:
        return _NotCached(f"cannot read the file: {error.strerror}")
    face: Face | None = central(detector.detect(pixels), pixels)
    if face is None:
        return "no face was detected"
    crop = crop_with_margin(pixels, face.landmarks)
    upright = decode(crop.jpeg, max_pixels=_MAX_CROP_PIXELS)
    return replace(crop, refined=refiner.refine(upright, crop.landmarks))


def _line(key: str, crop: Crop | str, crops: IO[bytes]) -> dict[str, Any]:
    if isinstance(crop, str):
        return {"key": key, "problem": crop}
    at = crops.tell()
    crops.write(crop.jpeg)
    assert crop.refined is not None
    detected, refined = (
        [round(float(value), 3) for value in points.ravel()] for points in (crop.landmarks, crop.refined)
    )
    return {"key": key, "at": at, "length": len(crop.jpeg), "landmarks": detected, "refined": refined}


def _read_lines(jpegs: Path, lines: Path) -> dict[str, dict[str, Any]]:
    """The lines by key. Truncates what a killed process left incomplete."""
    if not lines.exists():
        jpegs.unlink(missing_ok=True)
        return {}
    size = jpegs.stat().st_size if jpegs.exists() else 0
    known: dict[str, dict[str, Any]] = {}
    end = valid_bytes = 0
    with lines.open("rb") as index:
        for line in index:
            try:
                entry = json.loads(line)
                crop_end = entry.get("at", 0) + entry.get("length", 0)
            except ValueError:
                break
            if not line.endswith(b"\n") or crop_end > size:
                break
            known[entry["key"]] = entry
            end, valid_bytes = max(end, crop_end), valid_bytes + len(line)
    with lines.open("r+b") as index:
        index.truncate(valid_bytes)
    if jpegs.exists():
        with jpegs.open("r+b") as crops:
            crops.truncate(end)
    return known


def _key(file: Path) -> str:
    """The key of the file as it is now: a file that changes gets another key."""
    try:
        found = file.stat()
    except OSError:
        return f"{file.absolute()} missing"
    return f"{file.absolute()} {found.st_size} {found.st_mtime_ns}"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds the lock of `folder`. The processes of a `torchrun` wait for the lock; a run of one process
    raises Busy at once. Raises Busy, OSError."""
    together = int(os.environ.get("WORLD_SIZE", "1")) > 1
    with ExitStack() as stack:
        try:
            stack.enter_context(files.locked(folder / "lock", wait=together))
        except BlockingIOError:
            raise Busy(f"another process is filling {folder}", path=str(folder)) from None
        yield
