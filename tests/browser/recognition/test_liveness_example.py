"""The example page for other sites, behind its own small server, as the guide starts it."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import BrowserContext, Page, Response, Route, expect

from indexer.liveness.challenges import MIN_MOVEMENTS
from indexer.settings import Settings
from tests.support.browser import accessibility
from tests.support.browser.acting import act, turning_and_nodding
from tests.support.browser.pages import OpenPage
from tests.support.browser.server import served
from tests.support.browser.watch import Watch
from tests.support.browser.webcam import Webcam
from tests.support.clips import presented
from tests.support.weights import attributes_mirror, needs_liveness

pytestmark = needs_liveness

PROXY = Path(__file__).parents[3] / "docs" / "examples" / "liveness" / "proxy.py"
STEPS_MS = 120_000
"""The steps take 20 seconds; then the frames are judged, on a machine that other tests share."""
KEY = "gemel_example_key_of_the_site"


@pytest.fixture(scope="module")
def gemel(empty_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    options: dict[str, Any] = {
        "home": tmp_path_factory.mktemp("served"),
        "database_url": empty_database,
        "model_mirror": str(attributes_mirror(tmp_path_factory.mktemp("mirror"))),
        "api_key": KEY,
        "console": "off",
    }
    with served(Settings(**options)) as address:
        yield address


@pytest.fixture(scope="module")
def server(gemel: str) -> Iterator[str]:
    yield from site(gemel)


def site(gemel: str) -> Iterator[str]:
    """The address of the site's server."""
    variables = os.environ | {"SERVER_URL": gemel, "GEMEL_API_KEY": KEY}
    command = [sys.executable, str(PROXY), "0"]
    with subprocess.Popen(
        command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip().rstrip("/")
        process.terminate()


def first_movement(route: Route) -> None:
    """The page shows one movement of those that were drawn."""
    response = route.fetch()
    route.fulfill(response=response, json={"movements": response.json()["movements"][:1]})


def show(open_page: OpenPage) -> Page:
    return open_page("index.html", width=360)


def test_a_visitor_who_does_what_the_page_says_is_let_on(
    open_page: OpenPage, context: BrowserContext, drawn: list[str]
) -> None:
    act(context, turning_and_nodding())
    page = show(open_page)
    responses: list[Response] = []
    page.on("response", lambda response: responses.append(response))
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_text("Turn your head to your left")).to_be_visible()
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        assert accessibility.violations(page) == [], theme
    assert page.evaluate("document.scrollingElement.scrollWidth <= document.scrollingElement.clientWidth")

    expect(page.get_by_text("Thank you. You can go on.")).to_be_visible(timeout=STEPS_MS)
    challenge, verdict = (one.json() for one in responses if one.request.method == "POST")
    assert challenge == {"movements": drawn}, "the token stays on the site's server"
    assert verdict == {"verdict": "live", "reasons": []}, "no figures for the page"
    assert KEY not in page.content()


def test_a_photograph_is_not_let_on_and_the_visitor_learns_what_to_do(
    open_page: OpenPage, webcam: Webcam, hopper: bytes
) -> None:
    webcam.show(hopper)
    page = show(open_page)
    page.route("**/liveness/challenges", first_movement)  # the others would take seven seconds more
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_text("That did not work.")).to_be_visible(timeout=STEPS_MS)
    expect(page.get_by_text("Follow each step until the tone")).to_be_visible()
    expect(page.get_by_role("button", name="Try again")).to_be_enabled()
    expect(page.locator("video")).to_be_hidden()


def test_a_visitor_without_a_camera_is_told(open_page: OpenPage, webcam: Webcam) -> None:
    webcam.deny()
    page = show(open_page)
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_text("does not allow this page to use the camera")).to_be_visible()


def test_the_sites_server_passes_nothing_else_on(open_page: OpenPage, watch: Watch) -> None:
    watch.expect("status of 404")
    page = show(open_page)
    status = page.evaluate(
        "async () => (await fetch('v1/galleries', {method: 'POST', body: '{\"name\": \"x\"}'})).status"
    )
    assert status == 404


class Balancer(BaseHTTPRequestHandler):
    """Stands before a Gemel that is not there: answers as balancers do, without JSON."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_error(503)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(("length", "status"), [("2", 503), ("two", 413), ("-1", 413)])
def test_the_sites_server_answers_whatever_a_balancer_or_a_browser_sends(length: str, status: int) -> None:
    with HTTPServer(("127.0.0.1", 0), Balancer) as balancer:
        threading.Thread(target=balancer.serve_forever, daemon=True).start()
        try:
            for address in site(f"http://127.0.0.1:{balancer.server_port}"):
                connection = HTTPConnection(address.removeprefix("http://"), timeout=30)
                connection.putrequest("POST", "/liveness/challenges")
                connection.putheader("Content-Length", length)
                connection.endheaders(b"{}")
                assert connection.getresponse().status == status
                connection.close()
        finally:
            balancer.shutdown()


def test_a_challenge_is_answered_by_the_browser_that_has_drawn_it_and_once(server: str) -> None:
    """Three frames of one photograph: enough for a verdict."""
    frames = 3 * [("frames", ("1.jpg", presented(50), "image/jpeg"))]
    with httpx2.Client(base_url=server, timeout=STEPS_MS / 1000) as browser:
        drawn = browser.post("/liveness/challenges")
        without = httpx2.post(f"{server}/liveness", files=frames, timeout=STEPS_MS / 1000)
        checked = browser.post("/liveness", files=frames)
        again = browser.post("/liveness", files=frames)

    assert (drawn.status_code, list(drawn.json())) == (201, ["movements"])
    assert (without.status_code, checked.status_code, again.status_code) == (409, 200, 409)
    assert "movements_not_shown" in checked.json()["reasons"], "it is judged by its challenge"


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data; boundary=outer; boundary=inner",
        "multipart/form-data; boundary=outer; BOUNDARY=inner",
        "multipart/form-data; boundary*=utf-8''outer; boundary=inner",
        "multipart/form-data; boundary*0=outer; boundary=inner",
        'multipart/form-data; boundary="outer\\"; boundary=inner"',
        "multipart/form-data; charset=utf-8; boundary=inner",
        "multipart/form-data",
        "application/json",
    ],
)
def test_a_form_whose_boundary_could_be_read_in_two_ways_is_not_passed_on(
    server: str, content_type: str
) -> None:
    """Its token would lie before the first part that Gemel sees: a burst without a challenge."""
    head = b'--inner\r\nContent-Disposition: form-data; name="frames"; filename="1.jpg"\r\n\r\n'
    body = 3 * (head + presented(50) + b"\r\n") + b"--inner--\r\n"
    with httpx2.Client(base_url=server, timeout=STEPS_MS / 1000) as browser:
        browser.post("/liveness/challenges").raise_for_status()
        answer = browser.post("/liveness", content=body, headers={"Content-Type": content_type})

    assert answer.status_code == 415


def test_a_browser_does_not_choose_how_many_movements_are_drawn(server: str) -> None:
    usual = httpx2.post(f"{server}/liveness/challenges")
    wished = httpx2.post(f"{server}/liveness/challenges", json={"movements": MIN_MOVEMENTS})

    assert len(wished.json()["movements"]) == len(usual.json()["movements"]) > MIN_MOVEMENTS


@pytest.mark.parametrize(
    ("arguments", "variables", "sentence"),
    [
        (["0"], {}, "Set GEMEL_API_KEY to an API key"),
        ([], {"GEMEL_API_KEY": KEY}, "Usage:"),
        (["http"], {"GEMEL_API_KEY": KEY}, "Usage:"),
    ],
)
def test_a_server_that_lacks_something_says_what(
    arguments: list[str], variables: dict[str, str], sentence: str
) -> None:
    others = {name: value for name, value in os.environ.items() if name != "GEMEL_API_KEY"}
    command = [sys.executable, str(PROXY), *arguments]
    ended = subprocess.run(command, env=others | variables, capture_output=True, text=True, timeout=60)

    assert ended.returncode == 1
    assert ended.stderr.startswith(sentence)
    assert len(ended.stderr.splitlines()) == 1
