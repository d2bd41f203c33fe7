"""The option `--box` of commands that take one photograph."""

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from indexer.vision.place import FacePlace

_MOST = 1_000_000  # pixels, as in the API
METAVAR = "X,Y,WIDTH,HEIGHT"
HELP = (
    "Where the face is, in pixels of the upright picture. It is found there although the detector misses it,"
    " and other faces are ignored."
)


def check_box(text: str | None) -> str | None:
    """Raises typer.BadParameter."""
    if text is not None:
        _numbers(text)
    return text


def place_of(box: str | None) -> "FacePlace | None":
    """`box`: as `check_box` has passed it."""
    from indexer.types import Box
    from indexer.vision.place import FacePlace

    if box is None:
        return None
    x, y, width, height = _numbers(box)
    return FacePlace(box=Box(x=x, y=y, width=width, height=height))


def _numbers(text: str) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != 4 or not all(abs(number) <= _MOST for number in numbers):  # false for NaN
        raise typer.BadParameter(f"a box is four numbers up to {_MOST:,}: x,y,width,height")
    if min(numbers[2:]) <= 0:
        raise typer.BadParameter("the width and height of a box are above 0")
    return numbers
