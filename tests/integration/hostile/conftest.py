"""One server for all tests of a module, once with one worker and once with two."""

import re
from collections.abc import Iterator

import pytest

from tests.support.home import Home, ready, wait_for
from tests.support.hostile_service import SOON, Service, serving


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module", params=["1", "2"], ids=["one worker", "two workers"])
def service(request: pytest.FixtureRequest, home: Home) -> Iterator[Service]:
    with serving(home, "--workers", request.param) as service:
        if request.param == "2":
            log = home.folder / "server.log"
            wait_for(lambda: len(re.findall("Application startup complete", log.read_text())) == 2)
        yield service


@pytest.fixture(scope="module")
def base(service: Service) -> str:
    return service.base


@pytest.fixture(autouse=True)
def _still_serves(service: Service, home: Home) -> Iterator[None]:
    """After each attack, and without an unforeseen error in the log."""
    yield
    assert ready(service.base)
    assert service.health_seconds() < SOON
    assert "Traceback" not in (home.folder / "server.log").read_text()
