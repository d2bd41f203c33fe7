"""Groups the faces of a folder's photographs, and those that have been added since the last run."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from indexer.clustering.cluster import NEW, cluster
from indexer.errors import InvalidRequest
from indexer.pipeline.people_folder import SkippedFile
from indexer.usecases.folder_groups.photographs import FileVersion, FolderFace, FolderPhotograph
from indexer.usecases.folder_groups.state import State


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlacedFace:
    file: str
    """Path within the folder."""
    face: FolderFace


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderGroup:
    id: int
    """From 1. The largest group of a first run has 1; a group keeps its id in later runs."""
    faces: list[PlacedFace]
    """Two or more, by file."""

    @property
    def size(self) -> int:
        return len(self.faces)

    @property
    def files(self) -> list[str]:
        return list(dict.fromkeys(face.file for face in self.faces))


@dataclass(frozen=True, kw_only=True)
class FolderGroups:
    photographs: list[FolderPhotograph]
    """By file; their faces have their groups."""
    threshold: float
    next_id: int
    """Higher than any id that was ever given."""
    skipped: list[SkippedFile] = field(default_factory=list)
    new_photographs: int = 0
    """Those that an earlier run had not read."""
    interrupted: bool = False
    left: int = 0
    """Photographs that were not read before the interruption."""

    @cached_property
    def faces(self) -> list[PlacedFace]:
        return [PlacedFace(file=photo.file, face=face) for photo in self.photographs for face in photo.faces]

    @cached_property
    def groups(self) -> list[FolderGroup]:
        """The largest first."""
        members: dict[int, list[PlacedFace]] = {}
        for placed in self.faces:
            if placed.face.group is not None:
                members.setdefault(placed.face.group, []).append(placed)
        found = [FolderGroup(id=number, faces=faces) for number, faces in members.items()]
        return sorted(found, key=lambda group: (-len(group.faces), group.id))

    @property
    def alone(self) -> list[PlacedFace]:
        """Faces that resemble no other."""
        return [one for one in self.faces if one.face.group is None and one.face.vector is not None]

    @property
    def poor(self) -> list[PlacedFace]:
        """Faces that the quality gate rejects; they are compared with none."""
        return [placed for placed in self.faces if placed.face.vector is None]

    @property
    def unreadable(self) -> list[FolderPhotograph]:
        return [photograph for photograph in self.photographs if photograph.code is not None]

    @property
    def without_face(self) -> int:
        return sum(photo.code is None and not photo.faces for photo in self.photographs)


def known_photographs(state: State | None, folder: Path, files: Sequence[Path]) -> dict[Path, int]:
    """For each file that has not changed since `state`, its place in `state.photographs`.

    Unreadable ones are not among them: they are tried again. Raises InvalidRequest if the state is of another
    folder.
    """
    if state is None or not state.photographs:
        return {}
    places = {photograph.file: place for place, photograph in enumerate(state.photographs)}
    known, met = {}, False
    for path in files:
        place = places.get(path.relative_to(folder).as_posix())
        met |= place is not None
        if place is not None:
            photograph = state.photographs[place]
            if photograph.code is None and photograph.version == FileVersion.of(path):
                known[path] = place
    if files and not met:
        raise InvalidRequest("the state is of another folder: none of its photographs is in this one")
    return known


def group_photographs(
    photographs: Sequence[FolderPhotograph],
    next_id: int,
    threshold_among: Callable[[int], float],
    progress: Callable[[int], object] = lambda _: None,
) -> FolderGroups:
    """Faces that have a group keep it, unless all others have left it. `next_id`: the first id to give.
    `threshold_among`: the threshold among so many faces. `progress` gets how many more of the faces without
    a group are compared."""
    compared = [face for photo in photographs for face in photo.faces if face.vector is not None]
    threshold = threshold_among(len(compared))
    done = 0

    def advance(compared_faces: int) -> None:  # `cluster` counts from the first face on
        nonlocal done
        progress(compared_faces - done)
        done = compared_faces

    numbers = _cluster(compared, threshold, advance)
    kept_ids = {face.group for face in compared}
    sizes = Counter(numbers)
    ids: dict[int, int | None] = {}
    for number, size in sizes.most_common():  # of one size, in the order of their first faces
        if size == 1:
            ids[number] = None
        elif number in kept_ids:
            ids[number] = number
        else:
            ids[number], next_id = next_id, next_id + 1
    number_of = iter(numbers)
    grouped = [
        replace(
            photo,
            faces=[
                face if face.vector is None else replace(face, group=ids[next(number_of)])
                for face in photo.faces
            ],
        )
        for photo in photographs
    ]
    return FolderGroups(photographs=grouped, threshold=threshold, next_id=next_id)


def _cluster(faces: Sequence[FolderFace], threshold: float, progress: Callable[[int], object]) -> list[int]:
    """The number of the group of each face, which have vectors: its id, or a higher number than any id."""
    vectors = [face.vector for face in faces if face.vector is not None]
    if not vectors:
        return []
    groups = np.array([NEW if face.group is None else face.group for face in faces])
    numbers = cluster(np.stack(vectors), threshold, groups=groups, progress=progress)
    return [int(number) for number in numbers]
