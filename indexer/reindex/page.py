"""A comparison as a page to look at: pictures of the rates, and the faces that the models differ about.

One file that needs nothing beside it. It shows people's faces: it is as confidential as the gallery.
"""

from datetime import UTC, datetime
from functools import partial
from typing import Any

from indexer.evaluation.leave_one_out import plot as comparison_plots
from indexer.pages import html as pages
from indexer.records import reindexes
from indexer.records.database.session import Database
from indexer.records.reindexes import FacePicture, Job


def render(database: Database, job: Job, comparison: dict[str, Any]) -> str:
    """HTML. `comparison`: as `comparing.compare` made it. Raises Misconfigured without the extra `report`."""
    pages.require()
    sides = (comparison["old"], comparison["new"])
    return pages.render(
        "reindex.html.j2",
        gallery=job.gallery.name,
        made=datetime.now(UTC),
        found=comparison,
        sides=sides,
        scores=pages.picture(partial(comparison_plots.draw_scores, sides)),
        det=pages.picture(partial(comparison_plots.draw_dets, sides))
        if any(side.get("det") for side in sides)
        else None,
        disagreements=_disagreements(database, comparison["disagreements"]["examples"]),
    )


def _disagreements(database: Database, examples: list[dict[str, Any]]) -> dict[str, list[list[Any]]]:
    """By kind, the probe and the two models' answers of each."""
    columns = ("face", "old_answer", "new_answer")
    keys = {example[column] for example in examples for column in columns} - {None}
    with database.reading() as session:
        seen = reindexes.face_pictures(session, keys)
    return {
        kind: [
            [_shown(seen.get(example[column])) for column in columns]
            for example in examples
            if example["kind"] == kind
        ]
        for kind in ("won", "lost")
    }


def _shown(face: FacePicture | None) -> dict[str, Any] | None:
    if face is None:  # nobody was found, or the face is deleted since
        return None
    jpeg = None if face.jpeg is None else pages.as_url("image/jpeg", face.jpeg)
    return {"name": face.name or "without a name", "jpeg": jpeg, "identity": face.identity_id}
