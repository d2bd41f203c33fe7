"""What shards answer, and how the answers of all shards become one.

Answers hold arrays, some kilobytes, which travel within Ray's message. A shard holds whole people, so that
the best people of the gallery are the best of the shards' best people.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.index.live import near_people, neighbours
from indexer.index.people.search import PeopleAnswer
from indexer.types import Keys, LogPosition, NearPerson, Neighbour

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
class Rows:
    """The best people, or faces, of each of n probes, best first: arrays of shape (n, k)."""

    keys: Keys
    """-1 where there are no more."""
    scores: Scores
    face_scores: Scores
    """Of people only, like the following; equal to `scores` for faces."""
    template_scores: Scores
    """NaN where there is no template."""
    faces: NDArray[np.int64]
    """0 where there is no template."""

    @classmethod
    def empty(cls, probes: int, k: int) -> "Rows":
        return cls(
            keys=np.full((probes, k), -1, np.int64),
            scores=np.zeros((probes, k), np.float32),
            face_scores=np.zeros((probes, k), np.float32),
            template_scores=np.full((probes, k), np.nan, np.float32),
            faces=np.zeros((probes, k), np.int64),
        )

    @classmethod
    def of_people(cls, found: Sequence[Sequence[NearPerson]]) -> "Rows":
        rows = cls.empty(len(found), max(map(len, found), default=0))
        for place, people in enumerate(found):
            for column, person in enumerate(people):
                rows.keys[place, column] = person.key
                rows.scores[place, column] = person.score
                rows.face_scores[place, column] = person.face_score
                if person.template_score is not None:
                    rows.template_scores[place, column] = person.template_score
                rows.faces[place, column] = person.faces or 0
        return rows

    @classmethod
    def of_neighbours(cls, found: Sequence[Sequence[Neighbour]]) -> "Rows":
        return cls.of_people(
            [
                [
                    NearPerson(
                        key=face.key, score=face.score, face_score=face.score, template_score=None, faces=None
                    )
                    for face in row
                ]
                for row in found
            ]
        )

    def people(self) -> list[list[NearPerson]]:
        return near_people(
            PeopleAnswer(self.scores, self.keys, self.face_scores, self.template_scores, self.faces)
        )

    def neighbours(self) -> list[list[Neighbour]]:
        return neighbours(self.scores, self.keys)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShardAnswer:
    state: ShardState
    rows: Rows | None = None
    """None where nothing was searched for."""
    selected_faces: int = 0
    """Faces of the people of the selection, where there is one."""
    lacks_selection: bool = False
    """It does not know the selection yet, of which only the checksum was sent: nothing was searched."""


def merged(answers: Sequence[Rows], k: int) -> Rows:
    """The k best of each probe. Of equal scores the lower key comes first, whichever shard has it."""
    keys, scores, face_scores, template_scores, faces = (
        np.concatenate([getattr(rows, name) for rows in answers], axis=1)
        for name in ("keys", "scores", "face_scores", "template_scores", "faces")
    )
    order = np.lexsort((keys, -scores, keys < 0), axis=1)[:, :k]
    return Rows(
        keys=np.take_along_axis(keys, order, axis=1),
        scores=np.take_along_axis(scores, order, axis=1),
        face_scores=np.take_along_axis(face_scores, order, axis=1),
        template_scores=np.take_along_axis(template_scores, order, axis=1),
        faces=np.take_along_axis(faces, order, axis=1),
    )
