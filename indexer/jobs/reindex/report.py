"""A comparison as a page to look at: pictures of the rates, and the faces that the models differ about.

One file that needs nothing beside it. It shows people's faces: it is as confidential as the gallery.
"""

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from importlib.resources import files
from io import BytesIO
from typing import Any

from indexer.errors import Misconfigured
from indexer.evaluation import plot
from indexer.records import reindexes
from indexer.records.reindexes import Job, Pictured
from indexer.records.session import Database


def render(database: Database, job: Job, comparison: dict[str, Any]) -> str:
    """HTML. `comparison`: as `comparing.compare` made it. Raises Misconfigured without the extra `report`."""
    plot.require_matplotlib()
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError:
        raise Misconfigured("a report needs jinja2: pip install 'gemel[report]'") from None
    pages = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    pages.filters |= {"percent": _percent, "interval": _interval}
    page = pages.from_string(files(__package__).joinpath("report.html.j2").read_text("utf-8"))
    sides = (comparison["old"], comparison["new"])
    return page.render(
        gallery=job.gallery.name,
        made=datetime.now(UTC),
        found=comparison,
        sides=sides,
        scores=_picture(partial(plot.draw_scores, sides)),
        det=_picture(partial(plot.draw_dets, sides)) if any(side.get("det") for side in sides) else None,
        disagreements=_disagreements(database, comparison["disagreements"]["examples"]),
    )


def _disagreements(database: Database, examples: list[dict[str, Any]]) -> dict[str, list[list[Any]]]:
    """By kind, the probe and the two models' answers of each."""
    columns = ("face", "old_answer", "new_answer")
    keys = {example[column] for example in examples for column in columns} - {None}
    with database.reading() as session:
        seen = reindexes.pictured(session, keys)
    return {
        kind: [
            [_shown(seen.get(example[column])) for column in columns]
            for example in examples
            if example["kind"] == kind
        ]
        for kind in ("won", "lost")
    }


def _shown(face: Pictured | None) -> dict[str, Any] | None:
    if face is None:  # nobody was found, or the face is deleted since
        return None
    jpeg = None if face.jpeg is None else _as_url("image/jpeg", face.jpeg)
    return {"name": face.name or "without a name", "jpeg": jpeg, "identity": face.identity_id}


def _picture(draw: Callable[[BytesIO], None]) -> str:
    file = BytesIO()
    draw(file)
    return _as_url("image/png", file.getvalue())


def _as_url(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _percent(rate: float | None) -> str:
    return "not measurable" if rate is None else f"{rate:.2%}"


def _interval(bounds: list[float] | None) -> str:
    return "" if bounds is None else f"{bounds[0]:.2%} to {bounds[1]:.2%}"
