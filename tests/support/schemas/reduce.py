"""Makes the schemas of this folder small enough to keep.

python -m tests.support.schemas.reduce compose-spec.json ray.io_rayclusters.yaml
"""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from tests.support.schemas import FOLDER

WORTH_CHARACTERS = 120
"""A part that occurs twice is stored once from this length on."""


def main(compose: str, kuberay: str) -> None:
    _write("compose", _without_descriptions(json.loads(Path(compose).read_text())))
    definition = yaml.safe_load(Path(kuberay).read_text())
    [version] = [one for one in definition["spec"]["versions"] if one["name"] == "v1"]
    schema = _without_descriptions(version["schema"]["openAPIV3Schema"])
    schema["properties"]["metadata"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    _write("raycluster", _shared(schema))


def _write(name: str, schema: Any) -> None:
    (FOLDER / f"{name}.json").write_text(json.dumps(schema, separators=(",", ":"), sort_keys=True) + "\n")


def _without_descriptions(part: Any) -> Any:
    if isinstance(part, list):
        return [_without_descriptions(item) for item in part]
    if isinstance(part, dict):
        return {
            key: _without_descriptions(value)
            for key, value in part.items()
            if not (key == "description" and isinstance(value, str))
        }
    return part


def _shared(schema: Any) -> Any:
    """With `$ref` in place of what occurs more than once."""
    found: Counter[str] = Counter()
    _count(schema, found)
    names = {
        text: f"part{number}"
        for number, text in enumerate(
            text for text, times in found.items() if times > 1 and len(text) >= WORTH_CHARACTERS
        )
    }
    parts = {name: _replaced(json.loads(text), names, inner=False) for text, name in names.items()}
    return _replaced(schema, names, inner=False) | {"$defs": parts}


def _count(part: Any, found: "Counter[str]") -> None:
    for item in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        _count(item, found)
    if isinstance(part, dict) and isinstance(part.get("type"), str):  # not a field of that name
        found[json.dumps(part, sort_keys=True)] += 1


def _replaced(part: Any, names: dict[str, str], *, inner: bool = True) -> Any:
    if isinstance(part, dict):
        name = names.get(json.dumps(part, sort_keys=True)) if inner else None
        if name is not None:
            return {"$ref": f"#/$defs/{name}"}
        return {key: _replaced(value, names) for key, value in part.items()}
    if isinstance(part, list):
        return [_replaced(item, names) for item in part]
    return part


if __name__ == "__main__":
    main(*sys.argv[1:])
