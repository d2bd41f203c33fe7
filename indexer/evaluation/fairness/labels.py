"""The group that each image file belongs to, from a CSV file or from one list per group.

A CSV file has the columns `file` and `group`. A list has one image file per line, all of one group, like
LFW's lists of male and female names. A file is given by its path in the data's folder, or by its name alone.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer.errors import InvalidRequest
from indexer.files import reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    groups: Mapping[str, str]
    """Group by file, as the labels name it."""

    def of(self, file: Path, folder: Path) -> str | None:
        """The group of `file`, which lies in `folder`; None if it has no label."""
        named = self.groups.get(file.relative_to(folder).as_posix())
        return self.groups.get(file.name) if named is None else named


def read_csv(path: Path) -> Labels:
    """Raises InvalidRequest if the file cannot be read or lacks the columns, or if a line names no file, no
    group, or a file that already has another group."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines)
            if not {"file", "group"} <= set(rows.fieldnames or ()):
                raise InvalidRequest(f"{path} needs a header with the columns file and group", path=str(path))
            return _labels(path, [(rows.line_num, row["file"], row["group"]) for row in rows])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidRequest(f"cannot read {path}: {reason(error)}", path=str(path)) from error


def read_lists(lists: Mapping[str, Path]) -> Labels:
    """`lists`: one file per group. An image in two lists has no group; LFW's published lists have one such.

    Raises InvalidRequest if a list cannot be read.
    """
    listed: dict[str, set[str]] = {}
    for group, path in lists.items():
        try:
            lines = path.read_text("utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidRequest(f"cannot read {path}: {reason(error)}", path=str(path)) from error
        for line in filter(None, map(str.strip, lines)):
            listed.setdefault(line, set()).add(group)
    return Labels(groups={file: groups.pop() for file, groups in listed.items() if len(groups) == 1})


def _labels(path: Path, rows: Sequence[tuple[int, str | None, str | None]]) -> Labels:
    groups: dict[str, str] = {}
    for line, file, group in rows:
        name, value = (file or "").strip(), (group or "").strip()
        if not name or not value:
            raise InvalidRequest(f"{path}, line {line}: needs a file and a group", line=line)
        if groups.setdefault(name, value) != value:
            raise InvalidRequest(
                f"{path}, line {line}: {name} has two groups, {groups[name]} and {value}", line=line
            )
    return Labels(groups=groups)
