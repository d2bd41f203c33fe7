"""`gemel train`: train a model on labelled photographs. The commands import the engine themselves."""

import math
from dataclasses import asdict
from typing import Annotated

import typer

from indexer.cli.commands import Commands, Group, Json
from indexer.cli.output import console, print_result
from indexer.cli.progress import progress_bar
from indexer.cli.train.options import (
    Augment,
    Backbone,
    Blend,
    CacheFolder,
    Centre,
    Compile,
    Data,
    Decay,
    Device,
    Dimension,
    DisjointFrom,
    Distance,
    Distillation,
    Every,
    Freeze,
    Held,
    HeldFaces,
    Margin,
    Name,
    NegativesKind,
    Out,
    OverlapScore,
    Pairs,
    Patience,
    PrecisionKind,
    Rate,
    Resume,
    Seed,
    Steps,
)
from indexer.cli.train.output import StepBar, figures_of, print_run, print_sweep
from indexer.cli.train.setup import Request, check, prepare_faces

app = Commands(cls=Group, invoke_without_command=True, no_args_is_help=False)


@app.callback()
def train(
    context: typer.Context,
    data: Data = None,
    out: Out = None,
    backbone: Backbone = "sface",
    dimension: Dimension = 128,
    distance: Distance = "cosine",
    margin: Margin = 1.1,
    negatives: NegativesKind = "semihard",
    steps: Steps = 1000,
    pairs: Pairs = 32,
    learning_rate: Rate = 1e-4,
    weight_decay: Decay = 1e-4,
    distillation: Distillation = 0.0,
    centre: Centre = False,
    blend: Blend = 1.0,
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
    name: Name = "siamese",
    disjoint_from: DisjointFrom = None,
    overlap_score: OverlapScore = 0.5,
    cache: CacheFolder = None,
    resume: Resume = False,
    json: Json = None,
) -> None:
    """Train a Siamese network on labelled photographs.

    Writes `NAME.safetensors`, `NAME.onnx` and their card. On several GPUs, start it as
    `torchrun --nproc-per-node 4 -m indexer.cli train`.

    Example: `gemel train --data vggface2/train --out run --backbone sface --steps 2000 --disjoint-from lfw`
    """
    from indexer.training.options import Options

    given = {key: value for key, value in locals().items() if key in Options.__slots__}
    context.obj = request = Request(given, disjoint_from or [], overlap_score, cache, json=json)
    if context.invoked_subcommand is not None:
        return
    options = check(request)
    from indexer.training.export import export
    from indexer.training.run import history
    from indexer.training.run.folder import claimed, is_first
    from indexer.training.train import train as run

    with claimed(options.out, resume=resume):
        training, held_out = prepare_faces(options, request, resume=resume)
        with progress_bar() as bar:
            outcome = run(
                options, training, held_out, resume=resume, on_step=StepBar(bar, options, "training")
            )
        if not is_first():
            return
        title = (
            f"{options.backbone}, margin {options.margin:g}, {options.negatives} negatives,"
            f" {len(training):,} faces"
        )
        history.draw(outcome.entries, title, options.out / "curves.png")
        with console.status("Exporting the model ..."):
            card = export(options, training, held_out, outcome)
    figures = {"card": str(card), **figures_of(outcome)}
    print_result(figures, json, lambda: print_run(options, outcome, card))


@app.command()
def sweep(
    context: typer.Context,
    margins: Annotated[str, typer.Option(help="Margins, separated by commas.")] = "0.7,0.9,1.1,1.3",
    json: Json = None,
) -> None:
    """One run per margin, with a table and a plot. The options of `gemel train` precede the word `sweep`.

    Example: `gemel train --data people --out margins --steps 300 sweep --margins 0.8,1.0,1.2`
    """
    request: Request = context.obj
    values = _margins(margins)
    options = check(request)
    from indexer.training import sweep as margins_sweep
    from indexer.training.run import history
    from indexer.training.run.folder import claimed, is_first

    with claimed(options.out, resume=True):
        training, held_out = prepare_faces(options, request, resume=True)
        with progress_bar() as bar:
            bars = {margin: StepBar(bar, options, f"margin {margin:g}") for margin in values}
            rows = margins_sweep.sweep(
                options,
                values,
                training,
                held_out,
                on_step=lambda margin, step, figures: bars[margin](step, figures),
            )
        if not is_first():
            return
        title = (
            f"{options.backbone}, {options.negatives} negatives, {options.steps:,} steps,"
            f" {len(training):,} faces"
        )
        history.write(rows, options.out / "sweep.csv")
        margins_sweep.draw(rows, title, options.out / "sweep.png")
    print_result([asdict(row) for row in rows], json or request.json, lambda: print_sweep(rows, options.out))


def _margins(typed: str) -> list[float]:
    try:
        values = [float(margin) for margin in typed.split(",")]
    except ValueError:
        raise typer.BadParameter(f"{typed!r} is not a list of numbers", param_hint="--margins") from None
    if not all(0 < margin < math.inf for margin in values):
        raise typer.BadParameter("margins must be above 0", param_hint="--margins")
    return values
