"""Measures the figures of `sface-int8`: the scale, mean and range of the activations of each layer.

The people must not be those on whom the model is judged: CelebA for a model that is judged on LFW.

    python -m benchmarks.int8_ranges --data CELEBA
"""

import argparse
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from indexer.embedding.int8 import activations, graph, units
from indexer.embedding.int8.activations import Activations
from indexer.embedding.int8.units import Array, Unit
from indexer.inference.network import Network
from indexer.pipeline.embed_files import central_face
from indexer.settings import Settings
from indexer.usecases.bootstrap import open_pipeline

SHARE = 0.7
"""Of a channel's range that its scale takes, as an exponent (alpha of Xiao et al. 2023, "SmoothQuant"); the
rest stays. Before a depthwise convolution the scale takes all of it, at no cost: the weights of each channel
have a scale there."""
LEAST_SCALE = 0.01
PIXELS = 16
"""Of each channel and face, drawn at random for the choice of the range."""
_BATCH = 8


@dataclass(slots=True, eq=False)
class Inputs:
    """Values at the input of a layer, over all faces."""

    largest: Array
    """Shape (channels,): absolute values."""
    mean: Array
    """Shape (channels,)."""
    samples: Array
    """Shape (channels, n)."""
    low: Array
    """Shape (channels,)."""
    high: Array


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="photographs, in any folders below")
    parser.add_argument("--faces", type=int, default=400)
    parser.add_argument("--out", type=Path, default=activations.FILE, help="default: the model's own file")
    arguments = parser.parse_args()
    files = sorted(arguments.data.rglob("*.jpg"))
    chosen = files[:: max(1, len(files) // arguments.faces)][: arguments.faces]
    layers = units.read()
    with Progress() as bar:
        faces = np.stack(list(aligned(bar.track(chosen, description="Faces"))))
        inputs = measure(layers, bar.track(batches(faces), description="Activations"))
        found = figures(layers, inputs)
        activations.write(dict(bar.track(found, len(inputs), description="Ranges")), arguments.out)
    for name, one in activations.read(arguments.out).items():
        print(f"{name:12} {one.low:8.3f} to {one.high:7.3f}")
    print(f"{len(faces)} faces; digest {activations.digest(arguments.out)}")


def aligned(files: Iterable[Path]) -> Iterator[NDArray[np.uint8]]:
    """The central face of each photograph in which one is found, shape (112, 112, 3)."""
    with open_pipeline(Settings(model="sface")) as pipeline:
        for file in files:
            pixels = pipeline.decoder.decode(file.read_bytes()).pixels
            face = central_face(pipeline, pixels)
            if face:
                yield pipeline.align(pixels, face).pictures[0]


def batches(faces: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    return [faces[start : start + _BATCH] for start in range(0, len(faces), _BATCH)]


def measure(layers: Sequence[Unit], faces: Iterable[NDArray[np.uint8]]) -> dict[str, Inputs]:
    """Of all layers but the first, which stays in float32."""
    network = Network(graph.build(layers, {}, inputs_too=True), threads=os.cpu_count() or 1)
    rng = np.random.default_rng(0)
    parts: dict[str, list[Inputs]] = {unit.name: [] for unit in layers[1:]}
    for batch in faces:
        outputs = network.run(np.ascontiguousarray(batch.transpose(0, 3, 1, 2), np.float32))[2:]
        for unit, output in zip(layers[1:], outputs, strict=True):
            x = output.reshape(*output.shape[:2], -1)
            samples = x[:, :, rng.integers(0, x.shape[2], PIXELS)].transpose(1, 0, 2)
            parts[unit.name].append(
                Inputs(
                    largest=np.abs(x).max(axis=(0, 2)),
                    mean=x.mean(axis=(0, 2)),
                    samples=samples.reshape(len(samples), -1),
                    low=x.min(axis=(0, 2)),
                    high=x.max(axis=(0, 2)),
                )
            )
    return {name: _together(of_batches) for name, of_batches in parts.items()}


def figures(layers: Sequence[Unit], inputs: Mapping[str, Inputs]) -> Iterator[tuple[str, Activations]]:
    divisors = {unit.name: scale_of(unit, inputs[unit.name].largest) for unit in layers[1:]}
    for unit in units.rescaled(list(layers), divisors)[1:]:
        seen, scale = inputs[unit.name], divisors[unit.name]
        low, high = best_range(
            seen.samples / scale[:, None],
            effect=(unit.weights**2).sum(axis=(1, 2) if unit.depthwise else (0, 2)),
            low=float((seen.low / scale).min()),
            high=float((seen.high / scale).max()),
        )
        yield unit.name, Activations(scale=scale, mean=seen.mean, low=low, high=high)


def scale_of(unit: Unit, largest: Array) -> Array:
    largest = np.maximum(largest, LEAST_SCALE)
    if unit.depthwise:
        return largest
    size = np.abs(unit.weights)
    size = (size / size.max(axis=(1, 2), keepdims=True)).max(axis=(0, 2))
    scale = largest**SHARE / np.maximum(size, 1e-3) ** (1 - SHARE)
    return np.asarray(scale / np.exp(np.log(scale).mean()), np.float32)


def best_range(samples: Array, *, effect: Array, low: float, high: float) -> tuple[float, float]:
    """The range within `low` to `high` with the least squared error.

    `samples`: shape (channels, n). `effect`: of an error of each channel on the output, shape (channels,).
    """

    def error(bounds: tuple[float, float]) -> float:
        step = (bounds[1] - bounds[0]) / (graph.LEVELS - 1)
        zero_point = np.rint(-bounds[0] / step)
        rounded = (np.clip(np.rint(samples / step), -zero_point, graph.LEVELS - 1 - zero_point)) * step
        return float(((rounded - samples) ** 2).mean(axis=1) @ effect)

    low = min(low, -1e-6)  # zero must be one of the values
    tried = [(low * a, high * b) for a in (1.0, 0.8, 0.6) for b in np.linspace(0.4, 1, 13)]
    return min(tried, key=error)


def _together(parts: Sequence[Inputs]) -> Inputs:
    return Inputs(
        largest=np.max([part.largest for part in parts], axis=0),
        mean=np.mean([part.mean for part in parts], axis=0),
        samples=np.concatenate([part.samples for part in parts], axis=1),
        low=np.min([part.low for part in parts], axis=0),
        high=np.max([part.high for part in parts], axis=0),
    )


if __name__ == "__main__":
    main()
