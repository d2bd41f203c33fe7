"""What shards answer, and how the answers of all shards become one.

An answer has the arrays of the index, some kilobytes, which Ray sends within its message. A search for faces
answers with the same arrays as one for people. A shard holds whole people, so the best people of the gallery
are the best of the shards' best people.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.index.people.search import PeopleAnswer
from indexer.types import Keys, LogPosition

Scores = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardState:
    """Of one copy of a shard, at the time of its answer."""

    position: LogPosition
    """Of the last change that the answer has."""
    removed_at: int
    """No face was removed by a later change that the answer has."""
    faces: int
    count: int
    """Faces and person templates."""
    memory_bytes: int
    digest: str
    tier: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShardAnswer:
    state: ShardState
    people: PeopleAnswer | None = None
    """None where nothing was searched for."""
    selected_faces: int = 0
    """Faces of the people of the selection, where there is one."""
    lacks_selection: bool = False
    """It does not know the selection yet, of which only the checksum was sent: nothing was searched."""


def no_people() -> PeopleAnswer:
    """The answer to no probes: arrays of shape (0, 0)."""
    return faces_as_people(np.empty((0, 0), np.float32), np.empty((0, 0), np.int64))


def faces_as_people(scores: Scores, keys: Keys) -> PeopleAnswer:
    """The nearest faces, as if each were a person without a template. `scores` and `keys`: shape (n, k)."""
    return PeopleAnswer(
        scores=scores,
        keys=keys,
        face_scores=scores,
        template_scores=np.full_like(scores, np.nan),
        faces=np.zeros_like(keys),
    )


def merged(answers: Sequence[PeopleAnswer], k: int) -> PeopleAnswer:
    """The k best of each probe, from the answers of all shards, at least one. Of equal scores the lower key
    comes first, whichever shard has it."""
    scores, keys, face_scores, template_scores, faces = (
        np.concatenate(parts, axis=1) for parts in zip(*answers, strict=True)
    )
    best = np.lexsort((keys, -scores, keys < 0), axis=1)[:, :k]
    return PeopleAnswer(
        scores=np.take_along_axis(scores, best, axis=1),
        keys=np.take_along_axis(keys, best, axis=1),
        face_scores=np.take_along_axis(face_scores, best, axis=1),
        template_scores=np.take_along_axis(template_scores, best, axis=1),
        faces=np.take_along_axis(faces, best, axis=1),
    )
