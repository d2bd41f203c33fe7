"""A calibration as an HTML page: one file that needs no other."""

from datetime import UTC, datetime
from functools import partial
from typing import Any

from indexer.calibration.fitting.measure import Measurement
from indexer.calibration.fitting.plot import draw
from indexer.pages import html as pages


def render(measured: Measurement, summary: dict[str, Any]) -> str:
    """HTML. `summary`: as `gemel calibrate` tells it. Raises Misconfigured without the extra `report`."""
    found = measured.curve
    return pages.render(
        "calibration.html.j2",
        summary=summary,
        found=found,
        most=found.most_faces(summary["fpir"]),
        suspects=measured.suspects,
        made=datetime.now(UTC),
        picture=pages.picture(partial(draw, found, summary["fpir"], summary["faces"])),
    )
