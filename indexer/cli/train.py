"""`gemel train`: twins from labelled photographs. Imports the engine inside the commands: see `people`."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from indexer.cli.output import Json, console, out, print_json
from indexer.settings import Settings

if TYPE_CHECKING:
    from indexer.training.faces import Faces
    from indexer.training.options import Options
    from indexer.training.sweep import Row
    from indexer.training.train import Outcome

SHOWN = 10
"""Photographs without a face that are named; the folder's list has all."""

app = typer.Typer(
    help="Train twins with shared weights and a contrastive loss, or start from published weights.",
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Data = Annotated[
    Path | None,
    typer.Option(help="A folder a person, or a CSV of `file,identity`.", show_default=False),
]
Out = Annotated[Path | None, typer.Option(help="Folder for what comes out.", show_default=False)]
Trunk = Annotated[
    str, typer.Option(help="paper (from nothing), or sface, dlib-resnet (from published weights).")
]
Dimension = Annotated[int, typer.Option(help="Of the embeddings.")]
Distance = Annotated[str, typer.Option(help="cosine (of embeddings of length 1, as served) or euclidean.")]
Margin = Annotated[float, typer.Option(help="m of the loss.")]
NegativesKind = Annotated[str, typer.Option("--negatives", help="random, semihard or hardest.")]
Steps = Annotated[int, typer.Option()]
Pairs = Annotated[int, typer.Option(help="People with two faces in a batch of one process.")]
Rate = Annotated[float, typer.Option("--learning-rate")]
Decay = Annotated[float, typer.Option("--weight-decay")]
Anchor = Annotated[
    float, typer.Option(help="Weight of keeping to what the published weights see in the undisturbed face.")
]
Freeze = Annotated[
    int, typer.Option(help="Stages from the picture on that stay as published (sface has 17).")
]
Augment = Annotated[str, typer.Option(help="none, light (framing, light) or full (bad pictures too).")]
Held = Annotated[float, typer.Option("--validation", help="Share of the identities never trained on.")]
HeldFaces = Annotated[
    int, typer.Option("--validation-faces", help="At most so many of theirs are looked at.")
]
Every = Annotated[int, typer.Option("--evaluate-every", help="Steps between two validations.")]
Patience = Annotated[int, typer.Option(help="Validations without a better one before it ends early.")]
Seed = Annotated[int, typer.Option()]
PrecisionKind = Annotated[
    str, typer.Option("--precision", help="float32, or bfloat16 where the processor has it.")
]
Compile = Annotated[bool, typer.Option("--compile", help="Through torch.compile.")]
Device = Annotated[str | None, typer.Option(help="Torch device; default: a GPU where there is one.")]
Name = Annotated[str, typer.Option(help="Of the model that comes out.")]
Apart = Annotated[
    list[Path] | None,
    typer.Option(help="People to be measured on: whoever may be one of them is not trained on. Repeatable."),
]
ApartScore = Annotated[
    float, typer.Option("--apart-score", help="From which score with sface on they may be.")
]
CacheFolder = Annotated[
    Path | None, typer.Option("--cache", help="Of aligned faces; default: in GEMEL_HOME.")
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run in the folder.")]


@app.callback()
def train(
    context: typer.Context,
    data: Data = None,
    out: Out = None,
    trunk: Trunk = "sface",
    dimension: Dimension = 128,
    distance: Distance = "cosine",
    margin: Margin = 1.1,
    negatives: NegativesKind = "semihard",
    steps: Steps = 1000,
    pairs: Pairs = 32,
    learning_rate: Rate = 1e-4,
    weight_decay: Decay = 1e-4,
    anchor: Anchor = 0.0,
    freeze: Freeze = 0,
    augment: Augment = "full",
    validation: Held = 0.2,
    validation_faces: HeldFaces = 1500,
    evaluate_every: Every = 100,
    patience: Patience = 8,
    seed: Seed = 0,
    precision: PrecisionKind = "float32",
    compile: Compile = False,
    device: Device = None,
    name: Name = "twins",
    apart: Apart = None,
    apart_score: ApartScore = 0.5,
    cache: CacheFolder = None,
    resume: Resume = False,
    json: Json = False,
) -> None:
    """Train twins: a folder a person in, `NAME.safetensors`, `NAME.onnx` and their card out.

    Several GPUs: `torchrun --nproc-per-node 4 -m indexer.cli train ...`.

    Example: `gemel train --data vggface2/train --out twins --trunk sface --steps 2000 --apart lfw`
    """
    from indexer.training.options import Options

    given = {key: value for key, value in locals().items() if key in Options.__slots__}
    context.obj = _Wanted(given, apart or [], apart_score, cache)
    if context.invoked_subcommand is not None:
        return
    options, training, held_out = _prepared(context.obj, resume=resume)
    from indexer.training import history
    from indexer.training.export import export
    from indexer.training.train import train as run

    with _bar() as bar:
        task = bar.add_task("training", total=options.steps)
        start, first = time.perf_counter(), [0]

        def told(step: int, figures: dict[str, float]) -> None:
            first[0] = first[0] or step - 1
            each = (time.perf_counter() - start) / max(1, step - first[0])
            said = _described(figures) + f"  {each:.2f} s/step"
            bar.update(task, completed=step, description=said)
            if not console.is_terminal and step % options.evaluate_every == 1:  # a log gets no bar
                console.print(f"step {step} of {options.steps}: {said}", highlight=False, soft_wrap=True)

        outcome = run(options, training, held_out, resume=resume, told=told)
    if not _is_first():
        return
    title = (
        f"{options.trunk}, margin {options.margin:g}, {options.negatives} negatives, {len(training):,} faces"
    )
    history.draw(outcome.entries, title, options.out / "curves.png")
    with console.status("Writing the weights and their card ..."):
        card = export(options, training, held_out, outcome)
    if json:
        print_json({"card": str(card), **_figures(outcome)})
    else:
        _print(options, outcome, card)


@app.command()
def sweep(
    context: typer.Context,
    margins: Annotated[str, typer.Option(help="Of the loss, with commas between.")] = "0.7,0.9,1.1,1.3",
    json: Json = False,
) -> None:
    """A run a margin, with a table and a picture. Its options stand before the word `sweep`.

    Example: `gemel train --data people --out margins --steps 300 sweep --margins 0.8,1.0,1.2`
    """
    from indexer.training import sweep as sweeping

    wanted: _Wanted = context.obj
    options, training, held_out = _prepared(wanted, resume=True)
    values = [float(margin) for margin in margins.split(",")]
    with _bar() as bar:
        tasks = {margin: bar.add_task(f"margin {margin:g}", total=options.steps) for margin in values}
        rows = sweeping.sweep(
            options,
            values,
            training,
            held_out,
            told=lambda margin, step, figures: bar.update(
                tasks[margin], completed=step, description=f"margin {margin:g}: {_described(figures)}"
            ),
        )
    title = (
        f"{options.trunk}, {options.negatives} negatives, {options.steps:,} steps, {len(training):,} faces"
    )
    sweeping.write(rows, options.out / "sweep.csv")
    sweeping.draw(rows, title, options.out / "sweep.png")
    if json:
        from dataclasses import asdict

        print_json([asdict(row) for row in rows])
    else:
        _print_sweep(rows, options.out)


@dataclass(frozen=True, slots=True)
class _Wanted:
    given: dict[str, Any]
    apart: list[Path]
    apart_score: float
    cache: Path | None


def _prepared(wanted: _Wanted, *, resume: bool) -> "tuple[Options, Faces, Faces]":
    """Checked, and all faces found: those to train on, and those to validate with."""
    from indexer.training import apart as keeping_apart
    from indexer.training import dataset
    from indexer.training.anchors import of_published
    from indexer.training.options import Options
    from indexer.training.train import device_of, out_folder

    for name in ("data", "out"):
        if wanted.given[name] is None:
            raise typer.BadParameter("is needed", param_hint=f"--{name}")
    options = Options(**wanted.given)
    options.check()
    out_folder(options.out, resume=resume)
    settings = Settings()
    cache = wanted.cache or settings.home.expanduser() / "training"
    faces = _found(options.data, cache, settings)
    _tell_failures(faces, options.out)
    strangers = faces
    for folder in wanted.apart:
        others = _found(folder, cache, settings)
        with _bar() as bar:
            vectors = [
                of_published(
                    "sface", 128, some, device_of(options), _told(bar, f"comparing with {folder.name}", some)
                )
                for some in (faces, others)
            ]
        known = keeping_apart.acquaintances(faces, vectors[0], others, vectors[1], score=wanted.apart_score)
        keeping_apart.write(known, options.out / f"apart-{folder.resolve().name}.csv")
        left_out = {one.identity for one in known}
        console.print(
            f"{len(left_out):,} of the identities may be people of {folder.name}: they are left out."
            f" {sum(one.same_name for one in known):,} have the same name.",
            highlight=False,
        )
        strangers = _without(strangers, left_out)
    parts = dataset.split(strangers.samples, validation=options.validation, seed=options.seed)
    kept = {sample.identity for sample in parts.training}
    training = strangers.where(lambda sample: sample.identity in kept)
    return options, training, _without(strangers, kept)


def _without(faces: "Faces", identities: set[str]) -> "Faces":
    return faces.where(lambda sample: sample.identity not in identities)


def _found(data: Path, cache: Path, settings: Settings) -> "Faces":
    import os

    from indexer.embedding.weights import YUNET, locate
    from indexer.training import dataset
    from indexer.training.faces import prepare
    from indexer.vision.detect import Detector

    samples = dataset.read(data)
    detector = Detector(
        locate(YUNET), min_confidence=settings.min_detection_confidence, size_px=settings.detection_size_px
    )
    with _bar() as bar:
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
    """On the terminal the first of them, in a list all."""
    if not faces.failures:
        return
    lines = [f"{failure.file}\t{failure.why}" for failure in faces.failures]
    (folder / "without-a-face.tsv").write_text("\n".join(lines) + "\n", "utf-8")
    console.print(f"{len(lines):,} photographs are left out:", highlight=False)
    for failure in faces.failures[:SHOWN]:
        console.print(f"  {failure.file}: {failure.why}", highlight=False, markup=False)
    if len(lines) > SHOWN:
        console.print(f"  ... all of them in {folder / 'without-a-face.tsv'}", highlight=False)


def _told(bar: Progress, what: str, faces: "Faces") -> Callable[[int], object]:
    task = bar.add_task(what, total=len(faces))
    return lambda done: bar.update(task, completed=done)


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
    )


def _described(figures: dict[str, float]) -> str:
    fnir = f"  FNIR {figures['fnir']:.3f}/{figures['fnir_quarter']:.3f}" if "fnir" in figures else ""
    return f"loss {figures['loss']:.3f}{fnir}"


def _is_first() -> bool:
    import os

    return os.environ.get("RANK", "0") == "0"


def _figures(outcome: "Outcome") -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "best": asdict(outcome.best),
        "first": asdict(outcome.entries[0]),
        "stopped_early": outcome.stopped_early,
        "seconds": round(outcome.seconds, 1),
    }


def _print(options: "Options", outcome: "Outcome", card: Path) -> None:
    first, best = outcome.entries[0], outcome.best
    table = Table("", "Before", f"Step {best.step}")
    for what, name in (
        ("FNIR at FPIR 1 %", "fnir"),
        ("  a quarter of the pixels", "fnir_quarter"),
        ("rank-1", "rank1"),
    ):
        table.add_row(what, f"{getattr(first, name):.4f}", f"{getattr(best, name):.4f}")
    table.caption = f"of people who were not trained on; {outcome.seconds:.0f} s"
    out.print(table)
    out.print(f"The card: {card}; the course: {options.out / 'curves.png'}", highlight=False, soft_wrap=True)
    out.print(
        f"Serve it: GEMEL_MODEL=safetensors:{card.with_suffix('.safetensors')}; bring a gallery to it:"
        f" gemel reindex start --to safetensors:{card.with_suffix('.safetensors')}",
        highlight=False,
        soft_wrap=True,
    )


def _print_sweep(rows: "list[Row]", folder: Path) -> None:
    table = Table("Margin", "FNIR at FPIR 1 %", "A quarter", "Rank-1", "Best step", "Seconds")
    best = min(rows, key=lambda row: row.fnir + row.fnir_quarter)
    for row in rows:
        table.add_row(
            f"{row.margin:g}",
            f"{row.fnir:.4f}",
            f"{row.fnir_quarter:.4f}",
            f"{row.rank1:.4f}",
            str(row.best_step),
            f"{row.seconds:.0f}",
            style="bold" if row is best else "",
        )
    out.print(table)
    out.print(f"{folder / 'sweep.csv'}, {folder / 'sweep.png'}", highlight=False, soft_wrap=True)
