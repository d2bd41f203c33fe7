"""Writes the parts of the documents that come from the code, between `BEGIN` and `END` comments.

python -m docs.scripts.reference            # writes them; `make docs` does so before it builds the site
python -m docs.scripts.reference --check    # exits with status 1 where a file is not as the code has it
"""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup

from docs.scripts import architecture
from docs.scripts.packages import ROOT, SERVICE, layers, packages
from indexer import errors
from indexer.access.roles import PERMISSIONS, Permission, Role
from indexer.cli import app as commands
from indexer.settings import Settings
from service.app import create_app
from service.errors import STATUS
from service.permissions import RULES, GalleryAt

PICTURE = Path("docs/pictures/architecture.svg")
GALLERY_WORDS = {
    GalleryAt.PATH: "in the path",
    GalleryAt.QUERY: "in the query; without it, a list of those that the key may see",
    GalleryAt.BODY: "in the body",
    GalleryAt.JOB: "that of the job",
    GalleryAt.LIST: "a list of those that the key may see",
    GalleryAt.EVENT: "that of the event",
    GalleryAt.NONE: "",
    GalleryAt.EVERY: "all: only for keys that are for every gallery",
}
MARK = re.compile(r"(<!-- BEGIN (\w+)\b[^\n]*-->\n)(.*?)(<!-- END \2 -->)", re.DOTALL)


def settings_table() -> Iterator[str]:
    yield "| variable | default | meaning |"
    yield "|---|---|---|"
    for name, field in Settings.model_fields.items():
        value = str(field.default).lower() if isinstance(field.default, bool) else field.default
        default = "" if value is None else f"`{value}`"
        yield f"| `GEMEL_{name.upper()}` | {default} | {field.description} |"


def errors_table() -> Iterator[str]:
    glosses = dict(re.findall(r"[├└]── (\w+)(?:[ ]{2,}(\S.*))?$", errors.__doc__ or "", re.MULTILINE))
    yield "| `code` | status | meaning |"
    yield "|---|---|---|"
    for error, status in sorted(STATUS.items(), key=lambda row: (row[1], row[0].code)):
        words = glosses.get(error.__name__) or _words(error.__name__)
        yield f"| `{error.code}` | {int(status)} {status.phrase} | {words[0].upper()}{words[1:]} |"


def routes_table() -> Iterator[str]:
    document = create_app(Settings(_env_file=None)).openapi()
    groups: dict[str, list[str]] = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            row = f"| `{method.upper()}` | `{path}` | {operation['summary']} |"
            groups.setdefault((operation.get("tags") or ["other"])[0], []).append(row)
    for group, rows in groups.items():
        yield from (
            "",
            f"## {group[0].upper()}{group[1:]}",
            "",
            "| method | path | what it does |",
            "|---|---|---|",
        )
        yield from rows
    yield ""


def roles_table() -> Iterator[str]:
    yield "| role | permissions |"
    yield "|---|---|"
    for role, permissions in PERMISSIONS.items():
        names = [f"`{each}`" for each in Permission if each in permissions]
        yield f"| `{role}` | {', '.join(names)} |"


def permissions_table() -> Iterator[str]:
    document = create_app(Settings(_env_file=None)).openapi()
    yield "| route | permission | " + " | ".join(Role) + " | the gallery is |"
    yield "|---|---|" + "---|" * len(Role) + "---|"
    for path, item in document["paths"].items():
        for method, operation in item.items():
            rule = RULES.get(operation["operationId"])
            if rule is None:
                needed, allowed, place = "no key", set(Role), ""
            else:
                needed = "any key" if rule.permission is None else f"`{rule.permission}`"
                allowed = {
                    role for role in Role if rule.permission is None or rule.permission in PERMISSIONS[role]
                }
                place = GALLERY_WORDS[rule.gallery]
            marks = " | ".join("yes" if role in allowed else "" for role in Role)
            yield f"| `{method.upper()} {path}` | {needed} | {marks} | {place} |"


def commands_text() -> Iterator[str]:
    for path, command in _walk(typer.main.get_command(commands), ("gemel",)):
        if len(path) == 1:
            continue
        yield from ("", f"{'#' * len(path)} {' '.join(path)}", "", _help(command), "")
        if isinstance(command, TyperGroup) and not command.invoke_without_command:
            continue
        rows = [row for parameter in command.params for row in _parameter(parameter)]
        if rows:
            yield from ("| argument or option | default | meaning |", "|---|---|---|", *rows)
    yield ""


def packages_table() -> Iterator[str]:
    yield "| package | what it is for |"
    yield "|---|---|"
    values = layers()[-1]
    for package in packages().values():
        if package.name not in values:
            yield f"| `{package.path}` | {package.sentence} |"
    yield f"| {', '.join(f'`{name}`' for name in values)} | values: every package may import them |"


def layers_text() -> Iterator[str]:
    yield "```text"
    rows = layers()
    yield " | ".join([*rows[0], SERVICE])
    yield from ("  -> " + " | ".join(row) for row in rows[1:])
    yield "```"


PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "settings": settings_table,
    "errors": errors_table,
    "routes": routes_table,
    "roles": roles_table,
    "permissions": permissions_table,
    "commands": commands_text,
    "packages": packages_table,
    "layers": layers_text,
}


def documents() -> list[Path]:
    """All Markdown files of the repository that people read, relative to its root."""
    pages = sorted((ROOT / "docs").rglob("*.md"))
    return [
        page.relative_to(ROOT)
        for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *pages)
        if page.exists()
    ]


def generated() -> dict[Path, str]:
    """What the files with generated parts should hold, by path relative to the root."""
    parts: dict[str, str] = {}

    def fill(match: re.Match[str]) -> str:
        name = match[2]
        if name not in parts:
            parts[name] = "\n".join(PARTS[name]()) + "\n"
        return match[1] + parts[name] + match[4]

    texts = {page: (ROOT / page).read_text() for page in documents()}
    pages = {page: MARK.sub(fill, text) for page, text in texts.items() if MARK.search(text)}
    return {**pages, PICTURE: architecture.svg()}


def stale() -> list[Path]:
    """Files whose generated parts are not as the code has them."""
    return [
        path
        for path, text in generated().items()
        if not (ROOT / path).exists() or (ROOT / path).read_text() != text
    ]


def _walk(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], TyperCommand | TyperGroup]]:
    yield path, command
    if isinstance(command, TyperGroup):
        for name, child in command.commands.items():
            if not child.hidden:
                yield from _walk(child, (*path, name))


def _help(command: TyperCommand | TyperGroup) -> str:
    return (command.help or "").replace("\f", "").replace("\b\n", "").strip()


def _parameter(parameter: Any) -> Iterator[str]:
    if parameter.hidden or parameter.name in ("help", "install_completion", "show_completion"):
        return
    if isinstance(parameter, TyperArgument):
        names = f"`{(parameter.metavar or parameter.name or '').upper()}`"
    else:
        names = " ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    yield f"| {names} | {_default(parameter)} | {_cell(parameter.help or '')} |"


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    shown = parameter.show_default if isinstance(parameter.show_default, str) else parameter.default
    if shown is None or shown is False or callable(shown):
        return ""
    values = shown if isinstance(shown, (list, tuple)) else [shown]
    return _cell(", ".join(f"`{getattr(value, 'value', value)}`" for value in values))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _words(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", " ", name).lower()


def main() -> None:
    if "--check" in sys.argv[1:]:
        if paths := stale():
            sys.exit(f"out of date: {', '.join(map(str, paths))}; run `make reference`")
        return
    for path, text in generated().items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text)


if __name__ == "__main__":
    main()
