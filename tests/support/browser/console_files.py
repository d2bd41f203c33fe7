"""The files of the console, as text."""

import json
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import playwright

from tests.support.browser.routes import CONSOLE, routes

TEXTS = CONSOLE / "texts" / "en.js"
_NODE = Path(playwright.__file__).parent / "driver" / "node"
_IMPORT = re.compile(r"""(?:\bfrom|\bimport)\s*\(?\s*["'`](\.{1,2}/[^"'`\n]+)["'`]""")
_SHEET = re.compile(r"""\bstyles\(\s*["'`]([^"'`]+)["'`]""")
_LINK = re.compile(r'(?:href|src)="console/([^"]+)"')


def scripts() -> list[Path]:
    return sorted(CONSOLE.rglob("*.js"))


def code(path: Path) -> str:
    """A script without its comments."""
    return re.sub(
        r"/\*(?:.|\n)*?\*/|^\s*//.*$|(?<=[;,{}()]) // .*$", "", path.read_text(), flags=re.MULTILINE
    )


def name_of(path: Path) -> str:
    return path.relative_to(CONSOLE).as_posix()


@cache
def texts() -> dict[str, str]:
    """Each text by its key. Of texts that depend on a number, the one for `other`."""
    program = f"import en from {json.dumps(str(TEXTS))}; console.log(JSON.stringify(en))"
    printed = subprocess.run(
        [_NODE, "--input-type=module", "-e", program], capture_output=True, text=True, check=True
    ).stdout
    return dict(_leaves(json.loads(printed), ""))


def reachable() -> set[Path]:
    """Scripts and style sheets that some page loads."""
    found: set[Path] = set()
    waiting = [CONSOLE / name for name in _LINK.findall((CONSOLE / "index.html").read_text())]
    while waiting:
        path = waiting.pop().resolve()
        if path in found:
            continue
        found.add(path)
        if path.suffix == ".js" and path.exists():
            waiting += _loaded_by(path)
    return found


def _loaded_by(path: Path) -> Iterator[Path]:
    script = code(path)
    for target in _IMPORT.findall(script) + _SHEET.findall(script):
        if "${" not in target:
            yield path.parent / target
        elif path.name == "router.js":
            yield from (
                CONSOLE / "pages" / name / file for name in _pages() for file in ("page.js", "page.css")
            )


def _pages() -> list[str]:
    """Folders of the routes' pages, and of those that stand for a route."""
    others = re.findall(r'export const \w+ = \{ name: "([^"]+)"', (CONSOLE / "routes.js").read_text())
    return [route.module for route in routes()] + others


def _leaves(node: dict[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for name, value in node.items():
        if isinstance(value, str):
            yield f"{prefix}{name}", value
        elif value and value.keys() <= {"zero", "one", "two", "few", "many", "other"}:
            yield f"{prefix}{name}", value["other"]
        else:
            yield from _leaves(value, f"{prefix}{name}.")
