"""The options of a search of a gallery, and its hits before they are counted and recorded."""

from collections.abc import Sequence
from dataclasses import dataclass

from indexer.attributes.estimate import Estimates
from indexer.pipeline.pipeline import AlignedFace
from indexer.records.filters.people_filter import PeopleFilter
from indexer.types import Attribute, Crop, Vectors
from indexer.usecases.searches.nearest import NearestPeople
from indexer.usecases.searches.searched import Searched


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOptions:
    max_candidates: int = 5
    """Of each face."""
    unique_identities: bool = False
    """Whether each person is a candidate of one face only, the most similar one."""
    threshold: float | None = None
    """The least score of a match; None: by the gallery's policy and the number of faces searched."""
    among: PeopleFilter | None = None
    """Only these people are searched; None: everybody."""
    metadata: bool = False
    """Whether candidates have the metadata of their people."""
    attributes: tuple[Attribute, ...] = ()
    """That the caller asks for, for the audit record."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SearchedPicture:
    """The faces of a picture, as the model of a gallery takes them in."""

    data: bytes | None
    """The file, where the gallery remembers visitors; None: it leaves them as they are."""
    faces: Sequence[AlignedFace]
    """The largest first; those that are searched for."""
    faces_found: int
    """How many there are in the picture."""
    probes: Vectors
    """Of the faces, (n, dimension)."""
    crops: Sequence[Crop]
    """Of the faces, where they are kept or remembered; else empty."""
    estimates: Sequence[Estimates]
    """Of each face, the attributes that the request asks for."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GalleryHits:
    searched: Searched
    nearest: NearestPeople
