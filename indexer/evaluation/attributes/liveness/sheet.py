"""A contact sheet: small pictures in rows, with a line of text below each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

from indexer.evaluation.attributes.liveness.answers import Answer
from indexer.evaluation.attributes.liveness.presentations import as_bytes
from indexer.pages.plots import new_figure
from indexer.types import Image
from indexer.vision.decoding.decoder import Decoder

_COLUMNS = 6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tile:
    picture: Image
    text: str


def tiles(answers: Sequence[Answer], decoder: Decoder, detector: str) -> list[Tile]:
    """Of answers whose picture was read."""
    return [_tile(answer, decoder, detector) for answer in answers]


def draw_sheet(sheet: Sequence[Tile], file: IO[bytes]) -> None:
    """Writes a PNG. Raises Misconfigured without the extra `report`."""
    rows = -(-len(sheet) // _COLUMNS)
    figure = new_figure(10, 2.3 * rows)
    grid = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
    for axes in grid:
        axes.axis("off")
    for axes, tile in zip(grid, sheet, strict=False):
        axes.imshow(tile.picture)
        axes.set_title(tile.text, fontsize=7)
    figure.savefig(file, format="png")


def _tile(answer: Answer, decoder: Decoder, detector: str) -> Tile:
    shown = answer.presentation
    kind = shown.kind.removeprefix("synthetic_").replace("_", " ")
    return Tile(
        picture=decoder.decode(as_bytes(shown, decoder)).pixels,
        text=f"{kind}\n{shown.file.name[:28]}\nperson: {answer.scores[detector]:.3f}",
    )
