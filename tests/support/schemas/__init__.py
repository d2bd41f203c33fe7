"""Schemas of files in `docker/`, published by others: `python -m tests.support.schemas.reduce` writes them.

- `compose.json`: compose-spec/compose-spec, `schema/compose-spec.json` of commit 170098ba, Apache-2.0.
- `raycluster.json`: ray-project/kuberay v1.7.0, `ray-operator/config/crd/bases/ray.io_rayclusters.yaml`,
  Apache-2.0.

They were changed: descriptions are left out, and equal parts are stored once.
"""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def load(name: str) -> Any:
    """The schema, strict: an unknown field is an error, as `kubectl` and Compose treat it."""
    return _closed(json.loads((FOLDER / f"{name}.json").read_text()))


def _closed(part: Any) -> Any:
    if isinstance(part, list):
        return [_closed(item) for item in part]
    if not isinstance(part, dict):
        return part
    closed = {key: _closed(value) for key, value in part.items()}
    if isinstance(part.get("properties"), dict) and part.get("type") == "object":
        open_ended = "x-kubernetes-preserve-unknown-fields" in part or "patternProperties" in part
        if not open_ended:
            closed.setdefault("additionalProperties", False)
    return closed
