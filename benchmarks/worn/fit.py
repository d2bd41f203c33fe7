"""Fits the constants of a head of masks or glasses, and prints them.

python -m benchmarks.worn.fit mask --data DATASET --labels benchmarks/worn/masks-fit.csv
python -m benchmarks.worn.fit glasses --data CELEBA --labels benchmarks/worn/celeba-glasses-fit.csv
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from indexer.attributes.head import FaceView
from indexer.attributes.heads import glasses, mask
from indexer.errors import InvalidInput
from indexer.evaluation.attributes.category import read
from indexer.pipeline.pipeline import Pipeline
from indexer.request_timings import Stopwatch
from indexer.settings import Settings
from indexer.usecases.bootstrap import open_pipeline
from indexer.weights.locate import read_verified
from indexer.weights.published import GLASSES, MASK
from indexer.weights.store import WeightStore

HARDLY_REGULARISED = 100.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("head", choices=("mask", "glasses"))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    arguments = parser.parse_args()
    settings = Settings()
    store = WeightStore.of(settings)
    values: tuple[str, ...]
    measure: Callable[[FaceView], Sequence[float] | None]
    if arguments.head == "mask":
        masks = mask.MaskHead(read_verified(MASK, store), threads=1)
        values, measure = (mask.NONE, mask.MASK), masks.log_odds
    else:
        of_glasses = glasses.GlassesHead(read_verified(GLASSES, store), threads=1)
        values, measure = glasses.VALUES, of_glasses.measure
    rows, labels = [], []
    with open_pipeline(settings) as pipeline:
        for picture in read(arguments.data, arguments.labels):
            face = _face(pipeline, picture.file)
            measured = None if face is None else measure(face)
            if measured is not None:
                rows.append(measured)
                labels.append(values.index(picture.label))
    model = LogisticRegression(C=HARDLY_REGULARISED, max_iter=5000).fit(np.array(rows), labels)
    print(
        f"{len(rows)} faces. Rows: {', '.join(values[-len(model.coef_) :])}. Constant, then each measurement:"
    )
    print(np.column_stack([model.intercept_, model.coef_]).round(2).tolist())


def _face(pipeline: Pipeline, file: Path) -> FaceView | None:
    try:
        photograph = pipeline.detect(file.read_bytes(), Stopwatch(), max_faces=1)
    except InvalidInput:
        return None
    return FaceView.of(photograph, photograph.faces[0]) if photograph.faces else None


if __name__ == "__main__":
    main()
