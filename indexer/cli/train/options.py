"""The command-line options of `gemel train`. `training.options` and `recipes` describe them in full."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from indexer.training.recipes import values_by_backbone


def _from_recipe(field: str, help: str) -> Any:
    return typer.Option(f"--{field.replace('_', '-')}", help=help, show_default=values_by_backbone(field))


def _switch_from_recipe(field: str, help: str) -> Any:
    return typer.Option(f"--{field}/--no-{field}", help=help, show_default=values_by_backbone(field))


class Task(StrEnum):
    RECOGNITION = "recognition"
    EXPRESSION = "expression"


TaskKind = Annotated[Task, typer.Option("--task", help="What the network is trained for.")]
Data = Annotated[
    Path | None,
    typer.Option(
        help="A folder with one folder per person, or a CSV of `file,identity`. For expressions: one folder"
        " per expression.",
        show_default=False,
    ),
]
Out = Annotated[
    Path | None, typer.Option(help="Folder of the run, for the model and its history.", show_default=False)
]
Backbone = Annotated[
    str,
    typer.Option(
        "--from",
        "--backbone",
        help="sface or dlib-resnet: start from their published weights. paper: from random weights. The"
        " defaults of the options below are its recipe.",
    ),
]
Dimension = Annotated[int, typer.Option(help="Dimension of the embeddings.")]
Distance = Annotated[
    str | None,
    _from_recipe("distance", "cosine (between embeddings of length 1, as in serving) or euclidean."),
]
Margin = Annotated[float | None, _from_recipe("margin", "Margin of the contrastive loss.")]
NegativesKind = Annotated[
    str | None,
    _from_recipe("negatives", "Choice of the pairs of two people: random, semihard or hardest."),
]
Steps = Annotated[int | None, _from_recipe("steps", "Number of training steps.")]
Pairs = Annotated[int | None, _from_recipe("pairs", "Pairs of one person in a batch of one process.")]
Rate = Annotated[float | None, _from_recipe("learning_rate", "Highest learning rate of AdamW.")]
Decay = Annotated[float | None, _from_recipe("weight_decay", "Weight decay of AdamW.")]
Distillation = Annotated[
    float | None,
    _from_recipe("distillation", "Weight of the distance to the published embedding of the clean face."),
]
Centre = Annotated[
    bool | None, _switch_from_recipe("centre", "Start from the published embeddings minus their mean.")
]
Blend = Annotated[
    float | None,
    _from_recipe(
        "blend", "Share of the change of the weights that is exported; 0.5 is the mean of before and after."
    ),
]
Freeze = Annotated[
    int | None, _from_recipe("freeze", "Number of first stages that are not trained (sface has 17).")
]
Augment = Annotated[
    str | None,
    _from_recipe(
        "augment",
        "none, light (framing, light), full (also degradations) or distant (mostly low resolution).",
    ),
]
Every = Annotated[int | None, _from_recipe("evaluate_every", "Number of steps between validations.")]
Patience = Annotated[
    int | None,
    _from_recipe("patience", "Number of validations without improvement before training stops."),
]
PrecisionKind = Annotated[
    str | None, _from_recipe("precision", "float32, or bfloat16 on processors that support it.")
]
Compile = Annotated[bool | None, _switch_from_recipe("compile", "Use torch.compile.")]
Held = Annotated[float, typer.Option("--validation", help="Share of the identities held out for validation.")]
HeldFaces = Annotated[
    int, typer.Option("--validation-faces", help="Largest number of faces in a validation.")
]
Seed = Annotated[int, typer.Option(help="Seed of weights, batches and the split.")]
Device = Annotated[str | None, typer.Option(help="Torch device; default: a GPU if there is one.")]
Name = Annotated[str, typer.Option(help="Name of the exported model.")]
DisjointFrom = Annotated[
    list[Path] | None,
    typer.Option(help="Data to evaluate on later: people who may be in it are not trained on. Repeatable."),
]
OverlapScore = Annotated[
    float,
    typer.Option("--overlap-score", help="Lowest sface score at which two faces count as the same person."),
]
CacheFolder = Annotated[
    Path | None, typer.Option("--cache", help="Folder of the cache of faces; default: in GEMEL_HOME.")
]
Resume = Annotated[bool, typer.Option("--resume", help="Continue the run in the folder.")]
