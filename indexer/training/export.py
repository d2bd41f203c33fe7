"""What comes out of a run: weights as safetensors and as ONNX, and one card for both."""

import importlib.util
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from indexer.embedding import trunks
from indexer.embedding.card_file import CardFile, read_trained
from indexer.errors import Misconfigured
from indexer.evaluation.plots.canvas import require_matplotlib
from indexer.training.faces import Faces
from indexer.training.options import Options
from indexer.training.train import BEST, Outcome, embed
from indexer.training.validation import Validation
from indexer.vision.align import TEMPLATES

_SMALLEST_TABLE = 2
"""Points of `score_at_fmr` that a threshold needs."""


def check_extras() -> None:
    """Ask before hours of work, not after. Raises Misconfigured."""
    require_matplotlib()
    if importlib.util.find_spec("onnxscript") is None:
        raise Misconfigured("an ONNX file is written by onnxscript: pip install 'gemel[train]'")


def export(options: Options, training: Faces, validation: Faces, outcome: Outcome) -> Path:
    """The best weights as `NAME.safetensors`, `NAME.onnx` and `NAME.json` in the run's folder; the card's
    path. Its scores are those of the people who were not trained on.
    """
    trunk = trunks.TRUNKS[options.trunk]
    template = TEMPLATES[trunk.template]
    network = trunks.load(options.out / BEST, options.trunk, options.dimension)
    weights = options.out / f"{options.name}.safetensors"
    trunks.save(network, weights)
    _write_onnx(network, template.side_px, options.out / f"{options.name}.onnx")
    held_out = Validation(validation, template, most=options.validation_faces)
    both = embed(network, held_out.clean, torch.device("cpu"))
    both = both + embed(network, np.ascontiguousarray(held_out.clean[:, :, ::-1]), torch.device("cpu"))
    at_fmr, genuine = held_out.scores(both / np.linalg.norm(both, axis=1, keepdims=True))
    started = "nothing" if trunk.published is None else f"the published {options.trunk}"
    card = CardFile(
        name=options.name,
        architecture=options.trunk,
        template=trunk.template,
        input_px=template.side_px,
        dimension=options.dimension,
        channels="rgb",
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),  # the network scales its pixels itself
        licence="that of the data it was trained on",
        source=f"gemel train, from {started} on {options.data.resolve().name}",
        score_at_fmr=tuple(at_fmr) if len(at_fmr) >= _SMALLEST_TABLE else (),
        genuine_scores=tuple(genuine),
        training=_told(options, training, validation, outcome),
    )
    path = options.out / f"{options.name}.json"
    _write(card, path)
    told = card.training | {"normalisation": trunk.normalisation, "fingerprint": _fingerprint(weights)}
    _write(card.model_copy(update={"training": told}), path)
    return path


def _write(card: CardFile, path: Path) -> None:
    path.write_text(json.dumps(card.model_dump(exclude_none=True), indent=2) + "\n", "utf-8")


def _fingerprint(weights: Path) -> str:
    """As the service names it, which embeds the mirror image too."""
    return read_trained(weights, mirror=True).fingerprint


def _told(options: Options, training: Faces, validation: Faces, outcome: Outcome) -> dict[str, Any]:
    left_out = ("data", "out", "name", "device", "trunk", "dimension")
    best = outcome.best
    return {
        "data": options.data.resolve().name,
        "faces": len(training),
        "identities": len({sample.identity for sample in training.samples}),
        "without_a_face": len(training.failures),
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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch's own exporter about itself
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
