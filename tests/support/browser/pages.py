"""Types of what the browser's fixtures hand to tests."""

from typing import Literal, Protocol

from playwright.sync_api import Page

Theme = Literal["light", "dark"]


class OpenPage(Protocol):
    def __call__(
        self, address: str = "", *, theme: Theme = "light", width: int = 1280, height: int = 800
    ) -> Page:
        """`address`: what follows the server's address, such as `#/galleries`. Sizes in CSS pixels."""
