"""Weights are located and verified, or rejected with the reason."""

from pathlib import Path

import pytest

from indexer.embedding.backbones import sface
from indexer.embedding.weights import SFACE, YUNET, WeightFile, locate
from indexer.errors import WeightsDamaged, WeightsMissing
from indexer.inference.block_quantised import read_arrays


@pytest.mark.parametrize("file", [SFACE, YUNET])
def test_the_files_in_the_packages_are_those_that_opencv_zoo_published(file: WeightFile) -> None:
    assert locate(file).name == file.name


def test_a_file_with_another_digest_is_rejected() -> None:
    other = WeightFile(distribution=SFACE.distribution, name=SFACE.name, sha256="0" * 64)

    with pytest.raises(WeightsDamaged, match=SFACE.sha256):
        locate(other)


@pytest.mark.parametrize(("distribution", "name"), [("no-such-package", "x"), (SFACE.distribution, "x.onnx")])
def test_the_error_names_a_missing_package(distribution: str, name: str) -> None:
    with pytest.raises(WeightsMissing, match=distribution):
        locate(WeightFile(distribution=distribution, name=name, sha256="0" * 64))


def test_every_tensor_of_the_file_is_used(tmp_path: Path) -> None:
    """All 145 float arrays and 29 dequantised ones but the two scalars of the normalisation."""
    arrays = read_arrays(locate(SFACE))
    backbone = sface.load(locate(SFACE))
    wanted = {sface.onnx_name(n) for n in backbone.state_dict() if not n.endswith("num_batches_tracked")}

    used = {n for n in arrays if not n.endswith(("_scales", "_quantized")) and not n.startswith("scalar_op")}
    assert wanted == used
