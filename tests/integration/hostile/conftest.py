"""One server for all tests of this folder, once with one worker and once with two."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.home import Home, ready, wait_for
from tests.support.hostile.service import SOON, Service, serving


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory, migrated_cluster: Path) -> Home:
    return Home(tmp_path_factory.mktemp("home"), cluster=migrated_cluster)


@pytest.fixture(scope="session", params=["1", "2"], ids=["one worker", "two workers"])
def service(request: pytest.FixtureRequest, home: Home) -> Iterator[Service]:
    with serving(home, "--workers", request.param) as service:
        if request.param == "2":
            log = home.folder / "server.log"
            wait_for(lambda: len(re.findall("Application startup complete", log.read_text())) == 2)
        yield service


@pytest.fixture(scope="session")
def base(service: Service) -> str:
    return service.base


@pytest.fixture(autouse=True)
def _still_serves(service: Service, home: Home) -> Iterator[None]:
    """After each attack, and without an unforeseen error in the log."""
    yield
    assert ready(service.base)
    assert service.health_seconds() < SOON
    assert "Traceback" not in (home.folder / "server.log").read_text()
