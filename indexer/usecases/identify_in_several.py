"""Who is in this photograph, out of several galleries?

The photograph is decoded once and its faces are detected once; each model embeds them once. Each gallery is
searched with its own model, policy and number of faces. Only after all were searched is anything recorded: a
gallery that cannot be searched is an error of the whole request. No gallery remembers visitors: who is a
stranger to one gallery may be well known in another.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from indexer.errors import EmbeddingsMissing
from indexer.pipeline.pipeline import AlignedFace, Photograph, Pipeline
from indexer.records.audit.search_details import SearchKind
from indexer.records.tables import Gallery
from indexer.request_timings import Stopwatch
from indexer.types import Attribute, Vectors
from indexer.usecases import liveness
from indexer.usecases.identify import Identifier
from indexer.usecases.searches.options import GalleryHits, SearchedPicture, SearchOptions
from indexer.usecases.searches.results import Identification
from indexer.vision.align import ARCFACE_112
from indexer.vision.place import FacePlace

_ATTEMPTS = 3
"""Attempts, where a gallery changes its model in the meantime."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GalleryIdentification:
    gallery: str
    identification: Identification


def identify_in_several(
    identifier: Identifier,
    names: Sequence[str],
    data: bytes,
    options: SearchOptions,
    *,
    max_faces: int = 1,
    place: FacePlace | None = None,
    attributes: Collection[Attribute] = (),
    watch: Stopwatch | None = None,
) -> list[GalleryIdentification]:
    """As `Identifier.identify`, of each of the galleries, in their order; the faces are the same in all.

    `attributes`: those that each of the galleries permits.

    Raises what `Identifier.identify` raises, for any of them.
    """
    watch = watch or Stopwatch()
    options = replace(options, attributes=tuple(attributes))
    for attempt in range(_ATTEMPTS):
        galleries = [identifier.gallery(name, 0, watch) for name in names]
        for gallery, _ in galleries:
            identifier.attributes.check(attributes, gallery.attributes)
            liveness.check(identifier.attributes, gallery.liveness)
        try:
            return _identify(identifier, galleries, data, options, max_faces, place, attributes, watch)
        except EmbeddingsMissing:
            switched = any(identifier.is_switched(gallery) for gallery, _ in galleries)
            if not switched or attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("the last attempt returns or raises")


def _identify(
    identifier: Identifier,
    galleries: Sequence[tuple[Gallery, Pipeline]],
    data: bytes,
    options: SearchOptions,
    max_faces: int,
    place: FacePlace | None,
    attributes: Collection[Attribute],
    watch: Stopwatch,
) -> list[GalleryIdentification]:
    pipelines = {pipeline.card.fingerprint: pipeline for _, pipeline in galleries}
    first = next(iter(pipelines.values()))
    keeps = any(identifier.recorder.keeps_probes(gallery) for gallery, _ in galleries)
    needed = {gallery.id: liveness.to_estimate(attributes, gallery.liveness) for gallery, _ in galleries}
    by_any = set().union(*needed.values())
    with identifier.attributes.turn(by_any, watch):
        photograph = first.detect(
            data, watch, max_faces=max_faces, place=place, detail=_detail(pipelines.values())
        )
        crops = photograph.crops() if keeps else []
        faces = {
            fingerprint: photograph.faces if pipeline is first else _aligned(pipeline, photograph)
            for fingerprint, pipeline in pipelines.items()
        }
        estimates = identifier.attributes.estimate(photograph, by_any, watch, _permitted(galleries))
    faces_found = photograph.faces_found
    del photograph  # its pixels are not needed while the request waits for the networks
    probes: dict[str, Vectors] = {
        fingerprint: pipeline.embed(faces[fingerprint], watch) for fingerprint, pipeline in pipelines.items()
    }
    found: list[GalleryHits] = [
        identifier.find(
            SearchKind.IDENTIFY, gallery, pipeline.card, probes[pipeline.card.fingerprint], options, watch
        )
        for gallery, pipeline in galleries
    ]
    answers = []
    for (gallery, pipeline), one in zip(galleries, found, strict=True):
        picture = SearchedPicture(
            data=None,
            faces=faces[pipeline.card.fingerprint],
            faces_found=faces_found,
            probes=probes[pipeline.card.fingerprint],
            crops=crops,
            estimates=[
                {name: face[name] for name in needed[gallery.id] if name in face} for face in estimates
            ],
        )
        answers.append(
            GalleryIdentification(
                gallery=gallery.name, identification=identifier.answer(one, picture, options, watch)
            )
        )
    return answers


def _permitted(galleries: Sequence[tuple[Gallery, Pipeline]]) -> set[str] | None:
    """Attributes that each of the galleries permits, since the estimates go into the answers of all; None:
    whatever the installation permits."""
    policies = [set(gallery.attributes) for gallery, _ in galleries if gallery.attributes is not None]
    return set.intersection(*policies) if policies else None


def _detail(pipelines: Iterable[Pipeline]) -> float:
    """Pixels that a face needs for each one of `ARCFACE_112`, along a side: those of the largest template of
    the models."""
    sides = [template.side_px for pipeline in pipelines for template in pipeline.templates]
    return max(1.0, max(sides) / ARCFACE_112.side_px)


def _aligned(pipeline: Pipeline, photograph: Photograph) -> list[AlignedFace]:
    """The faces as another model takes them in. Their quality is one for all models."""
    return [
        replace(pipeline.align(photograph.pixels, face.face, photograph.divisor), quality=face.quality)
        for face in photograph.faces
    ]
