"""How each backbone is trained by default. The help shows these values, so this module imports no torch."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from indexer.training.loss.contrastive import Distance
    from indexer.training.loss.pairs import Negatives

Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The options of a method, without the data. The defaults are for random weights."""

    margin: float = 1.1
    """m of the loss. `cosine` distances lie between 0 and 2; those of strangers are about sqrt(2)."""
    distance: "Distance" = "cosine"
    negatives: "Negatives" = "semihard"
    pairs: int = 32
    """Pairs of one person in a batch of one process. As many faces of people with one picture are added."""
    steps: int = 1000
    learning_rate: float = 1e-4
    weight_decay: float = 1e-4
    distillation: float = 0.0
    """Weight of the squared distance to the published weights' embedding of the face without augmentation. It
    keeps what they learned from millions, and teaches the network to see the same in degraded pictures."""
    centre: bool = False
    """Start from the published embeddings minus their mean over the training faces: what all faces have in
    common does not identify anybody, and raises the scores of strangers."""
    blend: float = 1.0
    """The validated and exported weights are the initial ones plus this share of their change (WiSE-FT,
    Wortsman et al. 2022, "Robust fine-tuning of zero-shot models", who recommend 0.5 without tuning)."""
    freeze: int = 0
    """Number of stages, from the input on, that are not trained, which saves time. Of sface's 17 stages, the
    first 6 are those with many pixels."""
    augment: str = "full"
    evaluate_every: int = 100
    """Steps between two validations. Each writes a checkpoint."""
    patience: int = 8
    """Number of validations without improvement after which training stops."""
    precision: Precision | None = "float32"
    """None: bfloat16 where the machine computes in it, else float32."""
    compile: bool | None = False
    """None: where the machine can."""


RECIPES = {
    # Measured on LFW (docs/explanation/training.md, run C).
    "sface": Recipe(
        margin=2.0,
        negatives="hardest",
        pairs=24,
        steps=2000,
        learning_rate=8e-5,
        distillation=2.0,
        centre=True,
        blend=0.5,
        freeze=6,
        augment="distant",
        evaluate_every=250,
        precision=None,
        compile=None,
    ),
    # Not measured, so it changes little: the rate is low, and half of the change is exported. Strangers are
    # at a distance of 0.55; the margin is above it. The last layer has no bias, which centring needs.
    "dlib-resnet": Recipe(margin=0.8, learning_rate=1e-5, distillation=2.0, blend=0.5, augment="distant"),
    "paper": Recipe(),
}
MEASURED = frozenset({"sface"})
"""Backbones whose recipe was measured on people held out and on another data set."""


def values_by_backbone(field: str) -> str:
    """The default of an option, for the help."""
    values = {name: getattr(recipe, field) for name, recipe in RECIPES.items()}
    texts = {name: _text(value) for name, value in values.items()}
    if len(set(texts.values())) == 1:
        return texts["sface"]
    return ", ".join(f"{name}: {text}" for name, text in texts.items())


def as_options(values: dict[str, Any]) -> str:
    """Values of a recipe, by name, as one types them."""
    return " ".join(_option(f"--{name.replace('_', '-')}", value) for name, value in values.items())


def _option(name: str, value: object) -> str:
    if isinstance(value, bool):
        return name if value else f"--no-{name[2:]}"
    return f"{name} {_text(value)}"


def _text(value: object) -> str:
    if value is None:
        return "by machine"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
