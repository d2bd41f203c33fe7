"""`sface-int8` runs in int8, close to `sface`, and its figures are part of its fingerprint."""

import os
import platform
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import openvino
import pytest

from indexer.embedding import catalog
from indexer.embedding.int8 import activations
from indexer.embedding.int8.graph import int8_sface
from indexer.embedding.runtimes.openvino_embedder import OpenVinoEmbedder
from tests.support.int8 import crops

x86 = pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="of x86-64 processors")


def test_embeddings_are_close_to_those_of_sface() -> None:
    faces = crops(8)

    exact = OpenVinoEmbedder(catalog.sface(mirror=True), threads=1).embed(faces)
    rounded = OpenVinoEmbedder(catalog.sface_int8(mirror=True), threads=1).embed(faces)

    cosines = np.sum(exact * rounded, axis=1)
    assert cosines.min() > 0.99
    assert cosines.max() < 0.99999, "it is another model"


@x86
def test_all_layers_but_the_first_run_in_int8() -> None:
    compiled = openvino.Core().compile_model(int8_sface(), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    kinds = [
        (info["layerType"].astype(str), info["runtimePrecision"].astype(str))
        for info in (operation.get_rt_info() for operation in compiled.get_runtime_model().get_ops())
    ]
    layers = [precision for layer, precision in kinds if layer in ("Convolution", "FullyConnected")]

    assert sorted(layers) == ["f32", *["u8"] * 27]


@x86
@pytest.mark.parametrize("instructions", ["AVX512_CORE", "AVX2"])
def test_processors_without_int8_instructions_compute_the_same_embeddings(
    instructions: str, tmp_path: Path
) -> None:
    """The library reads the variable when it is loaded, so another process must."""
    code = (
        "import sys, numpy as np\n"
        "from indexer.embedding import catalog\n"
        "from indexer.embedding.runtimes.openvino_embedder import OpenVinoEmbedder\n"
        "from tests.support.int8 import crops\n"
        "embedder = OpenVinoEmbedder(catalog.sface_int8(mirror=True), threads=1)\n"
        "np.save(sys.argv[1], embedder.embed(crops(4)))\n"
    )
    file = tmp_path / "embeddings.npy"
    environment = os.environ | {"ONEDNN_MAX_CPU_ISA": instructions}
    subprocess.run([sys.executable, "-c", code, str(file)], env=environment, check=True)

    here = OpenVinoEmbedder(catalog.sface_int8(mirror=True), threads=1).embed(crops(4))

    assert np.min(np.sum(np.load(file) * here, axis=1)) > 0.9999


def test_other_figures_are_another_model(tmp_path: Path) -> None:
    figures = activations.read()
    name, first = next(iter(figures.items()))
    activations.write(figures, tmp_path / "same.npz")
    activations.write(figures | {name: replace(first, high=first.high * 1.01)}, tmp_path / "other.npz")

    read = activations.read(tmp_path / "same.npz")

    assert read.keys() == figures.keys()
    assert all(read[layer].high == figures[layer].high for layer in figures)
    assert activations.digest(tmp_path / "other.npz") != activations.digest()
    assert activations.digest() in catalog.sface_int8(mirror=True).normalisation


def test_the_thresholds_of_the_card_belong_to_these_figures() -> None:
    """Measure them again (`benchmarks/card_figures.py`) when the figures change."""
    assert catalog.sface_int8(mirror=True).fingerprint == "sface-int8-413f7d42debf"
    assert catalog.sface_int8(mirror=True).fingerprint != catalog.sface(mirror=True).fingerprint
