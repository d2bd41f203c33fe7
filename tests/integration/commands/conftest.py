"""Homes for commands, and people for them to enrol."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.home import Home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, migrated_cluster: Path) -> Iterator[Home]:
    with Home(tmp_path_factory.mktemp("home"), cluster=migrated_cluster) as home:
        assert "revision 0" in home.run("migrate").stdout
        yield home


@pytest.fixture
def unused(tmp_path_factory: pytest.TempPathFactory, migrated_cluster: Path) -> Home:
    """A home whose PostgreSQL runs only while a command uses it."""
    return Home(tmp_path_factory.mktemp("unused"), cluster=migrated_cluster)


@pytest.fixture
def people(tmp_path: Path, hopper: bytes, collins: bytes, nobody: bytes) -> Path:
    """Two people, and a picture of a cup of coffee."""
    for name, data in {
        "Grace_Hopper/1.jpg": hopper,
        "Eileen_Collins/1.jpg": collins,
        "Eileen_Collins/2.jpg": nobody,
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    return tmp_path
