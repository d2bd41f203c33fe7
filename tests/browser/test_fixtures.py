"""What every other test here relies on: a page that does wrong is noticed, and the camera shows people."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Route

from indexer.pipeline.pipeline import Pipeline
from indexer.request_timings import Stopwatch
from tests.support.browser import accessibility, keyboard
from tests.support.browser.client import ApiClient
from tests.support.browser.pages import OpenPage
from tests.support.browser.watch import Watch
from tests.support.browser.webcam import Webcam

POLICY = "default-src 'none'; script-src 'self'; connect-src *"
FRAME = """async () => {
    const video = document.createElement("video");
    video.srcObject = await navigator.mediaDevices.getUserMedia({video: true});
    await video.play();
    await new Promise(resolve => video.requestVideoFrameCallback(resolve));
    const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
    canvas.getContext("2d").drawImage(video, 0, 0);
    const blob = await canvas.convertToBlob({type: "image/jpeg"});
    const bytes = new Uint8Array(await blob.arrayBuffer());
    return Array.from(bytes);
}"""

Publish = Callable[[str], None]


@pytest.fixture
def publish(context: BrowserContext, server: str) -> Publish:
    """Makes a page of the server's at the address `made`, under the console's kind of policy."""

    def publish(body: str) -> None:
        def answer(route: Route) -> None:
            headers = {"content-type": "text/html", "content-security-policy": POLICY}
            route.fulfill(body=f"<!doctype html><html lang=en>{body}</html>", headers=headers)

        context.route(f"{server}/made", answer)

    return publish


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("<script>alert(1)</script>", "violates the following Content Security Policy directive"),
        ("<button onclick='alert(1)' autofocus>x</button>", "Content Security Policy"),
        ("<style>p {color: red}</style>", "Content Security Policy"),
    ],
)
def test_a_page_that_breaks_its_policy_is_noticed(
    publish: Publish, open_page: OpenPage, watch: Watch, body: str, fault: str
) -> None:
    publish(body)
    watch.expect(fault)
    page = open_page("made")
    if "button" in body:
        page.get_by_role("button").click()


@pytest.mark.parametrize(
    ("script", "fault"),
    [
        ("() => { console.error('broken') }", "console error: broken"),
        (
            "() => new Promise(then => setTimeout(() => { setTimeout(then); throw new Error('broken') }))",
            "uncaught: broken",
        ),
        ("() => { alert('from a name') }", "dialog: from a name"),
        ("() => fetch('/v1/galleries/absent')", "console error: .* 404 .*/v1/galleries/absent"),
    ],
)
def test_a_page_that_does_wrong_is_noticed(
    publish: Publish, open_page: OpenPage, watch: Watch, script: str, fault: str
) -> None:
    publish("<p>x")
    watch.expect(fault)
    open_page("made").evaluate(script)


def test_a_request_to_another_site_is_noticed(publish: Publish, open_page: OpenPage, watch: Watch) -> None:
    publish("<img src='https://example.org/a.png'>")
    watch.expect(
        "request to a third party: https://example.org/a.png",
        "request failed: https://example.org/a.png: csp",
        "Content Security Policy",
    )
    open_page("made")


def test_a_fault_that_nobody_expected_fails(open_page: OpenPage, publish: Publish, watch: Watch) -> None:
    publish("<p>x")
    page = open_page("made")
    with page.expect_console_message():
        page.evaluate("() => { console.warn('careless') }")
    with pytest.raises(AssertionError, match="careless"):
        watch.check()
    watch.expect("careless")


def test_an_expected_fault_that_does_not_happen_fails(server: str) -> None:
    watch = Watch(server)
    watch.expect("404")
    with pytest.raises(AssertionError, match="did not happen"):
        watch.check()


def test_axe_finds_a_picture_without_a_text(publish: Publish, open_page: OpenPage) -> None:
    publish("<title>x</title><main><h1>x</h1><img src=''></main>")
    [found] = accessibility.violations(open_page("made"))
    assert found.startswith("image-alt: img")


def test_the_webcam_shows_the_people_before_it(
    publish: Publish,
    open_page: OpenPage,
    webcam: Webcam,
    pipeline: Pipeline,
    hopper: bytes,
    collins: bytes,
) -> None:
    publish("<p>x")
    page = open_page("made")
    for people in [(hopper,), (hopper, collins), ()]:
        webcam.show(*people)
        frame = bytes(page.evaluate(FRAME))
        assert len(pipeline.detect(frame, Stopwatch()).faces) == len(people)
        page.reload()


def test_a_camera_can_be_absent_or_denied(publish: Publish, open_page: OpenPage, webcam: Webcam) -> None:
    publish("<p>x")
    page = open_page("made")
    ask = "() => navigator.mediaDevices.getUserMedia({video: true}).catch(error => error.name)"
    assert page.evaluate(ask) == "NotFoundError"
    webcam.deny()
    assert page.evaluate(ask) == "NotAllowedError"


def test_what_a_test_puts_in_is_there(api: ApiClient, hopper: bytes) -> None:
    gallery = api.create_gallery("staff")
    enrolled = api.enrol(gallery, "Grace", hopper, external_id="1", metadata={"a": [1]})
    assert enrolled["metadata"] == {"a": [1]}
    assert len(enrolled["faces"]) == 1


def test_what_the_keyboard_does_not_reach_is_noticed(
    publish: Publish, open_page: OpenPage, context: BrowserContext
) -> None:
    publish("<button>1</button><a href='#'>2</a><button>3</button><p>4</p><button>5</button>")
    keyboard.install(context)
    page = open_page("made")
    assert keyboard.faults(page) == []
    page = open_page("made")
    page.evaluate("""() => {
        const [first, , third] = document.querySelectorAll("button, a");
        first.style.outline = "none";
        third.addEventListener("keydown", event => event.preventDefault());
        document.querySelector("p").addEventListener("click", () => {});
    }""")
    assert [fault.split(":")[0] for fault in keyboard.faults(page)] == [
        "answers clicks, but no key",
        "the focus does not show",
        "Tab does not reach it",
    ]
