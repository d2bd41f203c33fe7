"""A calibration as an HTML page: one file that needs no other."""

from datetime import UTC, datetime
from functools import partial
from typing import Any

from indexer.calibration.fitting.measure import Measured
from indexer.calibration.fitting.plot import draw
from indexer.pages import html as pages


def render(measured: Measured, told: dict[str, Any]) -> str:
    """HTML. `told`: as `gemel calibrate` tells it. Raises Misconfigured without the extra `report`."""
    found = measured.calibration
    return pages.render(
        "calibration.html.j2",
        told=told,
        found=found,
        most=found.most_faces(told["fpir"]),
        suspects=measured.suspects,
        made=datetime.now(UTC),
        picture=pages.picture(partial(draw, found, told["fpir"], told["faces"])),
    )
