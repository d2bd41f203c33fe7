"""Verifies the chain of the audit record: which row was changed, removed, inserted or moved.

Who can write to the database can also compute the chain again from the changed row on. Only an anchor, which
is kept elsewhere, shows that (`audit.anchors`), and rows that were cut off at the end together with the head.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from indexer.audit.anchors import Anchor
from indexer.records.audit import rows
from indexer.records.audit.rows import AuditRow, Position
from indexer.records.database.session import Database

MAX_PROBLEMS = 100
"""That are listed. All are counted."""


class Damage(StrEnum):
    CHANGED = "changed"
    """The row's content does not have its hash."""
    MOVED = "moved"
    """The row has the content of a row with another number."""
    REMOVED = "removed"
    """Numbers are missing."""
    INSERTED = "inserted"
    """A number occurs twice, or is higher than the head's."""
    REPLACED = "replaced"
    """The row does not follow the one before it: one of the two is another than it was."""
    TRUNCATED = "truncated"
    """The record ends before a row that the head or an anchor knows."""
    REWRITTEN = "rewritten"
    """The row has another hash than the head or an anchor says, though the chain is whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    number: int
    """Of the row; for missing ones, of the first."""
    damage: Damage
    text: str


@dataclass(slots=True, kw_only=True)
class Verification:
    first: int | None = None
    """Number of the oldest row; None where there is none."""
    last: int = 0
    """Number of the newest row, or of the last one that was pruned."""
    last_hash: bytes = b""
    rows: int = 0
    problems: list[Problem] = field(default_factory=list)
    problems_total: int = 0
    anchors_checked: int = 0
    anchors_pruned: int = 0
    """Anchors of rows that have since been pruned: they can no longer be checked."""

    @property
    def intact(self) -> bool:
        return not self.problems_total

    def add(self, number: int, damage: Damage, text: str) -> None:
        self.problems_total += 1
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(number=number, damage=damage, text=text))


def verify(database: Database, anchors: Iterable[Anchor] = ()) -> Verification:
    """Of all rows, in one state of the database. Raises DatabaseUnavailable."""
    with database.repeatable_read() as session:
        return verify_rows(
            rows.oldest_first(session),
            start=rows.start(session),
            head=rows.head(session),
            anchors=anchors,
        )


def verify_rows(
    found: Iterable[AuditRow],
    *,
    start: Position | None,
    head: Position | None,
    anchors: Iterable[Anchor] = (),
) -> Verification:
    """`found`: in the order of their numbers. `start`: the row that they follow; None where it is not known,
    as in an export. `head`: the last row by the head of the chain.
    """
    result = Verification()
    by_number: dict[int, list[Anchor]] = {}
    for anchor in anchors:
        by_number.setdefault(anchor.number, []).append(anchor)
    previous, previous_at, follows_whole = start, None, True
    unlike: list[AuditRow] = []
    for row in found:
        result.rows += 1
        if result.first is None:
            result.first = row.number
        whole = row.own_hash() == row.hash
        if previous is not None:
            _check_order(result, previous, row, compare=whole and follows_whole)
        if not whole:
            unlike.append(row)
            result.add(row.number, Damage.CHANGED, "its content does not have its hash")
        elif follows_whole and previous_at is not None and row.at < previous_at:
            result.add(row.number, Damage.REPLACED, "its time is before that of the row before it")
        _check_anchors(result, by_number, row)
        previous, previous_at = Position(number=row.number, hash=row.hash), row.at
        follows_whole = whole
    if previous is not None:
        result.last, result.last_hash = previous.number, previous.hash
    _name_moved(result, unlike)
    if head is not None:
        _check_end(result, head.number, head.hash, "the head of the chain")
    for anchor in (anchor for of_number in by_number.values() for anchor in of_number):
        if anchor.number > result.last:
            result.anchors_checked += 1
            _check_end(result, anchor.number, anchor.hash, f"the anchor of {anchor.at}")
        elif result.first is None or anchor.number < result.first:
            result.anchors_pruned += 1
    return result


def _check_order(result: Verification, previous: Position, row: AuditRow, *, compare: bool) -> None:
    """`compare`: whether hashes say anything; those of a changed row and of the next one do not."""
    if row.number <= previous.number:
        result.add(row.number, Damage.INSERTED, "its number occurs twice")
    elif row.number > previous.number + 1:
        first, last = previous.number + 1, row.number - 1
        text = f"row {first} is missing" if first == last else f"rows {first} to {last} are missing"
        result.add(first, Damage.REMOVED, text)
    elif compare and row.previous_hash != previous.hash:
        result.add(row.number, Damage.REPLACED, f"it does not follow row {previous.number} as that is now")


def _check_anchors(result: Verification, anchors: Mapping[int, list[Anchor]], row: AuditRow) -> None:
    for anchor in anchors.get(row.number, ()):
        result.anchors_checked += 1
        if anchor.hash != row.hash:
            text = (
                f"its hash is not that of the anchor of {anchor.at}: rows up to this one were written again"
            )
            result.add(row.number, Damage.REWRITTEN, text)


def _check_end(result: Verification, number: int, hash: bytes, witness: str) -> None:
    if number > result.last:
        text = f"the record ends at row {result.last}, but {witness} knows row {number}"
        result.add(result.last + 1, Damage.TRUNCATED, text)
    elif number < result.last:
        text = f"{witness} is at row {number}: later rows were added beside it"
        result.add(number + 1, Damage.INSERTED, text)
    elif hash != result.last_hash:
        result.add(number, Damage.REWRITTEN, f"its hash is not that of {witness}")


def _name_moved(result: Verification, unlike: list[AuditRow]) -> None:
    """A row that only got another number has its hash under the old one, which a changed row has now."""
    numbers = {row.number for row in unlike[:MAX_PROBLEMS]}
    moved = {
        row.number: other
        for row in unlike[:MAX_PROBLEMS]
        for other in numbers - {row.number}
        if row.own_hash(number=other) == row.hash
    }
    for place, problem in enumerate(result.problems):
        if problem.damage is Damage.CHANGED and problem.number in moved:
            text = f"it is what row {moved[problem.number]} was"
            result.problems[place] = Problem(number=problem.number, damage=Damage.MOVED, text=text)
