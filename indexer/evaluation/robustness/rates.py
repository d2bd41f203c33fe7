"""The rates of identification with degraded probes, by kind and level of degradation.

The gallery has clean images. Each probe goes through the whole pipeline: decode, degrade, detect, align,
embed. A face that is no longer detected is a miss. The threshold is that of the clean probes at an FPIR of
1 %, as an operator would set it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np

from indexer.errors import InvalidInput
from indexer.evaluation.identification.rates import Searches, search
from indexer.evaluation.intervals import RESAMPLES, Interval, Tradeoff, draws, interval_of
from indexer.evaluation.lfw import Person
from indexer.evaluation.open_set import OpenSet, roles, split
from indexer.evaluation.robustness.conditions import CLEAN, Level, Series
from indexer.pipeline.embed_files import Change, Embeddings, central_face, embed_with
from indexer.pipeline.pipeline import Pipeline
from indexer.types import Face, Image

FPIR = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionRates:
    series: str
    level: str
    value: float
    not_found: float
    """Share of all probes, mated and non-mated, without a detected face."""
    rank1: float
    rank1_interval: Interval | None
    fnir: float
    """At the threshold of the clean condition."""
    fnir_interval: Interval | None
    fpir: float
    """At the same threshold: whether degraded images raise false alarms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RobustnessResult:
    gallery: int
    mated: int
    nonmated: int
    threshold: float
    clean: ConditionRates
    conditions: tuple[ConditionRates, ...]
    undetected: int
    """Clean images, of gallery and probes, without a detected face. They count as misses."""
    seconds: float
    model: str


def subset(people: Sequence[Person], most: int, *, seed: int = 0) -> OpenSet:
    """An open set of at most `most` people with several images, two images each, and as many people with one
    image, drawn at random with `seed`.

    Raises InvalidRequest as `open_set.split` does.
    """
    rng = np.random.default_rng(seed)
    several = [person for person in people if len(person.images) > 1]
    single = [person for person in people if len(person.images) == 1]
    chosen = [
        Person(name=group[place].name, images=group[place].images[:2])
        for group in (several, single)
        for place in sorted(rng.permutation(len(group))[:most])
    ]
    return split(chosen)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EmbeddedConditions:
    clean: list[Embeddings]
    """Per pipeline: the embeddings of all clean images."""
    degraded: list[tuple[Series, Level, list[Embeddings]]]
    """Per pipeline: the embeddings of the degraded probes."""
    faces: dict[Path, Face | None]
    """The face in each clean probe."""


def embed_conditions(
    pipelines: Sequence[Pipeline],
    open_set: OpenSet,
    series: Sequence[Series],
    progress: Callable[[int], object] | None = None,
) -> EmbeddedConditions:
    """`progress` is called with the number of images done, of `images_of`."""
    probes = (*open_set.mated, *open_set.nonmated)
    every = (*open_set.gallery, *probes)
    clean = embed_with(pipelines, every, progress)
    faces = {file: _clean_face(pipelines[0], file) for file in probes}
    done = len(every)
    degraded = []
    for one in series:
        for level in one.levels:
            advance = None if progress is None else _after(progress, done)
            change = _change(one, level, faces)
            degraded.append((one, level, embed_with(pipelines, probes, advance, change=change)))
            done += len(probes)
    return EmbeddedConditions(clean=clean, degraded=degraded, faces=faces)


def images_of(open_set: OpenSet, series: Sequence[Series]) -> int:
    """The number of images that `embed_conditions` embeds."""
    probes = len(open_set.mated) + len(open_set.nonmated)
    return len(open_set.gallery) + probes * (1 + sum(len(one.levels) for one in series))


def measure(
    embedded: EmbeddedConditions, place: int, open_set: OpenSet, *, seconds: float, model: str
) -> RobustnessResult:
    """The result of the pipeline at index `place`."""
    clean = embedded.clean[place]
    searches = _search(clean, clean, open_set)
    tradeoff = Tradeoff(searches.hits, searches.nonmated)
    threshold = tradeoff.threshold(np.ones(len(searches.nonmated), np.int64), FPIR)
    return RobustnessResult(
        gallery=len(open_set.gallery),
        mated=len(open_set.mated),
        nonmated=len(open_set.nonmated),
        threshold=threshold,
        clean=_rates(CLEAN, CLEAN, 0.0, clean, clean, open_set, threshold),
        conditions=tuple(
            _rates(series.name, level.label, level.value, clean, probes[place], open_set, threshold)
            for series, level, probes in embedded.degraded
        ),
        undetected=clean.undetected,
        seconds=seconds,
        model=model,
    )


def _rates(
    series: str,
    level: str,
    value: float,
    enrolled: Embeddings,
    probes: Embeddings,
    open_set: OpenSet,
    threshold: float,
) -> ConditionRates:
    searches = _search(enrolled, probes, open_set)
    tradeoff = Tradeoff(searches.hits, searches.nonmated)
    rank1s, fnirs = [], []
    for weights in draws(searches.mates, RESAMPLES, 0):
        rank1s.append(tradeoff.found(weights))
        fnirs.append(1 - tradeoff.found(weights, threshold))
    _, seen = probes.of((*open_set.mated, *open_set.nonmated))
    every = np.ones(len(searches.own), np.int64)
    people = len(np.unique(searches.mates))
    rank1, fnir = tradeoff.found(every), 1 - tradeoff.found(every, threshold)
    return ConditionRates(
        series=series,
        level=level,
        value=value,
        not_found=float((~seen).mean()),
        rank1=rank1,
        rank1_interval=interval_of(rank1, rank1s, people),
        fnir=fnir,
        fnir_interval=interval_of(fnir, fnirs, people),
        fpir=float((searches.nonmated > threshold).mean()),
    )


def _search(enrolled: Embeddings, probes: Embeddings, open_set: OpenSet) -> Searches:
    """As `identification.rates.search`, with gallery and probes embedded separately."""
    searched = (*open_set.mated, *open_set.nonmated)
    files = (*open_set.gallery, *searched)
    parts = (enrolled.of(open_set.gallery), probes.of(searched))
    vectors, found = (np.concatenate(both) for both in zip(*parts, strict=True))
    both = Embeddings(files=files, vectors=vectors, found=found)
    return search(both.vectors, both.found, roles(both, open_set))


def _change(series: Series, level: Level, faces: dict[Path, Face | None]) -> Change:
    def change(file: Path, image: Image) -> Image:
        face = faces[file]
        if face is None:  # not found in the clean image: its size and place are unknown
            return image
        # A generator per image and level: the result does not depend on the order of the threads.
        rng = np.random.default_rng(crc32(f"{series.name} {level.label} {file.name}".encode()))
        return level.apply(image, face, rng)

    return change


def _clean_face(pipeline: Pipeline, file: Path) -> Face | None:
    try:
        return central_face(pipeline, pipeline.decoder.decode(file.read_bytes()).pixels)
    except (InvalidInput, OSError):
        return None


def _after(progress: Callable[[int], object], done: int) -> Callable[[int], object]:
    return lambda more: progress(done + more)
