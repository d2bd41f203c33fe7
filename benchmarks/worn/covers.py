"""What the head of covered parts says of faces that are covered by something that is computed: a hand in the
face's own colour, strands of hair, a part of another picture.

    python -m benchmarks.worn.covers --data UTKFACE --labels benchmarks/worn/utkface-glasses.csv

Only faces without glasses are used. The table has shares of the covered pictures.
"""

import argparse
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray

from indexer.attributes.reader import AttributeReader
from indexer.evaluation.attributes.category import read
from indexer.pipeline.pipeline import Pipeline
from indexer.request_timings import Stopwatch
from indexer.settings import Settings
from indexer.types import Attribute, Face, Image
from indexer.usecases.bootstrap import open_attributes, open_pipeline
from indexer.vision.align import ARCFACE_112, align, similarity
from tests.support.pictures import jpeg, pixels

PARTS = {
    "mouth": [[24, 78], [88, 78], [92, 112], [56, 124], [20, 112]],
    "mouth and nose": [[18, 64], [94, 64], [96, 112], [56, 126], [16, 112]],
    "both eyes": [[16, 38], [96, 38], [96, 64], [16, 64]],
    "one eye": [[10, 30], [56, 30], [54, 64], [10, 66]],
    "half of the face": [[58, 10], [110, 10], [110, 120], [58, 120]],
}
"""Corners, at `ARCFACE_112`."""
SIDE_PX = ARCFACE_112.side_px
MARGIN_PX = 20
Texture = NDArray[np.float64]


def hand(face: Image, rng: np.random.Generator) -> Texture:
    """The colour of the face's middle, with the shadows between five fingers."""
    skin = np.median(face[70:85, 35:78].reshape(-1, 3), axis=0)
    shadows = 0.85 + 0.15 * np.abs(np.sin(np.arange(SIDE_PX) / SIDE_PX * 5 * np.pi))
    noise = rng.normal(0, 4, (SIDE_PX, SIDE_PX, 1))
    return np.asarray(skin * shadows[np.newaxis, :, np.newaxis] + noise)


def hair(_: Image, rng: np.random.Generator) -> Texture:
    strands = cv2.blur(cv2.GaussianBlur(rng.normal(size=(SIDE_PX, SIDE_PX)), (0, 0), 1), (1, 25))
    colour = np.array([45, 32, 25]) * rng.uniform(0.5, 1.6)
    return np.asarray(colour + 14 * (strands / strands.std())[..., np.newaxis])


def scene(_: Image, rng: np.random.Generator) -> Texture:
    pictures = (skimage.data.coffee, skimage.data.chelsea, skimage.data.rocket)
    picture = pictures[rng.integers(len(pictures))]()  # type: ignore[no-untyped-call]
    top, left = (rng.integers(0, length - 150) for length in picture.shape[:2])
    part = picture[top : top + 150, left : left + 150]
    return np.asarray(cv2.resize(part, (SIDE_PX, SIDE_PX)), np.float64)


KINDS: dict[str, Callable[[Image, np.random.Generator], Texture]] = {
    "hand": hand,
    "hair": hair,
    "scene": scene,
}


def covered(picture: Image, face: Face, part: str, kind: str, rng: np.random.Generator) -> Image:
    texture = KINDS[kind](align(picture, face.landmarks, ARCFACE_112), rng)
    margin = ((MARGIN_PX, MARGIN_PX), (MARGIN_PX, MARGIN_PX), (0, 0))
    larger = np.pad(np.clip(texture, 0, 255).astype(np.uint8), margin, mode="reflect")
    inverse = cv2.invertAffineTransform(similarity(face.landmarks, ARCFACE_112.points))
    height, width = picture.shape[:2]
    shift = inverse[:, :2] @ np.array([MARGIN_PX, MARGIN_PX])
    drawn = cv2.warpAffine(larger, np.column_stack([inverse[:, :2], inverse[:, 2] - shift]), (width, height))
    corners = np.array(PARTS[part]) + rng.normal(0, 2, (len(PARTS[part]), 2))
    mask = np.zeros((height, width), np.float32)
    cv2.fillPoly(mask, [np.rint(corners @ inverse[:, :2].T + inverse[:, 2]).astype(np.int32)], 1.0)
    weight = cv2.GaussianBlur(mask, (0, 0), 1.2)[..., np.newaxis]
    return np.asarray(np.clip(picture * (1 - weight) + drawn * weight, 0, 255), np.uint8)


def answer(pipeline: Pipeline, reader: AttributeReader, picture: Image) -> str:
    photograph = pipeline.detect(jpeg(np.ascontiguousarray(picture)), Stopwatch(), max_faces=1)
    if not photograph.faces:
        return "no face"
    [estimates] = reader.read(photograph, (Attribute.OCCLUSION,), Stopwatch())
    value = estimates[Attribute.OCCLUSION].value
    if value is None:
        return "cannot tell"
    assert isinstance(value, tuple)
    return " + ".join(value) or "nothing"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--faces", type=int, default=60, help="each once with every cover")
    arguments = parser.parse_args()
    settings = Settings()
    rng = np.random.default_rng(0)
    answers: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    bare = [each for each in read(arguments.data, arguments.labels) if each.label == "none"]
    with open_pipeline(settings) as pipeline:
        reader = open_attributes(settings, pipeline.load)
        for labelled in bare[: arguments.faces]:
            picture = pixels(labelled.file.read_bytes())
            photograph = pipeline.detect(jpeg(picture), Stopwatch(), max_faces=1)
            answers["nothing", "-"][answer(pipeline, reader, picture)] += 1
            for part in PARTS if photograph.faces else ():
                for kind in KINDS:
                    drawn = covered(picture, photograph.faces[0].face, part, kind, rng)
                    answers[part, kind][answer(pipeline, reader, drawn)] += 1
    columns = sorted({name for counted in answers.values() for name in counted})
    print(f"| covered | by | {' | '.join(columns)} |")
    print(f"|---|---|{'---|' * len(columns)}")
    for (part, kind), counted in answers.items():
        shares = " | ".join(f"{100 * counted[name] / counted.total():.0f} %" for name in columns)
        print(f"| {part} | {kind} | {shares} |")


if __name__ == "__main__":
    main()
