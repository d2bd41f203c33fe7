"""Weights are located and verified, or rejected with the reason."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer.errors import Misconfigured, WeightsDamaged, WeightsMissing
from indexer.settings import Settings
from indexer.weights.file import WeightFile
from indexer.weights.locate import is_present, locate, read_verified
from indexer.weights.published import REID0095, SFACE, YUNET
from indexer.weights.store import WeightStore
from tests.support.weights import weight_file


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


def test_a_fetched_file_is_found_in_the_store_before_the_mirror(tmp_path: Path) -> None:
    file = weight_file(b"weights")
    store = WeightStore(folder=tmp_path / "models", mirror=tmp_path / "mirror")
    for path in (store.path(file), tmp_path / "mirror" / file.name):
        path.parent.mkdir()
        path.write_bytes(b"weights")

    assert locate(file, store) == store.path(file)
    store.path(file).unlink()
    assert locate(file, store) == tmp_path / "mirror" / file.name


def test_a_mirror_may_have_folders_and_several_files_of_one_name(tmp_path: Path) -> None:
    file = weight_file(b"weights")
    for folder, data in {"intel/network/FP16": b"weights", "intel/network/FP32": b"weights twice"}.items():
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / file.name).write_bytes(data)

    found = locate(file, WeightStore(folder=tmp_path / "models", mirror=tmp_path))

    assert found == tmp_path / "intel/network/FP16" / file.name


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")
def test_a_file_in_a_folder_that_this_account_may_not_enter_is_missing(tmp_path: Path) -> None:
    store = WeightStore(folder=tmp_path / "models")
    store.folder.mkdir(mode=0o700)
    store.path(REID0095).write_bytes(b"weights")
    os.seteuid(65534)
    try:
        present = is_present(REID0095, store)
    finally:
        os.seteuid(0)

    assert not present


def test_an_account_without_a_home_folder_is_told_to_set_one() -> None:
    with pytest.raises(Misconfigured, match="GEMEL_HOME"):
        WeightStore.of(Settings(home=Path("~nobody-has-this-name/gemel")))


@pytest.mark.parametrize("with_store", [True, False])
def test_a_file_that_is_not_fetched_yet_is_missing_and_the_error_names_the_command(
    tmp_path: Path, with_store: bool
) -> None:
    store = WeightStore(folder=tmp_path) if with_store else None

    with pytest.raises(WeightsMissing, match="`gemel models fetch reid0095`"):
        locate(REID0095, store)
    assert not is_present(REID0095, store)


@pytest.mark.parametrize("read", [locate, read_verified])
def test_a_damaged_file_in_the_store_is_rejected(
    tmp_path: Path, read: Callable[[WeightFile, WeightStore], object]
) -> None:
    file = weight_file(b"weights")
    store = WeightStore(folder=tmp_path)
    store.path(file).write_bytes(b"weightz")

    with pytest.raises(WeightsDamaged, match=file.sha256):
        read(file, store)
