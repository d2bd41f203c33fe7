"""A calibration as an HTML page, one file that needs no other."""

from datetime import UTC, datetime
from functools import partial
from typing import Any

from indexer.calibration.fitting.measure import Measurement
from indexer.calibration.fitting.plot import draw
from indexer.pages import html as pages


def render(measurement: Measurement, summary: dict[str, Any]) -> str:
    """`summary`: as `gemel calibrate` makes it. Raises Misconfigured without the extra `report`."""
    curve = measurement.curve
    return pages.render(
        "calibration.html.j2",
        summary=summary,
        curve=curve,
        most=curve.most_faces(summary["fpir"]),
        suspects=measurement.suspects,
        made=datetime.now(UTC),
        picture=pages.picture(partial(draw, curve, summary["fpir"], summary["faces"])),
    )
