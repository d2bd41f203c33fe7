"""Groups the faces of a folder of photographs. It can be interrupted and run again."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from indexer.errors import InvalidRequest
from indexer.pipeline import people_folder
from indexer.usecases.folder_groups import state as states
from indexer.usecases.folder_groups.group import FolderGroups, group_photographs, known_photographs
from indexer.usecases.folder_groups.photographs import FaceReader
from indexer.usecases.folder_groups.state import State

Progress = Callable[[str, int, int], object]
"""What is done, how many more are done, of how many."""
PORTION = 2_000
"""Photographs that are read between two writes of the state: a run that is killed has lost no more."""


def cluster_folder(
    reader: FaceReader,
    folder: Path,
    threshold_among: Callable[[int], float],
    *,
    state_file: Path | None = None,
    progress: Progress = lambda _what, _done, _total: None,
) -> FolderGroups:
    """The groups of the faces in all photographs of `folder` and of the folders within.

    `threshold_among`: the least mean cosine within a group, among so many faces. With `state_file`, only
    photographs that are new or have changed since the last run are read, the groups of that run are kept, and
    the file is written again. After KeyboardInterrupt the photographs that were read are grouped, and the
    result says that it was interrupted.

    Raises InvalidRequest if there is no photograph, or for a state that does not fit; OSError.
    """
    files, skipped = people_folder.photographs(folder)
    if not files:
        raise InvalidRequest(
            f"{folder} has no pictures in it" + (f"; files skipped: {len(skipped)}" if skipped else "")
        )
    made_by: dict[str, Any] = {"model": reader.pipeline.card.fingerprint, "quality": asdict(reader.gate)}
    before = None if state_file is None else states.load(state_file, made_by)
    known = known_photographs(before, folder, files)
    new = [file for file in files if file not in known]
    photographs = [before.photographs[place] for place in known.values()] if before else []
    next_id = 1 if before is None else before.next_id
    interrupted, left = False, len(new)

    def save() -> None:
        if state_file is not None:
            states.save(state_file, State(made_by=made_by, photographs=photographs, next_id=next_id))

    for start in range(0, len(new), PORTION):
        portion = new[start : start + PORTION]
        read, interrupted = reader.read(folder, portion, lambda more: progress("Reading", more, len(new)))
        photographs = sorted([*photographs, *read], key=lambda photograph: photograph.file)
        left -= len(read)
        save()
        if interrupted:
            break
    searched = sum(
        face.vector is not None and face.group is None for photo in photographs for face in photo.faces
    )
    result = group_photographs(
        photographs,
        next_id,
        threshold_among,
        lambda more: progress("Comparing", more, searched),
    )
    photographs, next_id = result.photographs, result.next_id
    save()
    return replace(
        result, skipped=skipped, new_photographs=len(new) - left, interrupted=interrupted, left=left
    )
