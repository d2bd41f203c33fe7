"""People whom the pages show, and what stands for the `:names` in their addresses."""

from collections.abc import Iterator

import pytest

from tests.support.browser import demo
from tests.support.browser.client import ApiClient


@pytest.fixture(scope="module")
def parts(server: str) -> Iterator[dict[str, str]]:
    with ApiClient(server) as api:
        yield demo.fill(api)
        api.delete_galleries()
