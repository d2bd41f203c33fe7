"""The catalogue of published files says of each what its publisher says."""

import hashlib
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from docs.scripts.packages import ROOT
from indexer.weights import published
from indexer.weights.file import WeightFile
from tests.support.weights import QUALITY, REID0095, needs_lightqnet, needs_reid0095


@pytest.mark.parametrize(
    ("file", "folder"),
    [
        pytest.param(published.REID0095_GRAPH, REID0095, marks=needs_reid0095),
        pytest.param(published.REID0095, REID0095, marks=needs_reid0095),
        pytest.param(published.LIGHTQNET, QUALITY, marks=needs_lightqnet),
    ],
)
def test_a_published_file_has_the_size_and_the_digests_that_are_listed(
    file: WeightFile, folder: Path
) -> None:
    data = (folder / file.name).read_bytes()

    assert (len(data), hashlib.sha256(data).hexdigest()) == (file.size_bytes, file.sha256)
    if file.publishers_digest is not None:
        kind, _, digest = file.publishers_digest.partition(":")
        assert hashlib.new(kind, data).hexdigest() == digest


def test_every_file_comes_from_a_package_or_from_an_address_with_tls() -> None:
    for file in published.every_file():
        assert (file.distribution is None) == file.is_fetched, file.name
        assert all(address.startswith("https://") for address in file.addresses), file.name
        paths = [urlsplit(address).path for address in file.addresses]
        assert all(path.endswith(f"/{file.name}") for path in paths), file.name
        assert file.size_bytes, file.name


def test_gemel_contains_no_weights() -> None:
    kinds = {Path(file.name).suffix for file in published.every_file()} | {".safetensors", ".pth"}
    folders = [ROOT / name for name in ("indexer", "service", "migrations", "tests")]

    assert len(kinds) > 4
    assert [path for folder in folders for path in folder.rglob("*") if path.suffix in kinds] == []


def test_files_and_sets_have_names_of_their_own() -> None:
    """A mirror has the files under their published names, in one folder."""
    files = [file.name for file in published.every_file()]
    sets = [each.name for each in published.SETS]

    assert len(set(files)) == len(files)
    assert len(set(sets)) == len(sets)
