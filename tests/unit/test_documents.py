"""The documents: what comes from the code is as the code has it, and links lead somewhere."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from docs.scripts import links, reference, words
from docs.scripts.packages import ROOT, layers, packages
from indexer.cli import app as cli
from indexer.cli.cluster.group import SORT
from indexer.settings import Settings
from service.errors import STATUS

PAGES = reference.documents()


@pytest.fixture(scope="module")
def generated() -> dict[Path, str]:
    return reference.generated()


def test_generated_parts_are_as_the_code_has_them(generated: dict[Path, str]) -> None:
    stale = [str(path) for path, text in generated.items() if (ROOT / path).read_text() != text]

    assert not stale, "run `make reference`"
    for page in PAGES:
        text = (ROOT / page).read_text()
        assert len(reference.MARK.findall(text)) == text.count("<!-- BEGIN"), page
    assert {Path("docs/reference/cli.md"), Path("docs/reference/http-api.md"), Path("CONTRIBUTING.md")} < set(
        generated
    )


def test_the_settings_page_lists_every_setting_with_its_description_and_no_other() -> None:
    page = (ROOT / "docs/reference/settings.md").read_text()
    rows = dict(re.findall(r"^\| `(GEMEL_\w+)` \| .*? \| (.*?) \|$", page, re.MULTILINE))

    assert rows == {
        f"GEMEL_{name.upper()}": field.description for name, field in Settings.model_fields.items()
    }


def test_the_errors_page_lists_every_code_with_its_status() -> None:
    page = (ROOT / "docs/reference/errors.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (\d+) ", page, re.MULTILINE)

    assert sorted(rows) == sorted((error.code, str(int(status))) for error, status in STATUS.items())


def test_the_metrics_page_lists_every_metric_and_no_other() -> None:
    code = "".join(path.read_text() for path in (ROOT / "service").rglob("*.py"))
    defined = set(re.findall(r'"(gemel_(?!gallery")[a-z_]+)"', code))
    listed = set(re.findall(r"`(gemel_[a-z_]+)`", (ROOT / "docs/reference/metrics.md").read_text()))

    assert len(defined) > 20
    assert {name.removesuffix("_total") for name in listed} == defined


def test_every_setting_that_a_document_names_exists() -> None:
    known = {f"GEMEL_{name.upper()}" for name in Settings.model_fields}
    known |= {"GEMEL_TEST_CHROMIUM"}  # of these tests
    named = {
        name for page in PAGES for name in re.findall(r"\bGEMEL_[A-Z_]+[A-Z]\b", (ROOT / page).read_text())
    }

    assert len(named) > 30
    assert named <= known


def test_every_command_and_option_that_a_document_names_exists() -> None:
    """`gemel ...` in code, up to the end of the line or of the code."""
    unknown, options, root = [], 0, typer.main.get_command(cli)
    for page in PAGES:
        for line in _commands(ROOT / page):
            command, words = root, _own_words(shlex.split(line, comments=True))
            known = {"--help", "--version", *_options(command)}
            while words and words[0] in getattr(command, "commands", {}):
                command = command.commands[words.pop(0)]  # type: ignore[attr-defined]
                known |= _options(command)
            if command.name == "cluster":  # followed by a folder or an option
                known |= _options(command.commands[SORT])  # type: ignore[attr-defined]
            if command.name == "train" and "sweep" in words:
                known |= _options(command.commands["sweep"])  # type: ignore[attr-defined]
            used = {word.split("=")[0] for word in words if re.fullmatch(r"--?[a-z][a-z-]*(=.*)?", word)}
            options += len(used)
            unknown += [(str(page), line, option) for option in used - known]

    assert options > 80
    assert unknown == []


def _commands(page: Path) -> Iterator[str]:
    text = page.read_text()
    for code in re.findall(r"```(?:sh|console)\n(.*?)```|`(gemel [^`\n]+)`", text, re.DOTALL):
        for line in "".join(code).replace("\\\n", " ").splitlines():
            match = re.search(r"(?:^|[ $])(gemel [a-z].*)", line)
            if match:
                yield match[1]


def _own_words(words: list[str]) -> list[str]:
    """Those after `gemel`, without a second command after `--`."""
    return words[1 : words.index("--") if "--" in words else None]


def _options(command: Any) -> set[str]:
    return {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}


@pytest.mark.parametrize("page", [*PAGES, Path("CHANGELOG.md")], ids=str)
def test_every_link_of_a_document_leads_to_a_file_and_a_heading(page: Path) -> None:
    assert list(links.dead(ROOT / page)) == []


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "b.md").write_text("# A `heading`, here\n")
    (tmp_path / "a.md").write_text(
        "[1](b.md#a-heading-here) [2](b.md#other) [3](c.md) [4](https://example.org/x)"
    )

    assert list(links.dead(tmp_path / "a.md")) == ["b.md#other", "c.md"]


def test_every_page_of_the_site_is_in_its_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text()

    for page in (ROOT / "docs").rglob("*.md"):
        assert f"{page.relative_to(ROOT / 'docs')}\n" in navigation


def test_every_package_has_a_sentence_and_a_layer() -> None:
    folders = {path.parent.name for path in (ROOT / "indexer").glob("*/__init__.py")}

    assert folders <= {name for row in layers() for name in row}
    for package in packages().values():
        assert package.sentence.endswith("."), package


def test_every_path_that_a_document_names_exists() -> None:
    pattern = r"`((?:indexer|service|tests|migrations|benchmarks|docs)/[\w./]*)`"
    paths = [(page, path) for page in PAGES for path in re.findall(pattern, (ROOT / page).read_text())]

    assert len(paths) > 40
    assert [(str(page), path) for page, path in paths if not (ROOT / path).exists()] == []


@pytest.fixture
def table(tmp_path: Path) -> words.Table:
    file = tmp_path / "words.toml"
    file.write_text(
        "roots = []\nskip = []\nkept_names = ['old_flibber']\n"
        "[[rule]]\nuse = 'gadget'\ntext = '\\bflibbers?\\b'\nname = 'flibber'\nunless = 'of the forest'\n"
    )
    return words.table(file)


def test_words_are_found_in_comments_messages_and_names(table: words.Table) -> None:
    python = (
        'def open_flibber():  # a flibber\n    """Flibbers."""\n    raise E(f"no flibber {old_flibber}")\n'
    )

    found = [(line, found) for line, found, _ in words.in_python(python, table)]

    assert found == [(1, "open_flibber"), (1, "flibber"), (2, "Flibbers"), (3, "flibber")]


def test_words_are_found_in_documents_outside_of_code(table: words.Table) -> None:
    text = "A `flibber`.\n```\nflibber\n```\nThe flibber\nflibbers of the forest\n"

    assert [line for line, _, _ in words.in_markdown(text, table)] == [5]


def test_the_project_has_a_table_of_words() -> None:
    table = words.table()

    assert len(table.rules) > 20
    assert list(words.in_python("index_epoch = GEMEL_INDEX_MIN_AGREEMENT = 1\n", table)) == []


def test_the_versions_of_the_documents_tools_are_pinned() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    pinned = {line.split("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines()}

    assert {re.split(r"[>=<]", requirement)[0] for requirement in extras["docs"]} <= pinned
