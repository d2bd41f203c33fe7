"""Groups of faces as an HTML page: a contact sheet for each, one file that needs no other."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from indexer.errors import GemelError
from indexer.files import open_regular
from indexer.pages import html as pages
from indexer.pipeline.pipeline import Pipeline
from indexer.usecases.folder_groups.group import FolderGroups, PlacedFace
from indexer.vision.align import crop_with_margin
from indexer.vision.thumbnail import thumbnail

SIDE_PX = 112
"""Of a face on the page."""
FACES_EACH = 36
"""Faces of a group that the page shows."""
FACES = 3_000
"""Faces that the page shows together: some 12 MB. JSON has all."""


def render(result: FolderGroups, folder: Path, pipeline: Pipeline, *, threads: int) -> str:
    """The photographs with the faces that are shown are read once more. Raises Misconfigured without the
    extra `report`."""
    sheets = []
    room = FACES
    for group in result.groups:
        if room < min(len(group.faces), FACES_EACH):
            break
        sheets.append((group, group.faces[:FACES_EACH]))
        room -= len(sheets[-1][1])
    alone = result.alone[: min(room, FACES_EACH)]
    shown = [*alone, *(placed for _, faces in sheets for placed in faces)]
    return pages.render(
        "groups.html.j2",
        folder=folder.resolve().name,
        found=result,
        model=pipeline.card.fingerprint,
        sheets=sheets,
        alone=alone,
        crops=_crops(shown, folder, pipeline, threads),
        made=datetime.now(UTC),
    )


def _crops(
    shown: Sequence[PlacedFace], folder: Path, pipeline: Pipeline, threads: int
) -> dict[PlacedFace, str]:
    """Data URLs; a face whose photograph cannot be read any more has none."""
    by_file: dict[str, list[PlacedFace]] = {}
    for placed in shown:
        by_file.setdefault(placed.file, []).append(placed)

    def cut(file: str) -> dict[PlacedFace, str]:
        try:
            with open_regular(folder / file) as opened:
                picture = pipeline.decoder.decode(opened.read())
        except (GemelError, OSError):
            return {}
        return {
            placed: pages.as_url(
                "image/jpeg",
                thumbnail(
                    crop_with_margin(picture.pixels, placed.face.landmarks, divisor=picture.divisor).jpeg,
                    SIDE_PX,
                ),
            )
            for placed in by_file[file]
        }

    with ThreadPoolExecutor(threads, thread_name_prefix="crop") as pool:
        parts = list(pool.map(cut, by_file))
    return {placed: url for part in parts for placed, url in part.items()}
