"""A page whose server cannot be reached says so in words, and goes on when it is back."""

from playwright.sync_api import BrowserContext, expect

from tests.support.browser.pages import OpenPage
from tests.support.browser.watch import Watch

WORDS = "The server does not answer."


def test_without_a_connection_a_page_says_so_and_appears_on_a_retry(
    open_page: OpenPage, context: BrowserContext, watch: Watch
) -> None:
    watch.expect("ERR_INTERNET_DISCONNECTED")
    watch.allow("page not shown")
    page = open_page("#/galleries")
    open_page.go(page, "#/access/audit")

    context.set_offline(True)
    open_page.go(page, "#/galleries")  # its module is loaded, its answers are not
    expect(page.get_by_role("alert")).to_contain_text(WORDS)
    open_page.go(page, "#/access")  # not even its module
    expect(page.get_by_role("alert")).to_contain_text(WORDS)

    context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.get_by_role("heading", name="Access", level=1)).to_be_visible()


def test_a_page_appears_by_itself_when_the_server_is_back(
    open_page: OpenPage, context: BrowserContext, watch: Watch
) -> None:
    watch.expect("ERR_INTERNET_DISCONNECTED")
    watch.allow("page not shown")
    page = open_page("#/galleries")
    open_page.go(page, "#/access/audit")
    context.set_offline(True)
    open_page.go(page, "#/galleries")
    expect(page.get_by_role("alert")).to_contain_text("tries again by itself")

    context.set_offline(False)
    expect(page.get_by_role("alert")).to_have_count(0, timeout=20_000)
    expect(page.get_by_role("heading", name="Galleries", level=1)).to_be_visible()
