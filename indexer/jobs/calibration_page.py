"""A calibration as a page to look at: one file that needs nothing beside it."""

import base64
from datetime import UTC, datetime
from importlib.resources import files
from io import BytesIO
from typing import Any

from indexer.errors import Misconfigured
from indexer.evaluation.calibration_plot import draw
from indexer.jobs.calibrating import Measured


def render(measured: Measured, told: dict[str, Any]) -> str:
    """HTML. `told`: as `gemel calibrate` tells it. Raises Misconfigured without the extra `report`."""
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError:
        raise Misconfigured("a page needs jinja2: pip install 'gemel[report]'") from None
    pages = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page = pages.from_string(files(__package__).joinpath("calibration.html.j2").read_text("utf-8"))
    picture = BytesIO()
    draw(measured.calibration, told["fpir"], told["faces"], picture)
    return page.render(
        told=told,
        found=measured.calibration,
        most=measured.calibration.most_faces(told["fpir"]),
        suspects=measured.suspects,
        made=datetime.now(UTC),
        picture=f"data:image/png;base64,{base64.b64encode(picture.getvalue()).decode()}",
    )
