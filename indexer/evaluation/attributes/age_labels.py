"""Labels of age and gender: `labels.csv` in the folder of the pictures.

Columns: `file`; `age` in years, or `decade`; and, if it is known, `gender`: `male` and `female`, or 0 and 1
as in UTKFace.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

from indexer.errors import InvalidRequest
from indexer.files import reason

GROUPS = (
    (0, 5), (6, 10), (11, 15), (16, 20), (21, 30), (31, 40), (41, 50), (51, 60), (61, 70), (71, 90),
)  # fmt: skip
"""First and last year of the values of `decade`. They are not decades: these groups are those in which
UTKFace's faces are as frequent as the values are; the last one is open."""
GENDERS = {"0": "male", "1": "female", "male": "male", "female": "female", "m": "male", "f": "female"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    file: Path
    first_year: float
    last_year: float
    """The same where the age is known exactly."""
    group: str
    """Of ages, such as `21 to 30`."""
    gender: str | None

    @property
    def years(self) -> float:
        """The middle of the group, or the age."""
        return (self.first_year + self.last_year) / 2


def read(folder: Path) -> list[Labelled]:
    """In the order of the file. Raises InvalidRequest, which names the line."""
    path = folder / "labels.csv"
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines)
            columns = set(rows.fieldnames or ())
            if "file" not in columns or not columns & {"age", "decade"}:
                raise InvalidRequest(
                    f"{path} needs a header with the columns file, and age or decade", path=str(path)
                )
            found = [_labelled(folder, path, rows.line_num, row) for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidRequest(f"cannot read {path}: {reason(error)}", path=str(path)) from error
    if not found:
        raise InvalidRequest(f"{path} labels no picture", path=str(path))
    return found


def _labelled(folder: Path, path: Path, line: int, row: dict[str, str | None]) -> Labelled:
    gender = (row.get("gender") or "").strip().lower()
    try:
        first, last = _years(row)
        if gender and gender not in GENDERS:
            raise ValueError(f"gender {gender!r}")
        file = folder / (row["file"] or "").strip()
        if not file.is_file():
            raise ValueError(f"there is no file {file}")
    except (ValueError, IndexError) as error:
        raise InvalidRequest(f"{path}, line {line}: {error}", path=str(path), line=line) from None
    return Labelled(
        file=file,
        first_year=first,
        last_year=last,
        group=_group((first + last) / 2),
        gender=GENDERS[gender] if gender else None,
    )


def _years(row: dict[str, str | None]) -> tuple[float, float]:
    if age := (row.get("age") or "").strip():
        years = float(age)
        if not 0 <= years <= 130:
            raise ValueError(f"age {age!r}")
        return years, years
    number = int((row.get("decade") or "").strip())
    if number < 0:
        raise ValueError(f"decade {number}")
    return GROUPS[number]


def _group(years: float) -> str:
    first, last = next((group for group in GROUPS if years <= group[1] + 0.5), GROUPS[-1])
    return f"{first} and more" if (first, last) == GROUPS[-1] else f"{first} to {last}"
