"""Which faces are found in pictures that are hard, how many that are none, and what it costs.

A face counts as found if its box overlaps the known one, from the picture as it is, and its landmarks lie
near the known ones. Pictures without a face: those that scikit-image and scikit-learn carry, and folders.

    python -m benchmarks.detection.recall --data LFW --without-faces FOLDER
"""

import argparse
import importlib.util
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import PIL.Image
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.detection.centerface import CenterFace
from benchmarks.detection.conditions import Known, Making, versions
from indexer.settings import Settings
from indexer.types import Box, Face, Image
from indexer.vision.detection.detect import Detector, central
from indexer.vision.detection.second_look import CERTAIN
from indexer.vision.detection.yunet import YuNet
from indexer.weights.locate import locate
from indexer.weights.published import YUNET

MIN_OVERLAP = 0.4
"""Intersection over union of the found and the known box."""
MAX_DISTANCE = 0.25
"""Mean distance of the landmarks from the known ones, in distances between the eyes."""
MIN_EYE_DISTANCE = 0.35
"""In widths of the box: of profiles, whose eyes are close to each other in the picture."""
CARRIED = (
    *("skimage/data/" + name for name in ("brick.png", "cell.png", "chelsea.png", "clock_motion.png")),
    *("skimage/data/" + name for name in ("coffee.png", "coins.png", "grass.png", "gravel.png", "horse.png")),
    *("skimage/data/" + name for name in ("ihc.png", "logo.png", "moon.png", "motorcycle_left.png")),
    *("skimage/data/" + name for name in ("page.png", "retina.jpg", "rocket.jpg", "text.png")),
    *("skimage/data/" + name for name in ("hubble_deep_field.jpg", "chessboard_RGB.png")),
    *("sklearn/datasets/images/" + name for name in ("china.jpg", "flower.jpg")),
)
MAX_SIDE_PX = 640

Method = Callable[[Image], list[Face]]


@dataclass(kw_only=True)
class Tally:
    found: int = 0
    displaced: int = 0
    """The box is right, the landmarks are not."""
    others: int = 0
    """Further faces, which may be real ones in the background."""
    pictures: int = 0
    milliseconds: list[float] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of photographs with a face each")
    parser.add_argument("--without-faces", type=Path, nargs="*", default=[], help="further folders")
    parser.add_argument("--pictures", type=int, default=300)
    parser.add_argument("--centerface", type=Path, help="centerface.onnx, for comparison")
    parser.add_argument("--seed", type=int, default=19)
    arguments = parser.parse_args()
    methods = _methods(arguments.centerface)
    faceless = [*_carried(), *(path for folder in arguments.without_faces for path in _files(folder))]
    console = Console()
    tallies = recall(arguments.data, methods, faceless, arguments.pictures, arguments.seed)
    console.print(_table("Found, in %; in brackets: with landmarks elsewhere; ms", methods, tallies))
    console.print(_false_faces(methods, faceless))


def _methods(centerface: Path | None) -> dict[str, Method]:
    settings = Settings()
    networks = {least: YuNet(locate(YUNET), min_confidence=least) for least in (0.7, 0.5, 0.3)}
    served = YuNet(locate(YUNET), min_confidence=settings.min_detection_confidence)
    methods: dict[str, Method] = {f"YuNet {least}": network.detect for least, network in networks.items()}
    methods["as served"] = Detector(served, size_px=settings.detection_size_px).detect
    if centerface:
        methods["CenterFace 0.5"] = CenterFace(centerface, min_confidence=0.5).detect
    return methods


def recall(
    folder: Path, methods: Mapping[str, Method], faceless: list[Path], pictures: int, seed: int
) -> dict[str, dict[str, Tally]]:
    """By condition and method."""
    rng = np.random.default_rng(seed)
    files = _files(folder)
    chosen = [files[index] for index in rng.permutation(len(files))[:pictures]]
    surroundings = [_read(path) for path in faceless]
    tallies: dict[str, dict[str, Tally]] = {}
    for number, file in enumerate(track(chosen, transient=True)):
        image = _read(file)
        face = central(methods["as served"](image), image)
        if face is None or face.confidence < CERTAIN:
            continue
        making = Making(
            known=Known(image=image, face=face),
            surroundings=surroundings[number % len(surroundings)],
            rng=np.random.default_rng([seed, number]),
        )
        for name, version in versions(making):
            row = tallies.setdefault(name, {method: Tally() for method in methods})
            for method, detect in methods.items():
                _count(row[method], detect, version)
    return tallies


def _count(tally: Tally, detect: Method, version: Known) -> None:
    start = time.process_time()
    faces = detect(version.image)
    tally.milliseconds.append(1e3 * (time.process_time() - start))
    there = [face for face in faces if _overlap(face.box, version.face.box) >= MIN_OVERLAP]
    found = any(_is_near(face, version.face) for face in there)
    tally.pictures += 1
    tally.found += found
    tally.displaced += bool(there) and not found
    tally.others += len(faces) - len(there)


def _is_near(face: Face, known: Face) -> bool:
    left, right = known.landmarks[:2]
    eye_distance = max(float(np.hypot(*(right - left))), MIN_EYE_DISTANCE * known.box.width)
    distance = float(np.hypot(*(face.landmarks - known.landmarks).T).mean())
    return distance <= MAX_DISTANCE * eye_distance


def _overlap(one: Box, other: Box) -> float:
    across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    common = max(0.0, across) * max(0.0, down)
    return common / (one.area_px + other.area_px - common)


def _table(title: str, methods: Iterable[str], tallies: Mapping[str, Mapping[str, Tally]]) -> Table:
    table = Table("condition", *methods, title=title)
    for name, row in tallies.items():
        cells = [
            f"{tally.found / tally.pictures:.1%} ({tally.displaced / tally.pictures:.0%})"
            f" {np.mean(tally.milliseconds):.1f}"
            for tally in row.values()
        ]
        table.add_row(name, *cells)
    return table


def _false_faces(methods: Mapping[str, Method], faceless: list[Path]) -> Table:
    """In every picture as it is, and turned by a quarter."""
    table = Table(
        "method", "pictures", "false faces", "per 100 pictures", "ms", title="Pictures without faces"
    )
    for method, detect in methods.items():
        tally = Tally()
        for path in track(faceless, transient=True):
            image = _read(path)
            for picture in (image, np.ascontiguousarray(np.rot90(image))):
                start = time.process_time()
                tally.others += len(detect(picture))
                tally.milliseconds.append(1e3 * (time.process_time() - start))
                tally.pictures += 1
        rate = 100 * tally.others / tally.pictures
        figures = (str(tally.pictures), str(tally.others), f"{rate:.2f}")
        table.add_row(method, *figures, f"{np.mean(tally.milliseconds):.1f}")
    return table


def _carried() -> Iterator[Path]:
    for name in CARRIED:
        package, _, rest = name.partition("/")
        spec = importlib.util.find_spec(package)
        if spec and spec.origin:
            yield Path(spec.origin).parent / rest


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in {".jpg", ".jpeg", ".png"})


def _read(path: Path) -> Image:
    picture = PIL.Image.open(path).convert("RGB")
    picture.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX))
    return np.asarray(picture)


if __name__ == "__main__":
    main()
