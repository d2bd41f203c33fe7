"""Files from elsewhere are recognised by their digest, and kept complete or not at all."""

import stat
from pathlib import Path

import pytest

from indexer.errors import InvalidRequest, WeightsMissing
from indexer.weights import published
from indexer.weights.add import add
from indexer.weights.locate import locate
from indexer.weights.published import WeightSet
from indexer.weights.store import WeightStore
from tests.support.weights import weight_file

DATA = b"weights of a small network"
FILE = weight_file(DATA)


@pytest.fixture(autouse=True)
def _published(monkeypatch: pytest.MonkeyPatch) -> None:
    small = WeightSet(
        name="small", purpose="tests", files=(FILE,), licence="CC0-1.0", publisher="Gemel", page=""
    )
    monkeypatch.setattr(published, "SETS", (*published.SETS, small))


@pytest.fixture
def store(tmp_path: Path) -> WeightStore:
    return WeightStore(folder=tmp_path / "home" / "models")


def test_a_file_is_recognised_under_another_name(tmp_path: Path, store: WeightStore) -> None:
    (tmp_path / "download (1).tmp").write_bytes(DATA)

    [added] = add([tmp_path / "download (1).tmp"], store)

    assert (added.file, added.outcome) == (FILE, "added")
    assert locate(FILE, store).read_bytes() == DATA


def test_adding_a_file_again_changes_nothing(tmp_path: Path, store: WeightStore) -> None:
    (tmp_path / "copy").write_bytes(DATA)
    add([tmp_path / "copy"], store)
    before = store.path(FILE).stat().st_ino, store.path(FILE).stat().st_mtime_ns

    [again] = add([tmp_path / "copy"], store)

    assert again.outcome == "present"
    assert (store.path(FILE).stat().st_ino, store.path(FILE).stat().st_mtime_ns) == before


def test_a_damaged_file_in_the_store_is_replaced(tmp_path: Path, store: WeightStore) -> None:
    (tmp_path / "copy").write_bytes(DATA)
    store.path(FILE).parent.mkdir(parents=True)
    store.path(FILE).write_bytes(DATA[:-1])

    add([tmp_path / "copy"], store)

    assert locate(FILE, store).read_bytes() == DATA


def test_an_unknown_file_is_rejected_with_what_is_expected_and_nothing_is_added(
    tmp_path: Path, store: WeightStore
) -> None:
    (tmp_path / "good").write_bytes(DATA)
    (tmp_path / "damaged").write_bytes(DATA[:-1])

    with pytest.raises(InvalidRequest, match=FILE.sha256) as raised:
        add([tmp_path / "good", tmp_path / "damaged"], store)

    assert raised.value.details["files"] == [str(tmp_path / "damaged")]
    assert not store.folder.exists()


def test_of_a_folder_what_is_known_is_added_and_the_rest_is_listed(
    tmp_path: Path, store: WeightStore
) -> None:
    for name, data in {"README": b"?", "FP16/network.bin": DATA, "FP32/network.bin": DATA * 2}.items():
        (tmp_path / "usb" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "usb" / name).write_bytes(data)

    outcomes = {str(each.path.relative_to(tmp_path)): each.outcome for each in add([tmp_path / "usb"], store)}

    assert outcomes == {
        "usb/README": "unknown",
        "usb/FP16/network.bin": "added",
        "usb/FP32/network.bin": "unknown",
    }
    assert locate(FILE, store).read_bytes() == DATA


def test_a_folder_without_a_known_file_is_rejected(tmp_path: Path, store: WeightStore) -> None:
    (tmp_path / "usb").mkdir()
    (tmp_path / "usb" / "README").write_bytes(b"?")

    with pytest.raises(InvalidRequest, match="usb"):
        add([tmp_path / "usb"], store)


def test_a_file_that_is_not_there_is_named(tmp_path: Path, store: WeightStore) -> None:
    with pytest.raises(WeightsMissing, match="nowhere"):
        add([tmp_path / "nowhere"], store)


def test_the_store_has_nothing_but_complete_files_and_is_in_a_private_folder(
    tmp_path: Path, store: WeightStore
) -> None:
    (tmp_path / "copy").write_bytes(DATA)
    add([tmp_path / "copy"], store)

    assert stat.S_IMODE(store.folder.parent.stat().st_mode) == 0o700
    assert sorted(path.name for path in store.folder.iterdir() if path.is_file()) == [store.path(FILE).name]


def test_a_file_of_a_package_needs_not_be_added(store: WeightStore) -> None:
    [added] = add([locate(published.YUNET)], store)

    assert added.outcome == "in a package"
    assert not store.folder.exists()
