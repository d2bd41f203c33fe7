"""Parts of a photograph of a face, of the size that SFace takes."""

import numpy as np
import skimage.data
from numpy.typing import NDArray


def crops(count: int) -> NDArray[np.uint8]:
    """Shape (count, 112, 112, 3), uint8."""
    picture = skimage.data.astronaut()
    return np.stack([picture[i : i + 112, 140 + i : 252 + i] for i in range(count)])
