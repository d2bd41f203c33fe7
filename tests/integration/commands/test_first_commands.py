"""The first command on a machine, whichever it is."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from indexer.records.database.session import Database
from tests.support.home import Home


@pytest.mark.parametrize(
    "command",
    ["gallery list", "gallery create staff", "index status", "index verify", "index prune", "enrol {folder}"],
)
def test_each_command_migrates_the_embedded_database(tmp_path: Path, hopper: bytes, command: str) -> None:
    folder = tmp_path / "people"
    (folder / "Grace").mkdir(parents=True)
    (folder / "Grace" / "1.jpg").write_bytes(hopper)
    home = tmp_path / "home"
    home.mkdir()
    gallery = ["--gallery", "staff"] if "enrol" in command else []

    Home(home).run(*command.format(folder=folder).split(), *gallery)


@pytest.mark.parametrize("command", ["identify {image} -g staff", "person list -g staff"])
def test_a_command_about_a_gallery_says_that_there_is_none(
    tmp_path: Path, hopper: bytes, command: str
) -> None:
    image = tmp_path / "grace.jpg"
    image.write_bytes(hopper)

    done = Home(tmp_path).run(*command.format(image=image).split(), status=1)

    assert "gallery_not_found" in done.stderr
    assert "`gemel gallery list` lists all galleries" in done.stderr


@pytest.fixture
def empty(postgresql: str) -> Iterator[str]:
    administrator = Database(postgresql)
    with administrator.reading() as session:
        session.execute(text("DROP DATABASE IF EXISTS nothing_yet"))
        session.execute(text("CREATE DATABASE nothing_yet"))
    yield postgresql.replace("/postgres?", "/nothing_yet?")
    administrator.close()


@pytest.mark.parametrize("command", ["gallery list", "index status", "serve --port 0 --no-migrate"])
def test_a_named_database_is_migrated_by_the_operator_alone(tmp_path: Path, empty: str, command: str) -> None:
    home = Home(tmp_path)
    run = home.process if command.startswith("serve") else home.run
    done = run(*command.split(), status=1, GEMEL_DATABASE_URL=empty)

    assert "run `gemel migrate`" in done.stderr.replace("\n", " ")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_port_in_use_is_told_before_anything_is_started(tmp_path: Path, workers: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = Home(tmp_path).run("serve", "--port", port, "--workers", workers, status=1)

    assert f"port {port} of 127.0.0.1 is in use" in done.stderr
    assert "Documentation" not in done.stderr
    assert not (tmp_path / "postgresql").exists()


@pytest.mark.parametrize("port", ["65536", "70000", "-1"])
def test_a_port_that_there_cannot_be_is_rejected(tmp_path: Path, port: str) -> None:
    done = Home(tmp_path).run("serve", f"--port={port}", status=2)

    assert "--port" in done.stderr
    assert not (tmp_path / "postgresql").exists()


def test_a_key_that_is_too_short_is_told_in_characters(tmp_path: Path) -> None:
    done = Home(tmp_path).run("models", status=2, GEMEL_API_KEY="short")

    assert "GEMEL_API_KEY: must have at least 8 characters" in done.stderr


def test_a_model_that_is_not_there_is_told_before_anything_is_started(tmp_path: Path) -> None:
    done = Home(tmp_path).run("serve", "--port", "0", status=1, GEMEL_MODEL="onnx:/nowhere.onnx")

    assert "/nowhere" in done.stderr
    assert not (tmp_path / "postgresql").exists()


def test_a_model_that_is_not_fetched_is_told_with_the_command_before_anything_is_started(
    tmp_path: Path,
) -> None:
    done = Home(tmp_path).run("serve", "--port", "0", status=1, GEMEL_MODEL="sface+reid0095")

    assert "`gemel models fetch reid0095`" in done.stderr.replace("\n", " ")
    assert not (tmp_path / "postgresql").exists()


def test_an_address_of_another_machine_is_told_of(tmp_path: Path) -> None:
    done = Home(tmp_path).run(
        "serve", "--host", "203.0.113.7", "--port", "0", status=1, GEMEL_API_KEY="a-key-for-this"
    )

    assert "203.0.113.7 is not an address of this machine" in done.stderr.replace("\n", " ")


def test_a_misspelt_variable_is_named_by_each_command(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("GEMEL_INDEX_TEIR=exact\n")

    done = Home(tmp_path).run("models", GEMEL_DATABSE_URL="postgresql://x")

    assert "no setting GEMEL_DATABSE_URL; did you mean GEMEL_DATABASE_URL?" in done.stderr
    assert "no setting GEMEL_INDEX_TEIR; did you mean GEMEL_INDEX_TIER?" in done.stderr
