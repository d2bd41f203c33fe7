"""The console below a path prefix, with several server processes behind it, and sign-in in all of them."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, expect
from pydantic import SecretStr

from indexer.settings import Settings
from tests.support.browser.client import ApiClient
from tests.support.browser.pages import OpenPage
from tests.support.browser.proxy import proxied
from tests.support.browser.server import served
from tests.support.browser.signing_in import sign_in

KEY = "an-administrator's-key"
PREFIX = "/faces"


@pytest.fixture(scope="module")
def servers(empty_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    settings = Settings(
        home=tmp_path_factory.mktemp("served"),
        database_url=empty_database,
        threads=4,
        root_path=PREFIX,
        api_key=SecretStr(KEY),
    )
    with served(settings) as one, served(settings) as other:
        yield [one, other]


@pytest.fixture(scope="module", params=[True, False], ids=["strips the prefix", "keeps the prefix"])
def server(servers: list[str], request: pytest.FixtureRequest) -> Iterator[str]:
    with proxied(servers, prefix=PREFIX, strips=request.param) as address:
        yield address


def test_pages_pictures_and_requests_that_change_things_work_at_whichever_server_answers(
    server: str, context: BrowserContext, open_page: OpenPage, hopper: bytes
) -> None:
    with ApiClient(server, headers={"X-API-Key": KEY}) as api:
        api.delete_galleries()
        api.enrol(api.create_gallery("staff"), "Grace Hopper", hopper)
    sign_in(context, server, KEY)

    page = open_page("#/galleries")
    page.get_by_role("link", name="staff", exact=True).click()
    open_page.settle(page)
    page.goto(f"{server}/#/galleries/staff/people")
    open_page.settle(page)
    page.goto(f"{server}/#/galleries")
    page.get_by_role("button", name="New gallery").click()
    page.get_by_label("Name").fill("visitors")
    page.get_by_role("button", name="Create").click()
    expect(page).to_have_url(f"{server}/#/galleries/visitors/people")


def test_the_address_without_its_last_slash_leads_to_the_console(
    server: str, context: BrowserContext, open_page: OpenPage
) -> None:
    sign_in(context, server, KEY)
    page = context.new_page()
    page.goto(f"{server}#/galleries")
    expect(page.get_by_role("heading", name="Galleries", level=1)).to_be_visible()
    assert page.url == f"{server}/#/galleries"
