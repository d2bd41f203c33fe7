"""`gemel models`: what is listed, shown, fetched and added."""

import shutil
import subprocess
from pathlib import Path

import pytest

from indexer.weights import published
from indexer.weights.locate import locate
from indexer.weights.store import WeightStore
from tests.support.file_server import FileServer
from tests.support.home import GEMEL, Home, wait_for
from tests.support.pictures import SHARED
from tests.support.weights import QUALITY, REID0095, attributes_mirror, needs_lightqnet, needs_reid0095


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "home").mkdir()
    return Home(tmp_path / "home")


@pytest.mark.parametrize("command", [["models"], ["models", "list"]])
def test_models_and_other_networks_are_listed(home: Home, command: list[str]) -> None:
    said = home.json(*command)
    shown = home.run(*command).stdout

    assert [model["name"] for model in said["models"] if model["active"]] == ["sface"]
    names = [row["name"] for row in [*said["models"], *said["networks"]]]
    assert {each.name for each in published.SETS} <= set(names)
    assert all(name in shown for name in names)


def test_what_is_not_fetched_is_listed_with_its_size(home: Home) -> None:
    [lightqnet] = [row for row in home.json("models")["networks"] if row["name"] == "lightqnet"]

    assert (lightqnet["available"], lightqnet["missing_bytes"]) == (False, published.LIGHTQNET.size_bytes)
    done = home.run("models")
    assert "not fetched (1.9 MB)" in done.stdout
    assert "`gemel models fetch NAME`" in done.stderr


@pytest.mark.parametrize("name", ["sface", "dlib-resnet", "yunet", "reid0095", "lightqnet"])
def test_a_model_is_shown_with_its_publisher_licence_and_digests(home: Home, name: str) -> None:
    shown = home.run("models", "show", name).stdout
    network = published.named(name)

    assert network is not None
    for text in (network.publisher, network.licence, *(file.sha256 for file in network.files)):
        assert text in shown
    said = home.json("models", "show", name)
    assert [file["sha256"] for file in said["files"]] == [file.sha256 for file in network.files]


def test_a_fused_model_is_shown_with_its_parts_and_the_files_of_all_of_them(home: Home) -> None:
    shown = home.run("models", "show", "sface+reid0095").stdout
    said = home.json("models", "show", "sface+reid0095")

    assert "sface, weight 0.571, face and mirror image" in shown
    assert "reid0095, weight 0.429, face\n" in "".join(line.rstrip() + "\n" for line in shown.splitlines())
    assert {part["name"] for part in said["parts"]} == {"sface", "reid0095"}
    assert [file["name"] for file in said["files"]] == [
        file.name for file in (published.SFACE, published.REID0095_GRAPH, published.REID0095)
    ]


def test_a_model_that_there_is_not_is_told_with_those_that_there_are(home: Home) -> None:
    done = home.run("models", "show", "vgg", status=1)

    assert "'vgg'" in done.stderr
    assert "lightqnet" in done.stderr


@needs_reid0095
@needs_lightqnet
def test_added_files_are_available(home: Home, tmp_path: Path) -> None:
    renamed = tmp_path / "whatever"
    shutil.copy(QUALITY / "lightqnet-dm100.pb", renamed)

    done = home.run("models", "add", REID0095 / "face-reidentification-retail-0095.xml", renamed)

    assert "reid0095 still lacks face-reidentification-retail-0095.bin" in done.stdout
    assert "lightqnet is complete" in done.stdout
    said = home.json("models")
    available = {row["name"]: row["available"] for row in [*said["models"], *said["networks"]]}
    assert (available["reid0095"], available["lightqnet"]) == (False, True)


@needs_reid0095
def test_the_files_of_a_folder_are_added(home: Home) -> None:
    done = home.run("models", "add", REID0095)

    assert "reid0095 is complete" in done.stdout
    assert "reid0095.json: unknown, not added" in done.stdout


def test_an_unknown_file_is_rejected(home: Home) -> None:
    (home.folder / "model.bin").write_bytes(b"?")

    done = home.run("models", "add", home.folder / "model.bin", status=1)

    assert "model.bin" in done.stderr
    assert published.LIGHTQNET.sha256 in done.stderr


@needs_reid0095
def test_files_in_a_mirror_folder_are_used_where_they_lie(home: Home) -> None:
    mirrored = home.run("models", "show", "reid0095", GEMEL_MODEL_MIRROR=str(REID0095)).stdout

    assert str(REID0095 / "face-reidentification-retail-0095.bin") in mirrored.replace("\n", "")


def test_a_mirror_that_is_no_folder_and_no_address_is_told(home: Home) -> None:
    done = home.run("models", status=2, GEMEL_MODEL_MIRROR="ftp://mirror/")

    assert "GEMEL_" in done.stderr
    assert "ftp://mirror/" in done.stderr


@needs_reid0095
@needs_lightqnet
def test_models_are_fetched_from_a_mirror(home: Home, tmp_path: Path) -> None:
    with_attributes = [str(attributes_mirror(tmp_path)), str(SHARED / "models")]
    for mirror, name in zip(with_attributes, (("expression",), ("reid0095", "lightqnet")), strict=True):
        home.run("models", "fetch", *name, GEMEL_MODEL_MIRROR=mirror)
    again = home.json("models", "fetch", "reid0095", "lightqnet", "expression", "yunet")

    outcomes = {file["file"]: file["outcome"] for file in again["files"]}
    assert set(outcomes.values()) == {"present", "in a package"}
    assert outcomes[published.YUNET.name] == "in a package"
    networks = {network["name"]: network["available"] for network in home.json("models")["networks"]}
    assert networks["lightqnet"]
    assert networks["expression"]


def test_a_fetch_over_http_says_where_from_and_how_far_it_got(home: Home, tmp_path: Path) -> None:
    with FileServer(files={}) as mirror:
        address = f"{mirror.address}/gemel/"
        failed = home.run("models", "fetch", "lightqnet", status=1, GEMEL_MODEL_MIRROR=address)
        mirror.files = {"/gemel/lightqnet-dm100.pb": bytes(1_875_662)}
        another = home.run("models", "fetch", "lightqnet", status=1, GEMEL_MODEL_MIRROR=address)

    assert f"{mirror.address}/gemel/lightqnet-dm100.pb answers 404" in failed.stderr
    assert "lightqnet-dm100.pb: 1875662/1875662" in another.stderr
    assert published.LIGHTQNET.sha256 in another.stderr
    assert "not fetched" in home.run("models", "show", "lightqnet").stdout


@needs_lightqnet
def test_a_killed_fetch_is_continued_by_the_next(home: Home) -> None:
    data = (QUALITY / "lightqnet-dm100.pb").read_bytes()
    half = len(data) // 2
    store = WeightStore(folder=home.folder / "models")
    part = store.part(published.LIGHTQNET)
    with FileServer(files={"/lightqnet-dm100.pb": data}, stalls_after=half) as mirror:
        environment = home.environment | {"GEMEL_MODEL_MIRROR": mirror.address}
        fetching = subprocess.Popen([GEMEL, "models", "fetch", "lightqnet"], env=environment)
        wait_for(lambda: part.exists() and part.stat().st_size > half // 2)
        fetching.kill()
        fetching.wait()
        arrived = part.stat().st_size
        assert store.find(published.LIGHTQNET) is None

        mirror.stalls_after = None
        home.run("models", "fetch", "lightqnet", GEMEL_MODEL_MIRROR=mirror.address)

    assert mirror.requests[-1] == ("/lightqnet-dm100.pb", f"bytes={arrived}-")
    assert locate(published.LIGHTQNET, store).read_bytes() == data
    assert not part.exists()


@pytest.mark.parametrize("arguments", [[], ["vgg"]])
def test_a_fetch_without_a_known_name_fetches_nothing(home: Home, arguments: list[str]) -> None:
    home.run("models", "fetch", *arguments, status=1 if arguments else 2)

    assert not (home.folder / "models").exists()
