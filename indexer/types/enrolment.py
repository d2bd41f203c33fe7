"""A face on its way into a gallery, and what is stored of its picture."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.types.arrays import Points
from indexer.types.face import Face
from indexer.types.quality import Quality
from indexer.types.template import Template


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Crop:
    """An upright face with a margin. It is stored so that another model can embed it later."""

    jpeg: bytes
    landmarks: Points
    """In the crop's own pixels, as the detector found them: each model refines them if its template asks for
    it."""
    refined: Points | None = None
    """Likewise, refined; only in the cache of faces for training."""

    def landmarks_for(self, template: Template) -> Points:
        """Those by which it is aligned to `template`. Raises ValueError where they are not refined yet."""
        if not template.refined:
            return self.landmarks
        if self.refined is None:
            raise ValueError("the crop's landmarks are not refined")
        return self.refined


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Enrolment:
    """A face that passed the quality gate, ready to be recorded."""

    face: Face
    quality: Quality
    vectors: Mapping[str, NDArray[np.float32]]
    """Shape (dimension,), by the fingerprint of the model: one, or two while a gallery changes its model.
    Empty until the face is embedded."""
    image_sha256: bytes
    """Of the file as it was sent."""
    crop: Crop | None
    """None if the gallery stores no crops."""
