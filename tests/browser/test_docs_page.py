"""The page of the API's documentation, without internet."""

from playwright.sync_api import expect

from tests.support.browser.pages import OpenPage


def test_the_documentation_lists_the_operations_and_loads_nothing_from_elsewhere(open_page: OpenPage) -> None:
    page = open_page("docs")
    expect(page.get_by_text("Enrol a person, with or without photographs")).to_be_visible()
