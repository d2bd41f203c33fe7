"""`gemel train`: train a model on labelled photographs. The commands import the engine themselves."""

import math
from dataclasses import asdict
from typing import Annotated

import typer

from indexer.cli.commands import Commands, Group, Json
from indexer.cli.output import console, print_result
from indexer.cli.progress import progress_bar
from indexer.cli.train.expression import train_expression
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
    Task,
    TaskKind,
)
from indexer.cli.train.output import StepBar, figures_of, print_run, print_sweep
from indexer.cli.train.setup import Request, check, names_of, prepare_faces

app = Commands(cls=Group, invoke_without_command=True, no_args_is_help=False)


@app.callback()
def train(
    context: typer.Context,
    data: Data = None,
    out: Out = None,
    task: TaskKind = Task.RECOGNITION,
    backbone: Backbone = "sface",
    dimension: Dimension = 128,
    distance: Distance = None,
    margin: Margin = None,
    negatives: NegativesKind = None,
    steps: Steps = None,
    pairs: Pairs = None,
    learning_rate: Rate = None,
    weight_decay: Decay = None,
    distillation: Distillation = None,
    centre: Centre = None,
    blend: Blend = None,
    freeze: Freeze = None,
    augment: Augment = None,
    validation: Held = 0.2,
    validation_faces: HeldFaces = 1500,
    evaluate_every: Every = None,
    patience: Patience = None,
    seed: Seed = 0,
    precision: PrecisionKind = None,
    compile: Compile = None,
    device: Device = None,
    name: Name = "siamese",
    disjoint_from: DisjointFrom = None,
    overlap_score: OverlapScore = 0.5,
    cache: CacheFolder = None,
    resume: Resume = False,
    json: Json = None,
) -> None:
    """Train a Siamese network on labelled photographs.

    Each network has a recipe, which gives the defaults; an option replaces one value. The recipe of sface was
    measured. The first lines of the output have the values in use.

    Writes `NAME.safetensors`, `NAME.onnx` and their card. On several GPUs, start it as
    `torchrun --nproc-per-node 4 -m indexer.cli train`.

    With `--task expression`, DATA has a folder for each expression, and small heads are trained on the
    published network's features: of a face alone, and by comparison with the person's other pictures. The
    options --steps, --seed and --name apply.

    Example: `gemel train --data people --out run --from sface --disjoint-from lfw`
    """
    given = {key: value for key, value in locals().items() if _is_given(context, key)}
    if task is Task.EXPRESSION:
        train_expression(given, json)
        return
    context.obj = request = Request(
        given, disjoint_from or [], overlap_score, cache, resume=resume, json=json
    )
    if context.invoked_subcommand is not None:
        return
    options = check(request)
    from indexer.training.export import export
    from indexer.training.run import history
    from indexer.training.run.folder import claimed, is_first, write_options
    from indexer.training.train import train as run

    with claimed(options.out, resume=resume):
        if is_first() and not resume:
            write_options(options.out, options.of_the_run)
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
            disjoint = names_of(request.disjoint_from)
            card = export(options, training, held_out, outcome, disjoint_from=disjoint)
    figures = {"card": str(card), **figures_of(outcome)}
    print_result(figures, json, lambda: print_run(options, outcome, card))


@app.command()
def sweep(
    context: typer.Context,
    margins: Annotated[str, typer.Option(help="Margins, separated by commas.")] = "0.8,1.2,1.6,2",
    json: Json = None,
) -> None:
    """One run per margin, with a table and a plot. The options of `gemel train` precede the word `sweep`.

    Example: `gemel train --data people --out margins --steps 300 sweep --margins 1,1.5,2`
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


def _is_given(context: typer.Context, name: str) -> bool:
    """Whether the command line has the option: others come from the recipe."""
    source = context.get_parameter_source(name)
    return source is not None and source.name not in ("DEFAULT", "DEFAULT_MAP")


def _margins(typed: str) -> list[float]:
    try:
        values = [float(margin) for margin in typed.split(",")]
    except ValueError:
        raise typer.BadParameter(f"{typed!r} is not a list of numbers", param_hint="--margins") from None
    if not all(0 < margin < math.inf for margin in values):
        raise typer.BadParameter("margins must be above 0", param_hint="--margins")
    return values
