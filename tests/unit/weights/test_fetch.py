"""A file is fetched complete or not at all, from a real HTTP server with the faults of real ones."""

import threading
from pathlib import Path

import pytest

from indexer.errors import DownloadFailed, WeightsDamaged, WeightsMissing
from indexer.weights import published
from indexer.weights.download import Downloader
from indexer.weights.fetch import Fetched, fetch
from indexer.weights.file import WeightFile
from indexer.weights.locate import is_present, locate
from indexer.weights.store import WeightStore
from tests.support.faults import full_disk
from tests.support.file_server import FileServer, self_signed
from tests.support.weights import weight_file

DATA = bytes(range(256)) * 2000
HALF = len(DATA) // 2
IMPATIENT = Downloader(timeout_seconds=0.2, pauses_seconds=(0.0, 0.0))


@pytest.fixture
def store(tmp_path: Path) -> WeightStore:
    return WeightStore(folder=tmp_path / "home" / "models")


def _serving(**faults: object) -> FileServer:
    return FileServer(files={"/network.bin": DATA}, **faults)  # type: ignore[arg-type]


def _fetch(store: WeightStore, *servers: FileServer, file: WeightFile | None = None) -> Fetched:
    addresses = [f"{server.address}/network.bin" for server in servers]
    [fetched] = fetch([file or weight_file(DATA, *addresses)], store, downloader=IMPATIENT)
    return fetched


def _left(store: WeightStore) -> list[str]:
    return sorted(path.suffix for path in store.folder.iterdir() if path.is_file())


def test_a_file_is_fetched_once(store: WeightStore) -> None:
    with _serving() as server:
        fetched = _fetch(store, server)
        again = _fetch(store, server)

    assert (fetched.outcome, again.outcome) == ("fetched", "present")
    assert locate(fetched.file, store).read_bytes() == DATA
    assert server.requests == [("/network.bin", None)]
    assert _left(store) == [".bin"]


@pytest.mark.parametrize("names_length", [True, False])
def test_an_interrupted_answer_is_continued_where_it_ended(store: WeightStore, names_length: bool) -> None:
    with _serving(cut_after=[1000, 70_000, 0, 1000], names_length=names_length) as server:
        fetched = _fetch(store, server)

    ranges = [wanted for _, wanted in server.requests]
    assert ranges == [None, "bytes=1000-", "bytes=71000-", "bytes=71000-", "bytes=72000-"]
    assert locate(fetched.file, store).read_bytes() == DATA


def test_an_interrupted_fetch_is_continued_by_the_next(store: WeightStore) -> None:
    with _serving(cut_after=[HALF, 0, 0]) as server:
        with pytest.raises(DownloadFailed, match=f"{HALF:,} of {len(DATA):,} bytes have arrived"):
            _fetch(store, server)
        file = weight_file(DATA, f"{server.address}/network.bin")
        assert not is_present(file, store)
        assert _left(store) == [".part"]

        _fetch(store, server)

    assert server.requests[-1] == ("/network.bin", f"bytes={HALF}-")
    assert locate(file, store).read_bytes() == DATA
    assert _left(store) == [".bin"]


def test_a_server_without_ranges_sends_the_whole_file_again(store: WeightStore) -> None:
    with _serving(cut_after=[HALF], resumes=False) as server:
        fetched = _fetch(store, server)

    assert locate(fetched.file, store).read_bytes() == DATA


@pytest.mark.parametrize("part", [b"?" * HALF, b"?" * len(DATA), b"?" * (len(DATA) + 1)])
def test_a_part_of_another_file_is_replaced(store: WeightStore, part: bytes) -> None:
    with _serving() as server:
        file = weight_file(DATA, f"{server.address}/network.bin")
        store.folder.mkdir(parents=True)
        store.part(file).write_bytes(part)
        _fetch(store, server)

    assert locate(file, store).read_bytes() == DATA


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(DATA[:-1] + b"?", id="of the same size"),
        pytest.param(DATA[:-1], id="shorter"),
        pytest.param(DATA + b"?", id="longer"),
    ],
)
@pytest.mark.parametrize("names_length", [True, False])
def test_another_file_is_never_kept(store: WeightStore, wrong: bytes, names_length: bool) -> None:
    file = weight_file(DATA, "-")
    with FileServer(files={"/network.bin": wrong}, names_length=names_length) as server:
        file = weight_file(DATA, f"{server.address}/network.bin")
        with pytest.raises(DownloadFailed, match=server.address):
            _fetch(store, file=file)

    assert not is_present(file, store)
    with _serving() as server:  # nothing that is left disturbs the next fetch
        _fetch(store, server)
    assert locate(file, store).read_bytes() == DATA


def test_a_file_that_is_not_there_is_not_asked_for_again(store: WeightStore) -> None:
    with FileServer(files={}) as server, pytest.raises(DownloadFailed, match="404"):
        _fetch(store, server)

    assert len(server.requests) == 1


def test_the_next_address_is_asked_if_one_lacks_the_file(store: WeightStore) -> None:
    with FileServer(files={}) as empty, _serving() as server:
        fetched = _fetch(store, empty, server)

    assert fetched.source == f"{server.address}/network.bin"


@pytest.mark.parametrize("faults", [{"statuses": [503, 429]}, {"hangs": 2}])
def test_a_server_that_fails_for_a_while_is_asked_again(
    store: WeightStore, faults: dict[str, object]
) -> None:
    with _serving(**faults) as server:
        fetched = _fetch(store, server)

    assert locate(fetched.file, store).read_bytes() == DATA
    assert len(server.requests) == 3


def test_a_server_that_never_answers_ends_the_fetch(store: WeightStore) -> None:
    with _serving(hangs=100) as server, pytest.raises(DownloadFailed, match="no answer in time"):
        _fetch(store, server)


def test_a_redirection_is_followed_but_never_to_a_file_of_this_machine(
    store: WeightStore, tmp_path: Path
) -> None:
    (tmp_path / "network.bin").write_bytes(DATA)
    file_address = (tmp_path / "network.bin").as_uri()
    with _serving() as server, FileServer(files={}) as first:
        first.redirects = {"/network.bin": file_address}
        with pytest.raises(DownloadFailed):
            _fetch(store, first)
        first.redirects = {"/network.bin": f"{server.address}/network.bin"}
        fetched = _fetch(store, first)

    assert locate(fetched.file, store).read_bytes() == DATA


def test_a_proxy_of_the_environment_is_used(store: WeightStore, monkeypatch: pytest.MonkeyPatch) -> None:
    address = "http://publisher.invalid/network.bin"
    with FileServer(files={address: DATA}) as proxy:
        monkeypatch.setenv("http_proxy", proxy.address)
        fetched = _fetch(store, file=weight_file(DATA, address))

    assert fetched.source == address
    assert locate(fetched.file, store).read_bytes() == DATA


def test_a_certificate_must_be_trusted(
    store: WeightStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = self_signed(tmp_path)
    with _serving(certificate=certificate) as server:
        with pytest.raises(DownloadFailed, match="certificate is not trusted"):
            _fetch(store, server)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        fetched = _fetch(store, server)

    assert locate(fetched.file, store).read_bytes() == DATA
    assert len(server.requests) == 1


def test_of_several_fetches_at_once_one_downloads(store: WeightStore) -> None:
    together = threading.Barrier(4)
    outcomes: list[str] = []

    def run(file: WeightFile) -> None:
        together.wait()
        outcomes.append(fetch([file], store, downloader=IMPATIENT)[0].outcome)

    with _serving() as server:
        file = weight_file(DATA, f"{server.address}/network.bin")
        threads = [threading.Thread(target=run, args=(file,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert sorted(outcomes) == ["fetched", "present", "present", "present"]
    assert len(server.requests) == 1


def test_a_full_disk_is_told_with_the_file_and_leaves_nothing_but_a_part(store: WeightStore) -> None:
    with _serving() as server:
        file = weight_file(DATA, f"{server.address}/network.bin")
        with full_disk.full(HALF), pytest.raises(OSError, match="too large") as raised:
            _fetch(store, server)
        assert raised.value.filename == str(store.part(file))
        assert _left(store) == [".part"]

        _fetch(store, server)

    assert locate(file, store).read_bytes() == DATA


def test_progress_ends_with_the_size_of_the_file(store: WeightStore) -> None:
    said: list[int] = []
    with _serving(cut_after=[HALF]) as server:
        file = weight_file(DATA, f"{server.address}/network.bin")
        fetch([file], store, downloader=IMPATIENT, progress=lambda _, there: said.append(there))

    assert said == sorted(said)
    assert (said[0], said[-1]) == (0, len(DATA))


def test_with_a_mirror_on_another_machine_the_publisher_is_not_asked(store: WeightStore) -> None:
    with FileServer(files={"/gemel/network.bin": DATA}) as mirror, _serving() as publisher:
        file = weight_file(DATA, f"{publisher.address}/network.bin")
        [fetched] = fetch([file], store, mirror_address=f"{mirror.address}/gemel", downloader=IMPATIENT)

    assert fetched.source == f"{mirror.address}/gemel/network.bin"
    assert publisher.requests == []


def test_a_file_of_a_mirror_folder_is_copied(tmp_path: Path) -> None:
    store = WeightStore(folder=tmp_path / "models", mirror=tmp_path / "mirror")
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "network.bin").write_bytes(DATA)

    fetched = _fetch(store, file=weight_file(DATA))

    (tmp_path / "mirror" / "network.bin").unlink()
    assert locate(fetched.file, store).read_bytes() == DATA


def test_the_folder_of_another_store_is_a_mirror(tmp_path: Path) -> None:
    one = WeightStore(folder=tmp_path / "one")
    with _serving() as server:
        file = _fetch(one, server).file

    other = WeightStore(folder=tmp_path / "other", mirror=one.folder)

    assert locate(file, other) == one.path(file)
    assert _fetch(other, file=file).outcome == "fetched"
    assert locate(file, other) == other.path(file)


@pytest.mark.parametrize(("content", "error"), [(None, WeightsMissing), (DATA[:-1] + b"?", WeightsDamaged)])
def test_a_mirror_folder_without_the_file_or_with_another_is_told(
    tmp_path: Path, content: bytes | None, error: type[Exception]
) -> None:
    store = WeightStore(folder=tmp_path / "models", mirror=tmp_path / "mirror")
    (tmp_path / "mirror").mkdir()
    if content is not None:
        (tmp_path / "mirror" / "network.bin").write_bytes(content)

    with pytest.raises(error, match=str(tmp_path / "mirror")):
        _fetch(store, file=weight_file(DATA))
    assert _left(store) == []


def test_what_comes_with_a_package_is_not_fetched(store: WeightStore) -> None:
    assert _fetch(store, file=published.YUNET).outcome == "in a package"
    assert not store.folder.exists()
