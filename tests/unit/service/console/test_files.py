"""The console's files keep the rules of `service/console/README.md`."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.browser.console_files import TEXTS, code, name_of, reachable, scripts
from tests.support.browser.routes import CONSOLE

ROOT = CONSOLE.parents[1]
FORBIDDEN = {
    "HTML from a text": r"(?:inner|outer|insertAdjacent|set)HTML|document\.write|createContextualFragment",
    "a program from a text": r"\beval\(|new Function\(|javascript:",
    "an address that a path prefix breaks": r"""\b(?:fetch|address|get|post|put|patch|remove)\(\s*["'`]/""",
    "the same": r"""["'`]/(?:v1|console|docs|metrics)\b""",
    "an address of another site": r"""["'`](?:https?:)?//(?!www\.w3\.org/)""",
    "a key that stays in the browser": r"localStorage\.setItem\([^)]*[kK]ey|document\.cookie",
}


@pytest.mark.parametrize("path", scripts(), ids=name_of)
def test_a_module_says_what_it_is_for_is_short_and_uses_nothing_that_is_forbidden(path: Path) -> None:
    text = path.read_text()
    assert re.match(r"// [A-Z`].*[^ ]\n", text), "it begins with a sentence on what it is for"
    assert text.count("\n") <= 250 or path == TEXTS, "all texts are one table, other modules are short"
    script = code(path)
    found = {what: match[0] for what, pattern in FORBIDDEN.items() if (match := re.search(pattern, script))}
    assert not found


def test_style_sheets_are_short_and_have_no_address_of_another_site() -> None:
    sheets = sorted(CONSOLE.rglob("*.css"))
    assert len(sheets) > 10
    for sheet in sheets:
        assert sheet.read_text().count("\n") <= 250, name_of(sheet)
        assert not re.search(r"@import|url\(\s*[\"']?(?:https?:)?//", sheet.read_text()), name_of(sheet)


def test_a_class_has_its_rules_in_one_sheet() -> None:
    """A sheet stays when its page is left: it would change another page that uses the name."""
    rules: dict[str, set[str]] = {}
    for sheet in CONSOLE.rglob("*.css"):
        text = re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.DOTALL)
        for selector in re.findall(r"(?:[{}]|,\n)\s*\.([\w-]+)(?=[^{};]*\{)", "}" + text):
            rules.setdefault(selector, set()).add(name_of(sheet))
    assert len(rules) > 100
    assert {name: sorted(sheets) for name, sheets in rules.items() if len(sheets) > 1} == {}


def test_the_sheet_of_a_page_has_no_rule_for_elements_of_other_pages() -> None:
    for sheet in CONSOLE.glob("pages/*/*.css"):
        text = re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.DOTALL)
        selectors = re.findall(r"(?:[{};]|,\n|^)\s*([\w-]+[^{};@]*)(?=\{)", text)
        assert [one.strip() for one in selectors if "." not in one and "#" not in one] == [], name_of(sheet)


def test_the_page_has_no_script_or_style_of_its_own() -> None:
    html = (CONSOLE / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=", html)


def test_every_file_is_reached_from_the_page_and_every_file_that_is_reached_exists() -> None:
    there = {path for path in CONSOLE.rglob("*") if path.suffix in (".js", ".css")}
    assert {name_of(path) for path in there ^ reachable() if path.suffix in (".js", ".css")} == set()


def test_a_package_that_is_built_has_every_file() -> None:
    listed = subprocess.run(
        [sys.executable, "-c", _LIST], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    there = {path.relative_to(ROOT).as_posix() for path in CONSOLE.rglob("*") if path.is_file()}
    assert there - set(listed) == set()


_LIST = """
from setuptools import Distribution
distribution = Distribution({'script_name': 'setup.py'})
distribution.parse_config_files()
distribution.include_package_data = False  # or what an earlier installation listed would hide a gap
command = distribution.get_command_obj("build_py")
command.ensure_finalized()
for _, folder, _, names in command.data_files:
    print(*(f"{folder}/{name}" for name in names), sep=chr(10))
"""
