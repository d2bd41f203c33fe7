"""Gives the faces of an identification to the memory of visitors."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from indexer.types import Crop, Vectors
from indexer.usecases.searches.searched import Searched, SearchedFace
from indexer.visitors.memory import VisitorMemory
from indexer.visitors.visit import ProbeFace, Resemblance


def visited(
    memory: VisitorMemory,
    searched: Searched,
    faces: Sequence[SearchedFace],
    vectors: Vectors,
    crops: Sequence[Crop],
    data: bytes,
    event_id: UUID | None,
) -> list[SearchedFace]:
    """The faces with what became of them; a face that may match nobody is left alone.

    `vectors`: (n, dimension), of the faces; `data`: of the photograph; `event_id`: that of the search.
    """
    digest = hashlib.sha256(data).digest()
    visits = []
    for face, vector, crop in zip(faces, vectors, crops, strict=True):
        if face.unmatched_reason is not None or face.aligned is None:
            visits.append(face)
            continue
        probe = ProbeFace(
            aligned=face.aligned,
            vector=vector,
            people=[Resemblance(owner=hit.owner, person=hit.person) for hit in face.hits],
            crop=crop,
            image_sha256=digest,
            audit_id=event_id,
        )
        visit = memory.remember(searched.gallery, searched.card, searched.decision.threshold, probe)
        visits.append(replace(face, visit=visit))
    return visits
