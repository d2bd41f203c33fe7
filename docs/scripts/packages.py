"""Gemel's packages as the code has them: layers from pyproject.toml, sentences from docstrings, imports."""

import ast
import functools
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[2]
ENGINE, SERVICE = "indexer", "service"
LIBRARIES = {
    "cv2": "OpenCV",
    "PIL": "Pillow",
    "torch": "torch",
    "faiss": "FAISS",
    "sqlalchemy": "SQLAlchemy",
    "fastapi": "FastAPI",
    "typer": "typer",
    "matplotlib": "Matplotlib",
}
"""Those that a picture of the packages names."""


@dataclass(frozen=True, kw_only=True)
class Package:
    name: str
    """`service`, or without the engine's prefix: `vision`."""
    path: str
    """Of its folder or file in the repository."""
    sentence: str
    libraries: tuple[str, ...]
    """What it imports itself, of `LIBRARIES`."""
    uses: frozenset[str]
    """Names of the packages that it imports itself, without those of the lowest layer."""


def layers() -> list[list[str]]:
    """The engine's packages from the highest layer to the lowest, by import-linter's contract."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    contract = next(c for c in contracts if c["type"] == "layers" and f"{ENGINE}.cli" in str(c["layers"]))
    rows = [re.split(r"\s*[|:]\s*", row.strip(" ()")) for row in contract["layers"]]
    return [
        [name.removeprefix(f"{ENGINE}.") for name in row if name.startswith(f"{ENGINE}.")] for row in rows
    ]


@functools.cache
def packages() -> dict[str, Package]:
    """All packages by name, from the highest layer to the lowest; `service` first."""
    graph = grimp.build_graph(ENGINE, SERVICE, include_external_packages=True, cache_dir=None)
    rows = layers()
    names = [SERVICE, *(name for row in rows for name in row)]
    modules = {name: _modules(graph, name) for name in names}
    owner = {module: name for name, own in modules.items() for module in own}
    values = set(rows[-1])
    direct: dict[str, set[str]] = {}
    libraries: dict[str, tuple[str, ...]] = {}
    for name, own in modules.items():
        imported = {other for module in own for other in graph.find_modules_directly_imported_by(module)}
        direct[name] = {owner[other] for other in imported if other in owner} - values - {name}
        libraries[name] = tuple(title for library, title in LIBRARIES.items() if library in imported)
    return {
        name: Package(
            name=name,
            path=_path(name),
            sentence=_sentence(ROOT / _path(name)),
            libraries=libraries[name],
            uses=frozenset(direct[name]),
        )
        for name in names
    }


def arrows() -> set[tuple[str, str]]:
    """Imports between packages, without those that follow from two others."""
    uses = {name: set(package.uses) for name, package in packages().items()}

    def reach(name: str) -> set[str]:
        return uses[name].union(*(reach(other) for other in uses[name])) if uses[name] else set()

    return {
        (name, other)
        for name in uses
        for other in uses[name]
        if not any(other in reach(between) for between in uses[name] - {other})
    }


def _modules(graph: grimp.ImportGraph, name: str) -> set[str]:
    full = name if name == SERVICE else f"{ENGINE}.{name}"
    return {full, *graph.find_descendants(full)} if full in graph.modules else set()


def _path(name: str) -> str:
    if name == SERVICE:
        return f"{SERVICE}/"
    folder = ROOT / ENGINE / name
    return f"{ENGINE}/{name}/" if folder.is_dir() else f"{ENGINE}/{name}.py"


def _sentence(path: Path) -> str:
    """The first sentence of a module's docstring."""
    file = path / "__init__.py" if path.is_dir() else path
    text = ast.get_docstring(ast.parse(file.read_text())) if file.exists() else None
    first = re.split(r"(?<=[.!?])\s|\n\n", " ".join((text or "").split("\n\n")[0].split()))[0]
    return first
