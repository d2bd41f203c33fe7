"""From what was typed to a run: options checked, faces found, and who is trained on."""

import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.progress import Progress

from indexer.cli.output import console
from indexer.cli.progress import progress_bar
from indexer.settings import Settings

if TYPE_CHECKING:
    from indexer.training.data.faces import Faces
    from indexer.training.options import Options

FAILED = "without-a-face.tsv"
FEW_PEOPLE = 500
"""To train on. Published weights have seen tens of thousands."""
SHOWN = 10
"""Photographs without a face that are named; the folder's list has all."""


@dataclass(frozen=True, slots=True)
class Wanted:
    given: dict[str, Any]
    disjoint_from: list[Path]
    overlap_score: float
    cache: Path | None
    json: Path | None


def checked(wanted: Wanted) -> "Options":
    """What can be found wrong before hours are spent on faces. Raises InvalidRequest, Misconfigured."""
    from indexer.training.data import dataset
    from indexer.training.export import check_extras
    from indexer.training.options import Options
    from indexer.training.train import begun, device_of

    for name in ("data", "out"):
        if wanted.given[name] is None:
            raise typer.BadParameter("is needed", param_hint=f"--{name}")
    options = Options(**wanted.given)
    options.check()
    check_extras()
    device_of(options)
    begun(options)
    for folder in wanted.disjoint_from:
        dataset.read(folder)
    return options


def prepared(options: "Options", wanted: Wanted, *, resume: bool) -> "tuple[Faces, Faces]":
    """All faces found: those to train on, and those to validate with. The run's folder is claimed."""
    from indexer.training.data import dataset
    from indexer.training.data import overlap as keeping_apart
    from indexer.training.loss.distillation import distillation_targets
    from indexer.training.run.folder import is_first
    from indexer.training.train import device_of

    settings = Settings()
    cache = wanted.cache or settings.home.expanduser() / "training"
    faces = _found(options.data, cache, settings, without=_failed_before(options.out) if resume else set())
    if is_first():
        _tell_failures(faces, options.out)
    strangers = faces
    for folder, called in zip(wanted.disjoint_from, _told_apart(wanted.disjoint_from), strict=True):
        others = _found(folder, cache, settings)
        with progress_bar() as bar:
            vectors = [
                distillation_targets(
                    "sface", 128, some, device_of(options), _told(bar, f"comparing with {called}", some)
                )
                for some in (faces, others)
            ]
        known = keeping_apart.find_overlaps(faces, vectors[0], others, vectors[1], score=wanted.overlap_score)
        left_out = {one.identity for one in known}
        strangers = _without(strangers, left_out)
        if is_first():
            keeping_apart.write(known, options.out / f"overlap-{called}.csv")
            console.print(
                f"{len(left_out):,} of the identities may be people of {called}: they are left out."
                f" {sum(one.same_name for one in known):,} have the same name.",
                highlight=False,
            )
    parts = dataset.split(strangers.samples, validation=options.validation, seed=options.seed)
    kept = {sample.identity for sample in parts.training}
    training, validation = strangers.where(lambda sample: sample.identity in kept), _without(strangers, kept)
    if is_first():
        _warn_of_few(training, validation)
    return training, validation


def _warn_of_few(training: "Faces", validation: "Faces") -> None:
    """Where there are too few people to learn from, or to tell a better model from a worse one by."""
    from indexer.reindex.comparison.acceptance import DETECTABLE_LOSS, people_needed

    learned, held_out = (len({one.identity for one in some.samples}) for some in (training, validation))
    needed = people_needed(DETECTABLE_LOSS)
    if learned < FEW_PEOPLE:
        console.print(
            f"[yellow]{learned:,} people are few to train on[/]: with fewer than {FEW_PEOPLE} a network may"
            " learn these faces and no others. Measure it on other people before it serves (gemel evaluate).",
            highlight=False,
        )
    if held_out < needed:
        console.print(
            f"[yellow]{held_out:,} people are few to validate with[/]: {needed} are needed to see that a"
            f" model misses {DETECTABLE_LOSS:.0%} of all people more than another does.",
            highlight=False,
        )


def _told_apart(folders: Sequence[Path]) -> list[str]:
    """A name each: its own, with a number where two are called the same."""
    names: list[str] = []
    for folder in folders:
        name, number = folder.resolve().name, 2
        while name in names:
            name, number = f"{folder.resolve().name}-{number}", number + 1
        names.append(name)
    return names


def _without(faces: "Faces", identities: set[str]) -> "Faces":
    return faces.where(lambda sample: sample.identity not in identities)


def _found(data: Path, cache: Path, settings: Settings, without: Collection[str] = frozenset()) -> "Faces":
    from indexer.embedding.weights import YUNET, locate
    from indexer.training.data import dataset
    from indexer.training.data.faces import prepare
    from indexer.vision.detect import Detector

    samples = [sample for sample in dataset.read(data) if str(sample.file) not in without]
    detector = Detector(
        locate(YUNET), min_confidence=settings.min_detection_confidence, size_px=settings.detection_size_px
    )
    with progress_bar() as bar:
        task = bar.add_task(f"faces of {data.name}", total=len(samples))
        return prepare(
            samples,
            cache,
            detector,
            max_pixels=settings.max_pixels,
            threads=max(1, os.cpu_count() or 1),
            progress=lambda done: bar.update(task, completed=done),
        )


def _tell_failures(faces: "Faces", folder: Path) -> None:
    """On the terminal the first of them, in a list all. What it held before stays: it is passed over now."""
    if not faces.failures:
        return
    lines = [f"{failure.file}\t{failure.why}" for failure in faces.failures]
    with (folder / FAILED).open("a", encoding="utf-8") as listed:
        listed.write("\n".join(lines) + "\n")
    console.print(f"{len(lines):,} photographs are left out:", highlight=False)
    for failure in faces.failures[:SHOWN]:
        console.print(f"  {failure.file}: {failure.why}", highlight=False, markup=False)
    if len(lines) > SHOWN:
        console.print(f"  ... all of them in {folder / FAILED}", highlight=False)


def _failed_before(folder: Path) -> set[str]:
    """Files that had no face, or could not be read, when the run began: it goes on without them, whatever
    they are now."""
    try:
        lines = (folder / FAILED).read_text("utf-8").splitlines()
    except FileNotFoundError:
        return set()
    return {line.split("\t")[0] for line in lines}


def _told(bar: Progress, what: str, faces: "Faces") -> Callable[[int], object]:
    task = bar.add_task(what, total=len(faces))
    return lambda done: bar.update(task, completed=done)
