"""Opens pages of a server, and knows when they are complete."""

from typing import Literal

from playwright.sync_api import BrowserContext, Locator, Page, Request, expect

Theme = Literal["light", "dark"]

_TWO_FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
_STREAMS = {"eventsource", "media", "websocket"}


def width_when_loaded(image: Locator) -> int:
    """Pixels of the picture that an `img` shows, once it is there; a picture that cannot be shown fails."""
    image.scroll_into_view_if_needed()  # or a lazy one is never loaded
    return int(image.evaluate("image => image.decode().then(() => image.naturalWidth)"))


class OpenPage:
    """`open_page("#/galleries")`: a page of its own. All pages of one test share cookies."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        """`address`: of the server, without a slash at its end."""
        self._context = context
        self._address = address
        self._unanswered: dict[Page, set[Request]] = {}

    def __call__(
        self,
        address: str = "",
        *,
        theme: Theme = "light",
        width: int = 1280,
        height: int = 800,
        settled: bool = True,
    ) -> Page:
        """`address`: what follows the server's. Sizes in CSS pixels. `settled`: wait until the console shows
        the whole page; other pages are returned when they are loaded."""
        page = self._context.new_page()
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size({"width": width, "height": height})
        self._note_requests(page)
        page.goto(f"{self._address}/{address}")
        if settled and (not address or address.startswith("#")):
            self.settle(page)
        return page

    def go(self, page: Page, address: str) -> None:
        """To another address of the console, as a link goes there: the page is not loaded again."""
        page.evaluate("address => { location.hash = address }", address)

    def settle(self, page: Page) -> None:
        """Waits until the console shows a heading, has every answer, and has drawn it."""
        expect(page.locator("main:not([aria-busy]) h1").first).to_be_attached()
        quiet = 0
        while quiet < 2:
            page.evaluate(_TWO_FRAMES)  # takes in what has happened to the requests, too
            quiet = 0 if self._unanswered[page] else quiet + 1

    def _note_requests(self, page: Page) -> None:
        unanswered = self._unanswered[page] = set()

        def begin(request: Request) -> None:
            if request.resource_type not in _STREAMS:
                unanswered.add(request)

        def end(request: Request) -> None:
            unanswered.discard(request)

        page.on("request", begin)
        page.on("requestfinished", end)
        page.on("requestfailed", end)
