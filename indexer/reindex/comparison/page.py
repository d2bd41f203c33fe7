"""A comparison as an HTML page: plots of the rates, and the faces that the models disagree about.

One file that needs no other. It shows people's faces, so it is as confidential as the gallery.
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
    """`comparison`: what `compare_models` returned. Raises Misconfigured without the extra `report`."""
    pages.require()
    sides = (comparison["old"], comparison["new"])
    return pages.render(
        "reindex.html.j2",
        gallery=job.gallery.name,
        made=datetime.now(UTC),
        comparison=comparison,
        sides=sides,
        scores=pages.picture(partial(comparison_plots.draw_scores, sides)),
        det=pages.picture(partial(comparison_plots.draw_dets, sides))
        if any(side.get("det") for side in sides)
        else None,
        disagreements=_disagreements(database, comparison["disagreements"]["examples"]),
    )


def _disagreements(database: Database, examples: list[dict[str, Any]]) -> dict[str, list[list[Any]]]:
    """By kind: rows of the probe and the two models' answers."""
    columns = ("face", "old_answer", "new_answer")
    keys = {example[column] for example in examples for column in columns} - {None}
    with database.reading() as session:
        pictures = reindexes.face_pictures(session, keys)
    return {
        kind: [
            [_picture(pictures.get(example[column])) for column in columns]
            for example in examples
            if example["kind"] == kind
        ]
        for kind in ("won", "lost")
    }


def _picture(face: FacePicture | None) -> dict[str, Any] | None:
    if face is None:  # there was no answer, or the face has since been deleted
        return None
    jpeg = None if face.jpeg is None else pages.as_url("image/jpeg", face.jpeg)
    return {"name": face.name or "without a name", "jpeg": jpeg, "identity": face.identity_id}
