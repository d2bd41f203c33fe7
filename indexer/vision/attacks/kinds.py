"""The kinds of attack, by name."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np

from indexer.types import Image
from indexer.vision.attacks.prints import halftone_print, photo_print, sheet
from indexer.vision.attacks.screens import banded_screen, moire_screen, phone

Attack: TypeAlias = Callable[[Image, np.random.Generator], Image]

ATTACKS: Mapping[str, Attack] = {
    "print_halftone": halftone_print,
    "print_photo": photo_print,
    "print_sheet": sheet,
    "screen_phone": phone,
    "screen_moire": moire_screen,
    "screen_banding": banded_screen,
}
