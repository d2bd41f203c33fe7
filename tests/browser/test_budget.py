"""How much the first page loads. How long that takes is measured by `benchmarks/console.py`."""

from playwright.sync_api import BrowserContext, Request

from tests.support.browser.client import ApiClient
from tests.support.browser.pages import OpenPage

MOST_BYTES = 155_000


def test_the_first_page_of_an_empty_installation_is_small(
    open_page: OpenPage, context: BrowserContext, api: ApiClient
) -> None:
    """The sum of what comes over the network: heads and bodies of all answers."""
    api.delete_galleries()
    answered: list[Request] = []
    context.on("requestfinished", lambda request: answered.append(request))

    open_page("")

    sizes = {request.url: request.sizes() for request in answered}
    received = {url: size["responseHeadersSize"] + size["responseBodySize"] for url, size in sizes.items()}
    assert len(received) > 10
    largest = "\n".join(f"{size:7} {url}" for url, size in sorted(received.items(), key=lambda one: -one[1]))
    assert sum(received.values()) < MOST_BYTES, f"{sum(received.values())} bytes:\n{largest}"
