"""The exported model: weights as safetensors and as ONNX, and one card for both."""

import importlib.util
import json
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from indexer.embedding.backbones import registry
from indexer.embedding.card_file import CardFile, trained_card
from indexer.errors import Misconfigured
from indexer.files import atomic_write
from indexer.pages.plots import require_matplotlib
from indexer.training.data.faces import Faces
from indexer.training.inference import embed
from indexer.training.options import Options
from indexer.training.run.folder import BEST
from indexer.training.train import Outcome
from indexer.training.validation import Validation
from indexer.vision.align import TEMPLATES

_SMALLEST_TABLE = 2
"""Number of points of `score_at_fmr` that a threshold needs."""


def check_extras() -> None:
    """Call it before hours of work, not after. Raises Misconfigured."""
    require_matplotlib()
    if importlib.util.find_spec("onnxscript") is None:
        raise Misconfigured("writing ONNX files needs onnxscript: pip install 'gemel[train]'")


def export(
    options: Options,
    training: Faces,
    validation: Faces,
    outcome: Outcome,
    *,
    disjoint_from: Sequence[str] = (),
) -> Path:
    """Writes the best weights as `NAME.safetensors` and `NAME.onnx` and the card `NAME.json` to the run's
    folder. Returns the card's path. Its scores are those of the people held out, embedded as in serving.
    `disjoint_from`: names of the data whose people were excluded.

    An older card is deleted first and the new one is written last: no card ever lies beside other weights.
    """
    backbone = registry.BACKBONES[options.backbone]
    template = TEMPLATES[backbone.template]
    network = registry.load(options.out / BEST, options.backbone, options.dimension)
    held_out = Validation(validation, template, most=options.validation_faces)
    at_fmr, genuine = held_out.scores(embed(network, held_out.clean, torch.device("cpu"), mirror=True))
    path = options.out / f"{options.name}.json"
    path.unlink(missing_ok=True)
    registry.save(network, path.with_suffix(".safetensors"))
    with atomic_write(path.with_suffix(".onnx")) as aside:
        _write_onnx(network, template.side_px, aside)
    started = "nothing" if backbone.published is None else f"the published {options.backbone}"
    card = CardFile(
        name=options.name,
        architecture=options.backbone,
        template=backbone.template,
        input_px=template.side_px,
        dimension=options.dimension,
        channels="rgb",
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),  # the network normalises its pixels itself
        licence="that of the data it was trained on",
        source=f"gemel train, from {started} on {options.data.resolve().name}",
        score_at_fmr=tuple(at_fmr) if len(at_fmr) >= _SMALLEST_TABLE else (),
        genuine_scores=tuple(genuine),
        training=_summary(options, training, validation, outcome),
    )
    summary = card.training | {
        "disjoint_from": list(disjoint_from),
        "normalisation": backbone.normalisation,
        "fingerprint": _fingerprint(card, path),
    }
    _write(card.model_copy(update={"training": summary}), path)
    return path


def _write(card: CardFile, path: Path) -> None:
    with atomic_write(path) as aside:
        aside.write_text(json.dumps(card.model_dump(exclude_none=True), indent=2) + "\n", "utf-8")


def _fingerprint(card: CardFile, path: Path) -> str:
    """The fingerprint of the weights at `path` in the service, which embeds the mirror image too."""
    return trained_card(card, path.with_suffix(".safetensors"), mirror=True).fingerprint


def _summary(options: Options, training: Faces, validation: Faces, outcome: Outcome) -> dict[str, Any]:
    left_out = ("data", "out", "name", "device", "backbone", "dimension")
    best = outcome.best
    return {
        "data": options.data.resolve().name,
        "faces": len(training),
        "identities": len({sample.identity for sample in training.samples}),
        "options": {key: value for key, value in options.as_json().items() if key not in left_out},
        "best_step": best.step,
        "stopped_early": outcome.stopped_early,
        "validation": {
            "faces": len(validation),
            "identities": len({sample.identity for sample in validation.samples}),
            "fnir_at_fpir_0.01": round(best.fnir, 4),
            "fnir_at_fpir_0.01_quarter": round(best.fnir_quarter, 4),
            "rank1": round(best.rank1, 4),
        },
    }


def _write_onnx(network: nn.Module, side_px: int, path: Path) -> None:
    example = torch.zeros(2, 3, side_px, side_px)
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)  # it warns about itself, and about libraries that are not needed
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (example,),
            path,
            input_names=["faces"],
            output_names=["embedding"],
            dynamic_shapes=({0: torch.export.Dim("n", min=1)},),
            external_data=False,
            verbose=False,
        )
    log.setLevel(level)
