"""Embeds stored crops with a model: for another model of a gallery, and for an import."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from indexer.embedding.embedder import stacked
from indexer.errors import InvalidInput
from indexer.pipeline.crops import aligned
from indexer.pipeline.pipeline import Pipeline, usable
from indexer.records.enrolled.face_rows import STORED_DTYPE
from indexer.records.reindexes import StoredCrop
from indexer.types import Image

log = logging.getLogger(__name__)

BATCH = 8
"""Faces that one thread embeds at once; on a processor more are no faster. A worker that is stopping waits
for one batch in each thread at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """Each by face key."""

    vectors: dict[int, bytes] = field(default_factory=dict)
    """As they are stored."""
    problems: dict[int, str] = field(default_factory=dict)
    """Why there is no vector."""


def embed_batch(crops: Sequence[StoredCrop], pipeline: Pipeline) -> Embedded:
    """Of `BATCH` faces or so, in this thread. Raises what the network raises."""
    embedded = Embedded()
    with pipeline.load.task():
        faces = _align(crops, pipeline, embedded.problems)
        if not faces:
            return embedded
        vectors = pipeline.embedder.embed(*stacked(list(faces.values())))
    for key, vector, ok in zip(faces, vectors, usable(vectors), strict=True):
        if ok:
            embedded.vectors[key] = vector.astype(STORED_DTYPE).tobytes()
        else:
            embedded.problems[key] = "the model's vector is NaN or not of length 1"
    return embedded


def _align(
    crops: Sequence[StoredCrop], pipeline: Pipeline, problems: dict[int, str]
) -> dict[int, tuple[Image, ...]]:
    """By face key. Adds to `problems`."""
    faces: dict[int, tuple[Image, ...]] = {}
    for crop in crops:
        try:
            faces[crop.key] = aligned(crop, pipeline.templates, pipeline.refiner)
        except InvalidInput as error:
            problems[crop.key] = error.message
        except (MemoryError, OSError):
            raise
        except Exception as error:  # of OpenCV, for example: one bad crop must not stop the job
            log.exception("cannot use the crop of face %d", crop.key)
            problems[crop.key] = f"cannot use its crop: {error}"
    return faces
