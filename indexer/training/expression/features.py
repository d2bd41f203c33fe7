"""The features of labelled faces, by the pipeline and the network that serve."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.attributes.heads.expression import EXPRESSIONS, FEATURES, as_input
from indexer.attributes.heads.trained_expression import FEATURE_DIMENSION
from indexer.errors import InvalidInput
from indexer.evaluation.attributes.expression.data import LabelledPicture
from indexer.inference.network import Network, read
from indexer.pipeline.pipeline import Pipeline
from indexer.request_timings import Stopwatch
from indexer.types import Image
from indexer.vision.align import ARCFACE_112, align


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelledFeatures:
    """A row a picture with a face."""

    pictures: tuple[LabelledPicture, ...]
    faces: NDArray[np.float32]
    """Shape (n, 512)."""
    mirrored: NDArray[np.float32]
    """Likewise, of the mirror images."""
    published: tuple[str, ...]
    """The expression to which the published network gives the highest probability."""
    undetected: tuple[LabelledPicture, ...]
    """Pictures without a face, or that cannot be read."""

    @property
    def expressions(self) -> NDArray[np.str_]:
        return np.array([picture.expression for picture in self.pictures])

    @property
    def people(self) -> NDArray[np.str_]:
        return np.array([picture.person for picture in self.pictures])


def features_of(
    pipeline: Pipeline,
    weights: bytes,
    pictures: Sequence[LabelledPicture],
    progress: Callable[[int], object],
) -> LabelledFeatures:
    """Of the largest face of each picture. `weights`: of the published network. `progress` is called with the
    number of pictures that are done."""
    network = Network(read(weights, FEATURES), threads=1)
    kept, faces, mirrored, published, undetected = [], [], [], [], []
    for number, picture in enumerate(pictures, 1):
        aligned = _aligned(pipeline, picture)
        if aligned is None:
            undetected.append(picture)
        else:
            logits, own = network.run(as_input(aligned))
            kept.append(picture)
            faces.append(own[0])
            published.append(EXPRESSIONS[int(logits[0].argmax())])
            mirrored.append(network.run(as_input(np.ascontiguousarray(aligned[:, ::-1])))[1][0])
        progress(number)
    return LabelledFeatures(
        pictures=tuple(kept),
        faces=np.array(faces, np.float32).reshape(-1, FEATURE_DIMENSION),
        mirrored=np.array(mirrored, np.float32).reshape(-1, FEATURE_DIMENSION),
        published=tuple(published),
        undetected=tuple(undetected),
    )


def _aligned(pipeline: Pipeline, picture: LabelledPicture) -> Image | None:
    try:
        photograph = pipeline.detect(picture.file.read_bytes(), Stopwatch(), max_faces=1)
    except (InvalidInput, OSError):
        return None
    if not photograph.faces:
        return None
    landmarks = photograph.faces[0].face.landmarks_for(ARCFACE_112)
    return align(photograph.pixels, landmarks, ARCFACE_112, divisor=photograph.divisor)
