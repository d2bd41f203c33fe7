"""Finds links in Markdown files whose file or heading does not exist."""

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

FENCE = re.compile(r"```.*?```", re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} (.+?)\s*$", re.MULTILINE)


def dead(path: Path) -> Iterator[str]:
    """Targets of links in `path` that lead nowhere."""
    for target in LINK.findall(FENCE.sub("", path.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, heading = unquote(target).partition("#")
        file = (path.parent / name).resolve() if name else path
        if not file.exists() or (heading and heading not in headings(file)):
            yield target


def headings(path: Path) -> set[str]:
    """The link targets of a Markdown file, as code hosts and Python-Markdown both make them."""
    return {_slug(heading) for heading in HEADING.findall(FENCE.sub("", path.read_text()))}


def _slug(heading: str) -> str:
    text = unicodedata.normalize("NFKD", re.sub(r"[`*]|\]\([^)]*\)|\[", "", heading)).lower()
    return re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", text).strip())
