"""Detection by OpenVINO beside `cv2.FaceDetectorYN`: whether the faces are equal, and the time of both.

Every look of the detector is compared: each size, borders, rotations. Times are medians of alternating runs
in one process; the processor's time (all threads) changes less under load than the clock's.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
from rich.console import Console
from rich.progress import track
from rich.table import Table
from skimage import data

from indexer.inference.load import ProcessorLoad
from indexer.settings import Settings
from indexer.types import Box, Face, Image
from indexer.vision import degrade
from indexer.vision.detection.detect import Detector
from indexer.vision.detection.yunet import GREY, MIN_SIDE_PX, YuNet
from indexer.weights.locate import locate
from indexer.weights.published import YUNET

SIZES = ((640, 480), (250, 250), (1024, 768), (160, 128))
"""Width and height: a webcam, LFW, a phone, a reduced picture."""
RNG = np.random.default_rng(0)
ALTERATIONS: dict[str, Callable[[Image], Image]] = {
    "dark": lambda image: degrade.brightness(image, 0.15),
    "bright": lambda image: degrade.brightness(image, 3.0),
    "flat": lambda image: degrade.contrast(image, 0.15),
    "blurred": lambda image: degrade.blur(image, 3.0),
    "noisy": lambda image: degrade.noise(image, 40.0, RNG),
    "tilted": lambda image: degrade.rotate(image, 40.0),
    "rotated": lambda image: np.ascontiguousarray(np.rot90(image)),
    "upside down": lambda image: np.ascontiguousarray(image[::-1, ::-1]),
    "cut": lambda image: np.ascontiguousarray(image[: image.shape[0] * 5 // 9, image.shape[1] * 4 // 9 :]),
    "large": lambda image: np.asarray(
        cv2.resize(image, None, fx=1000 / max(image.shape), fy=1000 / max(image.shape)), np.uint8
    ),
}


class OpenCV:
    """The same network by `cv2.FaceDetectorYN`."""

    def __init__(self, *, min_confidence: float) -> None:
        self._network = cv2.FaceDetectorYN.create(
            str(locate(YUNET)), "", (320, 320), score_threshold=min_confidence
        )
        self._min_confidence = min_confidence

    def detect(self, image: Image, *, border: float = 0.0, min_confidence: float | None = None) -> list[Face]:
        least = self._min_confidence if min_confidence is None else min_confidence
        self._network.setScoreThreshold(least)
        height, width = image.shape[:2]
        left, top = round(border * width), round(border * height)
        right, bottom = max(left, MIN_SIDE_PX - width - left), max(top, MIN_SIDE_PX - height - top)
        pixels = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        if left or top or right or bottom:
            pixels = cv2.copyMakeBorder(
                pixels, top, bottom, left, right, cv2.BORDER_CONSTANT, value=(GREY, GREY, GREY)
            )
        self._network.setInputSize((pixels.shape[1], pixels.shape[0]))
        _, rows = self._network.detect(pixels)
        return [
            Face(
                box=Box(x=row[0] - left, y=row[1] - top, width=row[2], height=row[3]),
                landmarks=(row[4:14].reshape(5, 2) - np.array([left, top])).astype(np.float32),
                confidence=float(row[14]),
            )
            for row in (() if rows is None else np.asarray(rows))
        ]


@dataclass(kw_only=True)
class Differences:
    looks: int = 0
    faces: int = 0
    unequal_looks: int = 0
    """Those with another number of faces, or a face elsewhere by more than a pixel."""
    pixels: float = 0.0
    """The largest of the looks with equal faces: of a box's place or sides, or of a landmark."""
    confidence: float = 0.0
    seconds: dict[str, list[float]] = field(default_factory=lambda: {"cv2": [], "OpenVINO": []})

    def add(self, expected: list[Face], found: list[Face]) -> None:
        self.looks += 1
        self.faces += len(expected)
        pixels = max((_distance_px(*pair) for pair in zip(expected, found, strict=False)), default=0.0)
        if len(expected) != len(found) or pixels > 1.0:
            self.unequal_looks += 1
            return
        self.pixels = max(self.pixels, pixels)
        for one, other in zip(expected, found, strict=True):
            self.confidence = max(self.confidence, abs(one.confidence - other.confidence))


class Compared(YuNet):
    """Detects by both, and answers as OpenVINO."""

    def __init__(self, *, min_confidence: float) -> None:
        super().__init__(locate(YUNET), min_confidence=min_confidence)
        self._opencv = OpenCV(min_confidence=min_confidence)
        self.differences = Differences()

    def detect(self, image: Image, *, border: float = 0.0, min_confidence: float | None = None) -> list[Face]:
        times = [time.process_time()]
        expected = self._opencv.detect(image, border=border, min_confidence=min_confidence)
        times.append(time.process_time())
        found = super().detect(image, border=border, min_confidence=min_confidence)
        times.append(time.process_time())
        self.differences.add(expected, found)
        for name, seconds in zip(self.differences.seconds, np.diff(times), strict=True):
            self.differences.seconds[name].append(float(seconds))
        return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="*", help="pictures to compare the faces of")
    parser.add_argument("--altered", type=int, default=0, help="of each folder so many pictures in ten ways")
    parser.add_argument("--runs", type=int, default=100, help="runs of each size")
    arguments = parser.parse_args()
    console = Console()
    if arguments.folders:
        console.print(equality(arguments.folders, arguments.altered))
    console.print(times(arguments.runs))


def equality(folders: Iterable[Path], altered: int) -> Table:
    settings = Settings()
    network = Compared(min_confidence=settings.min_detection_confidence)
    detector = Detector(network, size_px=settings.detection_size_px)
    table = Table(
        *("Pictures", "looks", "faces", "unequal", "px", "confidence", "cv2", "OpenVINO", "ratio"),
        title="Looks with other faces, largest differences, and mean processor time in ms",
    )
    for folder in folders:
        files = sorted(file for file in folder.rglob("*") if file.is_file())
        network.differences = Differences()
        for image in _pictures(files):
            detector.detect(image)
        table.add_row(*_row(folder.name, network.differences))
        for name, alter in ALTERATIONS.items() if altered else ():
            network.differences = Differences()
            for image in _pictures(files[:: max(1, len(files) // altered)]):
                detector.detect(alter(image))
            table.add_row(*_row(f"  {name}", network.differences))
    return table


def times(runs: int) -> Table:
    """Of one look at one size, and of pictures whose size changes with each."""
    table = Table("Size", "threads", "cv2 ms", "OpenVINO ms", "ratio", "ratio of processor time")
    portrait = data.astronaut()  # type: ignore[no-untyped-call]
    sizes: dict[str, list[tuple[int, int]]] = {
        f"{width} x {height}": [(width, height)] * runs for width, height in SIZES
    }
    sizes["640 x 480, reduced"] = [SIZES[0], SIZES[3]] * (runs // 2)
    sizes["another each time"] = [
        (int(width), int(height)) for width, height in RNG.integers(160, 1024, (runs, 2))
    ]
    for threads in sorted({1, min(2, os.cpu_count() or 1)}):
        opencv = OpenCV(min_confidence=0.7)
        network = YuNet(locate(YUNET), min_confidence=0.7, threads=threads, load=ProcessorLoad())
        cv2.setNumThreads(threads)
        for name, each in sizes.items():
            clock: dict[str, list[float]] = {"cv2": [], "OpenVINO": []}
            processor: dict[str, list[float]] = {"cv2": [], "OpenVINO": []}
            warm = each[:30] if name != "another each time" else []
            for turn, size in enumerate(warm + each):
                image = np.asarray(cv2.resize(portrait, size), np.uint8)
                for kind, detect in (("cv2", opencv.detect), ("OpenVINO", network.detect)):
                    start = time.perf_counter(), time.process_time()
                    detect(image)
                    if turn >= len(warm):
                        clock[kind].append(time.perf_counter() - start[0])
                        processor[kind].append(time.process_time() - start[1])
            middle = np.mean if len(set(each)) > 1 else np.median  # unequal work
            one, other = (float(middle(clock[kind])) for kind in clock)
            share = float(middle(processor["OpenVINO"]) / middle(processor["cv2"]))
            table.add_row(
                *(name, str(threads), f"{one * 1e3:.1f}", f"{other * 1e3:.1f}"),
                *(f"{other / one:.2f}", f"{share:.2f}"),
            )
        cv2.setNumThreads(1)
    return table


def _pictures(files: list[Path]) -> Iterator[Image]:
    for file in track(files, transient=True):
        try:
            yield np.asarray(PIL.Image.open(file).convert("RGB"))
        except (OSError, ValueError, SyntaxError, PIL.Image.DecompressionBombError):
            continue


def _row(name: str, differences: Differences) -> list[str]:
    one, other = (1e3 * float(np.mean(seconds or [0])) for seconds in differences.seconds.values())
    return [
        name,
        f"{differences.looks:,}",
        f"{differences.faces:,}",
        str(differences.unequal_looks),
        f"{differences.pixels:.4f}",
        f"{differences.confidence:.6f}",
        f"{one:.2f}",
        f"{other:.2f}",
        f"{other / max(one, 1e-9):.2f}",
    ]


def _distance_px(one: Face, other: Face) -> float:
    sides = [
        [face.box.x, face.box.y, face.box.width, face.box.height, *face.landmarks.ravel()]
        for face in (one, other)
    ]
    return float(np.abs(np.subtract(sides[0], sides[1])).max())


if __name__ == "__main__":
    main()
