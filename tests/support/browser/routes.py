"""The console's routes, read from its `routes.js`: tests of all pages cover a new one by themselves."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import service

CONSOLE = Path(service.__file__).parent / "console"
_ROUTE = re.compile(
    r'^ *\{ *name: "(?P<name>[^"]+)",(?: module: "(?P<module>[^"]+)",)?.*?\bpath: "(?P<path>/[^"]*)"',
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    name: str
    module: str
    """Folder of the page in `pages/`."""
    path: str
    """With `:names` for parts that vary."""

    def address(self, parts: Mapping[str, str]) -> str:
        """What follows the server's address. `parts`: `gallery` for all of them, others by `ROUTE.NAME`."""

        def part(found: re.Match[str]) -> str:
            name = found[1]
            return quote(parts[name if name in parts else f"{self.name}.{name}"], safe="")

        return "#" + re.sub(r":(\w+)", part, self.path)


def routes() -> list[Route]:
    found = [
        Route(name=m["name"], module=m["module"] or m["name"], path=m["path"])
        for m in _ROUTE.finditer((CONSOLE / "routes.js").read_text())
    ]
    assert found, "routes.js has no routes that this understands"
    return found
