"""Signs a browser in."""

from playwright.sync_api import BrowserContext


def sign_in(context: BrowserContext, server: str, key: str) -> None:
    """By the API: all pages of the context have the session's cookie afterwards."""
    answer = context.request.post(f"{server}/v1/session", headers={"X-API-Key": key})
    assert answer.status == 201, answer.text()
