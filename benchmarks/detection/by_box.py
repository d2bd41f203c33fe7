"""What a given box is worth: faces that the detector misses, found by their boxes and recognised.

    python -m benchmarks.detection.by_box LFW [--people 300]

Of each person in LFW (a folder of folders) with two photographs, the first is enrolled as it is. The second
is made so bad that the detector misses many faces, and compared with the first: by detection in the whole
picture, by a box, and by the landmarks of the undamaged picture. The box is that of the undamaged picture,
moved and scaled at random by up to 15 % of its side: nobody's boxes are YuNet's. FNMR is the share of the
pairs that fail: without a face, or below the threshold of the model's card for an FMR of 1 in 1,000.
"""

import argparse
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from indexer.calibration.active import of_card
from indexer.calibration.threshold.decision import decide_pair
from indexer.pipeline.pipeline import AlignedFace, Pipeline
from indexer.request_timings import Stopwatch
from indexer.settings import Settings
from indexer.types import Box, Face, Image
from indexer.usecases.bootstrap import open_pipeline
from indexer.vision import degrade
from indexer.vision.place import FacePlace

FMR = 1e-3
JITTER = 0.15
Damage = Callable[[Image, Face], tuple[Image, float]]
"""Returns the damaged picture and its scale."""


@dataclass(slots=True)
class Tally:
    pairs: int = 0
    missed: int = 0
    """By the detector, in the whole picture."""
    sources: Counter[str] = field(default_factory=Counter)
    """Of the landmarks by the box, of the faces that the detector missed."""
    failed: Counter[str] = field(default_factory=Counter)
    failed_of_missed: Counter[str] = field(default_factory=Counter)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lfw", type=Path)
    parser.add_argument("--people", type=int, default=300)
    options = parser.parse_args()
    people = [sorted(folder.glob("*.jpg"))[:2] for folder in sorted(options.lfw.iterdir()) if folder.is_dir()]
    pairs = [pair for pair in people if len(pair) == 2]
    random.Random(1).shuffle(pairs)
    with open_pipeline(Settings()) as pipeline:
        threshold = decide_pair(of_card(pipeline.card), FMR, None).threshold
        print(f"{pipeline.card.fingerprint}, threshold {threshold:.3f} (FMR {FMR:g})")
        print(
            f"{'':22}{'pairs':>7}{'missed':>8}  {'by the box: detector/refiner/mean':36}FNMR: whole, box,"
            " landmarks; of the missed: box, landmarks"
        )
        for name, damage in DAMAGES.items():
            _show(name, _measure(pipeline, pairs[: options.people], damage, threshold))


def _measure(pipeline: Pipeline, pairs: list[list[Path]], damage: Damage, threshold: float) -> Tally:
    tally = Tally()
    rng = random.Random(2)
    for first, second in pairs:
        pixels = pipeline.decoder.decode(second.read_bytes()).pixels
        enrolled = pipeline.detect(first.read_bytes(), Stopwatch(), max_faces=1).faces
        face = max(pipeline.detector.detect(pixels), key=lambda found: found.confidence, default=None)
        if face is None or not enrolled:
            continue
        face = pipeline.align(pixels, face).face
        bad, scale = damage(pixels, face)
        truth = face.scaled(scale)
        data = cv2.imencode(".png", bad[..., ::-1])[1].tobytes()
        whole = [one for one in pipeline.detect(data, Stopwatch()).faces if _same(one.face.box, truth.box)]
        by_box = pipeline.detect(data, Stopwatch(), place=FacePlace(box=_jittered(truth.box, rng))).faces
        by_landmarks = pipeline.detect(data, Stopwatch(), place=FacePlace(landmarks=truth.landmarks)).faces
        faces: dict[str, AlignedFace] = {"box": by_box[0], "landmarks": by_landmarks[0]}
        if whole:
            faces["whole"] = whole[0]
        vectors = pipeline.embed([enrolled[0], *faces.values()], Stopwatch())
        scores = dict(zip(faces, vectors[1:] @ vectors[0], strict=True))
        tally.pairs += 1
        for way in ("whole", "box", "landmarks"):
            failed = scores.get(way, -1.0) < threshold
            tally.failed[way] += failed
            if not whole:
                tally.failed_of_missed[way] += failed
        if not whole:
            tally.missed += 1
            tally.sources[by_box[0].face.landmark_source] += 1
    return tally


def _same(box: Box, truth: Box) -> bool:
    """Whether the middle of one box is in that of the other."""
    x, y = box.x + box.width / 2 - truth.x, box.y + box.height / 2 - truth.y
    return 0 < x < truth.width and 0 < y < truth.height


def _jittered(box: Box, rng: random.Random) -> Box:
    side = box.area_px**0.5
    x, y = (rng.uniform(-JITTER, JITTER) * side for _ in range(2))
    scale = 1 + rng.uniform(-JITTER, JITTER)
    width, height = box.width * scale, box.height * scale
    return Box(
        x=box.x + x + (box.width - width) / 2,
        y=box.y + y + (box.height - height) / 2,
        width=width,
        height=height,
    )


def _shrunk(face_px: float) -> Damage:
    def shrink(pixels: Image, face: Face) -> tuple[Image, float]:
        scale = min(1.0, face_px / face.box.shorter_side_px)
        return np.asarray(
            cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8
        ), scale

    return shrink


def _noisy(sigma: float) -> Damage:
    return lambda pixels, _: (degrade.noise(pixels, sigma, np.random.default_rng(0)), 1.0)


def _dark(pixels: Image, _: Face) -> tuple[Image, float]:
    return degrade.noise(degrade.brightness(pixels, 0.04), 4.0, np.random.default_rng(0)), 1.0


def _covered(pixels: Image, face: Face) -> tuple[Image, float]:
    """Grey below the tip of the nose."""
    covered, box = pixels.copy(), face.box
    top = int(face.landmarks[2, 1])
    covered[max(0, top) : int(box.y + box.height), max(0, int(box.x)) : int(box.x + box.width)] = 127
    return covered, 1.0


DAMAGES: dict[str, Damage] = {
    **{f"face of {px} pixels": _shrunk(px) for px in (16, 12, 11)},
    "noise, sigma 80": _noisy(80),
    "noise, sigma 120": _noisy(120),
    "dark and noisy": _dark,
    "mouth covered": _covered,
}


def _show(name: str, tally: Tally) -> None:
    ways = ("whole", "box", "landmarks")
    fnmr = " ".join(f"{100 * tally.failed[way] / max(1, tally.pairs):6.1f} %" for way in ways)
    of_missed = " ".join(
        f"{100 * tally.failed_of_missed[way] / max(1, tally.missed):6.1f} %" for way in ways[1:]
    )
    sources = " / ".join(str(tally.sources[source]) for source in ("detector", "refiner", "mean_face"))
    print(f"{name:22}{tally.pairs:7}{tally.missed:8}  {sources:36}{fnmr}   {of_missed}", flush=True)


if __name__ == "__main__":
    main()
