"""Debian's Chromium, without a window."""

import os
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_CHOSEN = os.environ.get("GEMEL_TEST_CHROMIUM")


def find() -> str:
    """The program: $GEMEL_TEST_CHROMIUM, or what is on the PATH.

    Without one, CI fails, and a developer's tests are skipped.
    """
    found = _CHOSEN or next(filter(None, map(shutil.which, _NAMES)), None)
    if found is not None:
        return found
    missing = "no Chromium: install Debian's package `chromium`, or set GEMEL_TEST_CHROMIUM to the program"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


def launch(playwright: Playwright, program: str, *, webcam: Path) -> Browser:
    """`webcam`: the video that pages get for the camera. It may be written later, before a page opens it."""
    return playwright.chromium.launch(
        executable_path=program,
        args=[
            "--no-sandbox",  # tests may run as root
            "--disable-dev-shm-usage",  # containers have little of it
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={webcam}",
        ],
    )
