"""Which group a photograph belongs to, from a CSV or from lists of names. Reads no pixels.

A CSV has a header with `file` and `group`; a list has one image file a line, all of one group, as LFW's lists
of male and of female names are. A file is named by its path in the data's folder or by its name alone.
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
    """By the file as it was named."""

    def of(self, file: Path, folder: Path) -> str | None:
        """The group of `file`, which lies in `folder`; None where it has none."""
        named = self.groups.get(file.relative_to(folder).as_posix())
        return self.groups.get(file.name) if named is None else named


def read_csv(path: Path) -> Labels:
    """Raises InvalidRequest where it cannot be read, has no such columns, or a line names no file, no group,
    or a file that has another group already."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines)
            if not {"file", "group"} <= set(rows.fieldnames or ()):
                raise InvalidRequest(f"{path} needs a header with the columns file and group", path=str(path))
            return _labels(path, [(rows.line_num, row["file"], row["group"]) for row in rows])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidRequest(f"{path} cannot be read: {reason(error)}", path=str(path)) from error


def read_lists(lists: Mapping[str, Path]) -> Labels:
    """`lists`: by group. A file that is in two has no group: LFW's published lists have one such.

    Raises InvalidRequest where a list cannot be read.
    """
    listed: dict[str, set[str]] = {}
    for group, path in lists.items():
        try:
            lines = path.read_text("utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidRequest(f"{path} cannot be read: {reason(error)}", path=str(path)) from error
        for line in filter(None, map(str.strip, lines)):
            listed.setdefault(line, set()).add(group)
    return Labels(groups={file: groups.pop() for file, groups in listed.items() if len(groups) == 1})


def _labels(path: Path, rows: Sequence[tuple[int, str | None, str | None]]) -> Labels:
    groups: dict[str, str] = {}
    for line, file, group in rows:
        name, value = (file or "").strip(), (group or "").strip()
        if not name or not value:
            raise InvalidRequest(f"{path}, line {line}: a file and a group are wanted", line=line)
        if groups.setdefault(name, value) != value:
            raise InvalidRequest(f"{path}, line {line}: {name} is {value} and {groups[name]}", line=line)
    return Labels(groups=groups)
