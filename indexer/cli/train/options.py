"""The options of `gemel train`, as they are typed. What they mean for the run: `training.options`."""

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    Path | None,
    typer.Option(help="A folder a person, or a CSV of `file,identity`.", show_default=False),
]
Out = Annotated[Path | None, typer.Option(help="Folder for what comes out.", show_default=False)]
Backbone = Annotated[
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
Distillation = Annotated[
    float, typer.Option(help="Weight of keeping to what the published weights see in the undisturbed face.")
]
Centre = Annotated[
    bool, typer.Option("--centre", help="Begin with the published embeddings moved about the origin.")
]
Blend = Annotated[
    float,
    typer.Option(help="Share of what was learned in what comes out; 0.5 is the mean of before and after."),
]
Freeze = Annotated[
    int, typer.Option(help="Stages from the picture on that stay as published (sface has 17).")
]
Augment = Annotated[
    str,
    typer.Option(
        help="none, light (framing, light), full (bad pictures too) or distant (full, most of them small)."
    ),
]
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
DisjointFrom = Annotated[
    list[Path] | None,
    typer.Option(help="People to be measured on: whoever may be one of them is not trained on. Repeatable."),
]
OverlapScore = Annotated[
    float, typer.Option("--overlap-score", help="From which score with sface on they may be.")
]
CacheFolder = Annotated[
    Path | None, typer.Option("--cache", help="Of aligned faces; default: in GEMEL_HOME.")
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run in the folder.")]
