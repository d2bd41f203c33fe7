"""Variables that begin with `GEMEL_` but are no setting: a misspelt name must not be ignored silently."""

import difflib
import os
from pathlib import Path

from dotenv import dotenv_values

from indexer.settings import Settings


def find_unknown() -> dict[str, str | None]:
    """Unknown variables in the environment and the `.env` file, each with the most similar setting."""
    known = [f"GEMEL_{name.upper()}" for name in Settings.model_fields]
    names = {name.upper() for name in os.environ}
    file = Settings.model_config.get("env_file")
    if isinstance(file, str) and Path(file).is_file():
        names |= {name.upper() for name in dotenv_values(file)}
    found = sorted(name for name in names if name.startswith("GEMEL_") and name not in known)
    return {name: next(iter(difflib.get_close_matches(name, known, n=1)), None) for name in found}
