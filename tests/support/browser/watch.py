"""Notes what a page should never do: an error, a violation of its policy, a request to somewhere else."""

import re
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Dialog, Page, Request


class Watch:
    """Of all pages of one test. A test that provokes an error expects it before."""

    def __init__(self, address: str) -> None:
        """`address`: of the only server that pages may ask."""
        self._origin = urlsplit(address)[:2]
        self._seen: list[str] = []
        self._expected: list[str] = []
        self._allowed: list[str] = []

    def follow(self, page: Page) -> None:
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self._seen.append(f"uncaught: {error}"))
        page.on("request", self._on_request)
        page.on("requestfailed", self._on_failed_request)
        page.on("dialog", self._on_dialog)

    def expect(self, *patterns: str) -> None:
        """What matches one of them is no fault, and each must match something.

        A 404 reads `console error: Failed to load resource: the server responded with a status of 404 (...)
        at ADDRESS`, an unreachable server `request failed: ADDRESS: net::ERR_CONNECTION_REFUSED`.
        """
        self._expected.extend(patterns)

    def allow(self, *patterns: str) -> None:
        """The same for what need not happen: in tests of all pages, of which some provoke it."""
        self._allowed.extend(patterns)

    def check(self) -> None:
        known = self._expected + self._allowed
        faults = [one for one in self._seen if not any(re.search(p, one) for p in known)]
        assert not faults, "the page should not do this:\n" + "\n".join(faults)
        missed = [p for p in self._expected if not any(re.search(p, one) for one in self._seen)]
        assert not missed, f"expected, but it did not happen: {missed}"

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):  # violations of the policy are among them
            self._seen.append(f"console {message.type}: {message.text} at {message.location.get('url')}")

    def _on_request(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme not in ("blob", "data") and url[:2] != self._origin:
            self._seen.append(f"request to a third party: {request.url}")

    def _on_failed_request(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # by the page itself, which has moved on
            self._seen.append(f"request failed: {request.url}: {request.failure}")

    def _on_dialog(self, dialog: Dialog) -> None:
        self._seen.append(f"dialog: {dialog.message}")
        dialog.dismiss()
