"""Finds the words of `words.toml` in documents, comments, docstrings, messages and names.

python -m docs.scripts.words              # how many there are
python -m docs.scripts.words --list       # all, each with what to write instead
python -m docs.scripts.words --strict     # the same; exits with status 1 where there are any
"""

import io
import re
import sys
import tokenize
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
TABLE = Path(__file__).with_suffix(".toml")
SUFFIXES = {".md", ".py", ".j2", ".html", ".yaml", ".yml"}
CODE = re.compile(r"```.*?```|~~~.*?~~~|`[^`\n]*`|<!--.*?-->", re.DOTALL)
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


@dataclass(frozen=True, slots=True)
class Finding:
    path: Path
    line: int
    words: str
    use: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.words!r}: {self.use}"


@dataclass(frozen=True, slots=True)
class Rule:
    use: str
    text: re.Pattern[str] | None
    name: re.Pattern[str] | None
    unless: re.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class Table:
    rules: list[Rule]
    roots: list[str]
    skip: set[str]
    kept_names: set[str]


def table(path: Path = TABLE) -> Table:
    raw = tomllib.loads(path.read_text())

    def pattern(row: dict[str, str], key: str, flags: int = re.IGNORECASE) -> re.Pattern[str] | None:
        return re.compile(row[key], flags) if key in row else None

    rules = [
        # A capital in a name's pattern means a class.
        Rule(row["use"], pattern(row, "text"), pattern(row, "name", 0), pattern(row, "unless"))
        for row in raw["rule"]
    ]
    return Table(rules, raw["roots"], set(raw["skip"]), set(raw["kept_names"]))


def in_markdown(text: str, rules: Table) -> Iterator[tuple[int, str, str]]:
    """Line, words and advice; code is left out."""
    without_code = CODE.sub(lambda code: re.sub(r"[^\n]", " ", code[0]), text)
    for number, line in enumerate(without_code.split("\n"), start=1):
        yield from ((number, words, use) for words, use in _in_text(line, rules))


def in_python(text: str, rules: Table) -> Iterator[tuple[int, str, str]]:
    """Comments, strings, and the identifiers that a module defines or uses."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        start = token.start[0]
        if token.type == tokenize.NAME:
            yield from ((start, words, use) for words, use in _in_name(token.string, token.line, rules))
        elif (
            token.type in (tokenize.COMMENT, tokenize.STRING)
            or tokenize.tok_name[token.type] == "FSTRING_MIDDLE"
        ):
            if re.fullmatch(r"[rbf]*(['\"])\w+\1", token.string):  # a key, a column, a field
                yield from (
                    (start, words, use)
                    for words, use in _in_name(token.string.strip("rbf'\""), token.line, rules)
                )
                continue
            for offset, line in enumerate(re.sub(r"`[^`\n]*`", "", token.string).split("\n")):
                yield from ((start + offset, words, use) for words, use in _in_text(line, rules))


def findings(rules: Table) -> Iterator[Finding]:
    for root in rules.roots:
        top = ROOT / root
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            relative = path.relative_to(ROOT)
            if path.suffix not in SUFFIXES or str(relative) in rules.skip or not path.is_file():
                continue
            search = in_python if path.suffix == ".py" else in_markdown
            for line, words, use in search(path.read_text(), rules):
                yield Finding(relative, line, words, use)


def _in_text(line: str, rules: Table) -> Iterator[tuple[str, str]]:
    for rule in rules.rules:
        if rule.text is not None and not (rule.unless is not None and rule.unless.search(line)):
            yield from ((match[0], rule.use) for match in rule.text.finditer(line))


def _in_name(name: str, line: str, rules: Table) -> Iterator[tuple[str, str]]:
    if name in rules.kept_names or name.lower().removeprefix("gemel_") in rules.kept_names:
        return
    for rule in rules.rules:
        if rule.name is None or (rule.unless is not None and rule.unless.search(line)):
            continue
        words = WORD.findall(name)
        if rule.name.fullmatch(name) or any(rule.name.fullmatch(word.lower()) for word in words):
            yield name, rule.use


def main() -> None:
    found = list(findings(table()))
    if {"--list", "--strict"} & set(sys.argv[1:]):
        for finding in found:
            print(finding)
    counts = Counter(finding.use for finding in found)
    if found:
        print(
            f"{len(found)} words to replace (`make words` lists them): "
            + ", ".join(f"{n} x {use.split(' (')[0]}" for use, n in counts.most_common(8))
        )
    sys.exit(1 if found and "--strict" in sys.argv[1:] else 0)


if __name__ == "__main__":
    main()
