"""The command-line options of `gemel train`. `training.options` describes them in full."""

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    Path | None,
    typer.Option(
        help="A folder with one folder per person, or a CSV of `file,identity`.", show_default=False
    ),
]
Out = Annotated[
    Path | None, typer.Option(help="Folder of the run, for the model and its history.", show_default=False)
]
Backbone = Annotated[
    str, typer.Option(help="paper (random weights), sface or dlib-resnet (published weights).")
]
Dimension = Annotated[int, typer.Option(help="Dimension of the embeddings.")]
Distance = Annotated[
    str, typer.Option(help="cosine (between embeddings of length 1, as in serving) or euclidean.")
]
Margin = Annotated[float, typer.Option(help="Margin of the contrastive loss.")]
NegativesKind = Annotated[
    str, typer.Option("--negatives", help="Choice of the pairs of two people: random, semihard or hardest.")
]
Steps = Annotated[int, typer.Option(help="Number of training steps.")]
Pairs = Annotated[int, typer.Option(help="Pairs of one person in a batch of one process.")]
Rate = Annotated[float, typer.Option("--learning-rate", help="Highest learning rate of AdamW.")]
Decay = Annotated[float, typer.Option("--weight-decay", help="Weight decay of AdamW.")]
Distillation = Annotated[
    float, typer.Option(help="Weight of the distance to the published embedding of the clean face.")
]
Centre = Annotated[
    bool, typer.Option("--centre", help="Start from the published embeddings minus their mean.")
]
Blend = Annotated[
    float,
    typer.Option(
        help="Share of the change of the weights that is exported; 0.5 is the mean of before and after."
    ),
]
Freeze = Annotated[int, typer.Option(help="Number of first stages that are not trained (sface has 17).")]
Augment = Annotated[
    str,
    typer.Option(
        help="none, light (framing, light), full (also degradations) or distant (mostly low resolution)."
    ),
]
Held = Annotated[float, typer.Option("--validation", help="Share of the identities held out for validation.")]
HeldFaces = Annotated[
    int, typer.Option("--validation-faces", help="Largest number of faces in a validation.")
]
Every = Annotated[int, typer.Option("--evaluate-every", help="Number of steps between validations.")]
Patience = Annotated[
    int, typer.Option(help="Number of validations without improvement before training stops.")
]
Seed = Annotated[int, typer.Option(help="Seed of weights, batches and the split.")]
PrecisionKind = Annotated[
    str, typer.Option("--precision", help="float32, or bfloat16 on processors that support it.")
]
Compile = Annotated[bool, typer.Option("--compile", help="Use torch.compile.")]
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
