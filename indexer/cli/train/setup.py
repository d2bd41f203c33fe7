"""Prepares a run: checks the options, detects the faces, and splits them into training and validation."""

import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.progress import Progress

from indexer.cli.output import console
from indexer.cli.progress import progress_bar
from indexer.cli.train.output import print_options
from indexer.settings import Settings

if TYPE_CHECKING:
    from indexer.training.data.faces import Faces
    from indexer.training.options import Options

FAILED = "without-a-face.tsv"
FEW_PEOPLE = 500
"""With fewer people to train on there is a warning. Published weights have seen tens of thousands."""
SHOWN = 10
"""Number of photographs without a face that are printed; the file in the folder lists all."""


@dataclass(frozen=True, slots=True)
class Request:
    """The command line."""

    given: dict[str, Any]
    """The values of the options that it has, by name."""
    disjoint_from: list[Path]
    overlap_score: float
    cache: Path | None
    resume: bool
    json: Path | None


def check(request: Request) -> "Options":
    """Completes the options by the recipe, prints them, and checks all that can be checked before hours of
    work. Raises InvalidRequest, Misconfigured."""
    from indexer.training.data import dataset
    from indexer.training.defaults import complete
    from indexer.training.export import check_extras
    from indexer.training.network import initial
    from indexer.training.options import Options
    from indexer.training.run.folder import is_first, read_options

    names = {field.name for field in fields(Options)}
    given = {name: value for name, value in request.given.items() if name in names}
    for name in ("data", "out"):
        if name not in given:
            raise typer.BadParameter("is required", param_hint=f"--{name}")
    before = read_options(given["out"]) if request.resume else {}
    options = complete(given, before)
    check_extras()
    initial(options)
    for folder in request.disjoint_from:
        dataset.read(folder)
    if is_first():
        print_options(options, given, resumed=bool(before))
        if not request.disjoint_from:
            console.print(
                "[yellow]no --disjoint-from[/]: people of the training data may also be in the data that you"
                " evaluate on, and its figures would then be too good. Name that data to exclude them.",
                highlight=False,
            )
    return options


def prepare_faces(options: "Options", request: Request, *, resume: bool) -> "tuple[Faces, Faces]":
    """The faces to train on, and the faces to validate with. The caller holds the lock of the run's
    folder."""
    from indexer.training.data import dataset, overlap
    from indexer.training.distributed import device_of
    from indexer.training.loss.distillation import distillation_targets
    from indexer.training.run.folder import is_first

    settings = Settings()
    cache = request.cache or settings.home.expanduser() / "training"
    faces = _detected(options.data, cache, settings, without=_failed_before(options.out) if resume else set())
    if is_first():
        _report_failures(faces, options.out)
    disjoint = faces
    for folder, name in zip(request.disjoint_from, names_of(request.disjoint_from), strict=True):
        others = _detected(folder, cache, settings)
        with progress_bar() as bar:
            vectors = [
                distillation_targets(
                    "sface", 128, some, device_of(options), _progress(bar, f"comparing with {name}", some)
                )
                for some in (faces, others)
            ]
        overlaps = overlap.find_overlaps(faces, vectors[0], others, vectors[1], score=request.overlap_score)
        excluded = {one.identity for one in overlaps}
        disjoint = _without(disjoint, excluded)
        if is_first():
            overlap.write(overlaps, options.out / f"overlap-{name}.csv")
            console.print(
                f"{len(excluded):,} identities may be people of {name} and are excluded;"
                f" {sum(one.same_name for one in overlaps):,} of them have the same name.",
                highlight=False,
            )
    parts = dataset.split(disjoint.samples, validation=options.validation, seed=options.seed)
    trained = {sample.identity for sample in parts.training}
    training, validation = (
        disjoint.where(lambda sample: sample.identity in trained),
        _without(disjoint, trained),
    )
    if is_first():
        _warn_about_few(training, validation)
    return training, validation


def _warn_about_few(training: "Faces", validation: "Faces") -> None:
    """Warns if there are too few people to learn from, or to tell a better model from a worse one."""
    from indexer.reindex.comparison.acceptance import DETECTABLE_LOSS, people_needed

    learned, held_out = (len({one.identity for one in some.samples}) for some in (training, validation))
    needed = people_needed(DETECTABLE_LOSS)
    if learned < FEW_PEOPLE:
        console.print(
            f"[yellow]{learned:,} people are few to train on[/]: with fewer than {FEW_PEOPLE} a network may"
            " overfit. Evaluate it on other people before it serves (gemel evaluate).",
            highlight=False,
        )
    if held_out < needed:
        console.print(
            f"[yellow]{held_out:,} people are few to validate with[/]: {needed} are needed to detect"
            f" that a model misses {DETECTABLE_LOSS:.0%} more of all people than another.",
            highlight=False,
        )


def names_of(folders: Sequence[Path]) -> list[str]:
    """The folders' names, with a number if two have the same name."""
    names: list[str] = []
    for folder in folders:
        name, number = folder.resolve().name, 2
        while name in names:
            name, number = f"{folder.resolve().name}-{number}", number + 1
        names.append(name)
    return names


def _without(faces: "Faces", identities: set[str]) -> "Faces":
    return faces.where(lambda sample: sample.identity not in identities)


def _detected(data: Path, cache: Path, settings: Settings, without: Collection[str] = frozenset()) -> "Faces":
    from indexer.training.data import dataset
    from indexer.training.data.faces import prepare
    from indexer.vision.detection.detect import Detector
    from indexer.vision.detection.refine import LandmarkRefiner
    from indexer.vision.detection.yunet import YuNet
    from indexer.weights.locate import locate
    from indexer.weights.published import YUNET

    samples = [sample for sample in dataset.read(data) if str(sample.file) not in without]
    threads = max(1, os.cpu_count() or 1)
    network = YuNet(locate(YUNET), min_confidence=settings.min_detection_confidence, threads=threads)
    with progress_bar() as bar:
        task = bar.add_task(f"detecting faces of {data.name}", total=len(samples))
        return prepare(
            samples,
            cache,
            Detector(network, size_px=settings.detection_size_px),
            LandmarkRefiner(locate(YUNET), threads=threads),
            max_pixels=settings.max_pixels,
            threads=threads,
            progress=lambda done: bar.update(task, completed=done),
        )


def _report_failures(faces: "Faces", folder: Path) -> None:
    """Prints the first failures, and appends all to the list in `folder`. A resumed run skips the listed
    files."""
    if not faces.failures:
        return
    lines = [f"{failure.file}\t{failure.why}" for failure in faces.failures]
    with (folder / FAILED).open("a", encoding="utf-8") as listed:
        listed.write("\n".join(lines) + "\n")
    console.print(f"{len(lines):,} photographs are skipped:", highlight=False)
    for failure in faces.failures[:SHOWN]:
        console.print(f"  {failure.file}: {failure.why}", highlight=False, markup=False)
    if len(lines) > SHOWN:
        console.print(f"  ... the full list is in {folder / FAILED}", highlight=False)


def _failed_before(folder: Path) -> set[str]:
    """Files without a face, or unreadable, at the start of the run. A resumed run skips them even if they
    have changed."""
    try:
        lines = (folder / FAILED).read_text("utf-8").splitlines()
    except FileNotFoundError:
        return set()
    return {line.split("\t")[0] for line in lines}


def _progress(bar: Progress, what: str, faces: "Faces") -> Callable[[int], object]:
    task = bar.add_task(what, total=len(faces))
    return lambda done: bar.update(task, completed=done)
