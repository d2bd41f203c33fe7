"""Whatever is done to a row of the chain is found, and the row is named."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from indexer.audit.anchors import Anchor
from indexer.audit.verification import Damage, Verification, verify_rows
from indexer.records.audit.chain import START, row_hash, time_text
from indexer.records.audit.rows import AuditRow, Position

BEFORE = Position(number=0, hash=START)
WHEN = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


def chain(length: int, *, follows: Position = BEFORE) -> list[AuditRow]:
    rows: list[AuditRow] = []
    for number in range(follows.number + 1, follows.number + length + 1):
        columns: dict[str, Any] = {
            "number": number,
            "id": UUID(int=number),
            "at": WHEN + timedelta(seconds=number // 2),
            "action": "identity.enrolled",
            "caller": "desk",
            "key_id": None,
            "address": "192.0.2.7",
            "request_id": None,
            "gallery": "staff",
            "identity_id": UUID(int=number % 3),
            "details": f'{{"faces":{number}}}',
        }
        rows.append(linked(columns, rows[-1].hash if rows else follows.hash))
    return rows


def linked(columns: dict[str, Any], previous: bytes) -> AuditRow:
    return AuditRow(**columns, previous_hash=previous, hash=row_hash(previous, columns))


def end(rows: Sequence[AuditRow]) -> Position:
    return Position(number=rows[-1].number, hash=rows[-1].hash)


def anchor(row: AuditRow) -> Anchor:
    return Anchor(number=row.number, hash=row.hash, at=time_text(row.at))


def verify(rows: Sequence[AuditRow], head: Position, *anchors: Anchor) -> Verification:
    return verify_rows(
        sorted(rows, key=lambda row: (row.number, row.at)), start=BEFORE, head=head, anchors=anchors
    )


def found(result: Verification) -> dict[int, Damage]:
    return {problem.number: problem.damage for problem in reversed(result.problems)}


def test_a_whole_chain_is_intact() -> None:
    rows = chain(9)

    result = verify(rows, end(rows), anchor(rows[3]), anchor(rows[8]))

    assert (result.intact, result.rows, result.first, result.last) == (True, 9, 1, 9)
    assert result.anchors_checked == 2


def test_an_empty_record_is_intact() -> None:
    assert verify([], BEFORE).intact


@pytest.mark.parametrize(
    "changed",
    [
        {"id": uuid4()},
        {"at": WHEN},
        {"action": "identity.deleted"},
        {"caller": "someone"},
        {"key_id": uuid4()},
        {"address": None},
        {"request_id": "4711"},
        {"gallery": None},
        {"identity_id": None},
        {"details": '{"faces": 5}'},
        {"previous_hash": bytes(32)},
        {"hash": bytes(32)},
    ],
)
def test_a_change_of_any_column_is_found_in_its_row(changed: dict[str, Any]) -> None:
    rows = chain(9)
    head = end(rows)
    rows[4] = replace(rows[4], **changed)

    assert found(verify(rows, head)) == {5: Damage.CHANGED}


def test_a_changed_row_with_a_new_hash_is_found_by_the_next_one() -> None:
    rows = chain(9)
    head = end(rows)
    row = replace(rows[4], caller="someone")
    rows[4] = replace(row, hash=row.own_hash())

    result = verify(rows, head)

    assert found(result) == {6: Damage.REPLACED}
    assert "does not follow row 5" in result.problems[0].text


def test_a_changed_last_row_with_a_new_hash_is_found_by_the_head() -> None:
    rows = chain(9)
    head = end(rows)
    row = replace(rows[8], caller="someone")
    rows[8] = replace(row, hash=row.own_hash())

    assert found(verify(rows, head)) == {9: Damage.REWRITTEN}


@pytest.mark.parametrize("number", [1, 5, 8])
def test_a_removed_row_is_found(number: int) -> None:
    rows = chain(9)
    head = end(rows)
    del rows[number - 1]

    result = verify(rows, head)

    assert found(result) == {number: Damage.REMOVED}
    assert result.problems[0].text == f"row {number} is missing"


def test_removed_rows_are_found_although_the_others_got_new_numbers() -> None:
    rows = chain(9)
    head = end(rows)
    rows = rows[:3] + [replace(row, number=row.number - 1) for row in rows[4:]]

    assert not verify(rows, head).intact


def test_an_inserted_row_is_found() -> None:
    rows = chain(9)
    head = end(rows)
    forged = replace(rows[4], id=uuid4(), at=rows[4].at + timedelta(microseconds=1))

    result = verify([*rows, replace(forged, hash=forged.own_hash())], head)

    assert found(result)[5] == Damage.INSERTED


def test_a_row_behind_the_head_is_found() -> None:
    rows = chain(9)
    head = end(rows[:8])

    assert found(verify(rows, head)) == {9: Damage.INSERTED}


def test_rows_that_changed_places_are_named() -> None:
    rows = chain(9)
    head = end(rows)
    rows[2], rows[6] = replace(rows[6], number=3), replace(rows[2], number=7)

    result = verify(rows, head)

    assert found(result) == {3: Damage.MOVED, 7: Damage.MOVED}
    assert [problem.text for problem in result.problems] == ["it is what row 7 was", "it is what row 3 was"]


def test_a_truncated_tail_is_found_by_the_head() -> None:
    rows = chain(9)

    assert found(verify(rows[:6], end(rows))) == {7: Damage.TRUNCATED}


def test_a_tail_that_was_truncated_together_with_the_head_is_found_by_an_anchor() -> None:
    """So is a backup that was restored."""
    rows = chain(9)
    kept = rows[:6]
    assert verify(kept, end(kept)).intact

    result = verify(kept, end(kept), anchor(rows[7]))

    assert found(result) == {7: Damage.TRUNCATED}
    assert "knows row 8" in result.problems[0].text


def test_a_chain_that_was_computed_again_is_found_by_an_anchor() -> None:
    rows = chain(9)
    forged = chain(4)
    changed = replace(forged[3], caller="someone")
    forged[3] = replace(changed, hash=changed.own_hash())
    forged += chain(5, follows=end(forged))
    assert verify(forged, end(forged)).intact

    result = verify(forged, end(forged), anchor(rows[2]), anchor(rows[7]))

    assert found(result) == {8: Damage.REWRITTEN}
    assert result.anchors_checked == 2


def test_after_older_rows_were_pruned_the_rest_is_intact_and_their_anchors_say_nothing() -> None:
    rows = chain(9)

    result = verify_rows(rows[5:], start=end(rows[:5]), head=end(rows), anchors=[anchor(rows[1])])

    assert result.intact
    assert (result.first, result.anchors_pruned) == (6, 1)


def test_an_export_is_verified_without_the_head() -> None:
    rows = chain(9)

    assert verify_rows(rows[2:], start=None, head=None).intact
    assert not verify_rows(rows[2:4] + rows[5:], start=None, head=None).intact


TAMPERINGS = st.lists(
    st.tuples(
        st.sampled_from(["change", "rehash", "remove", "duplicate", "swap", "renumber", "truncate"]),
        st.integers(0, 11),
        st.integers(0, 11),
    ),
    min_size=1,
    max_size=4,
)


@given(TAMPERINGS)
def test_no_tampering_passes(tamperings: list[tuple[str, int, int]]) -> None:
    rows = chain(12)
    original, head = list(rows), end(rows)
    for kind, a, b in tamperings:
        rows = tampered(rows, kind, a % len(rows), b % len(rows))
    assume(sorted(rows, key=lambda row: row.number) != original)

    result = verify(rows, head)

    assert not result.intact
    assert result.problems_total >= len(result.problems) >= 1


def tampered(rows: list[AuditRow], kind: str, a: int, b: int) -> list[AuditRow]:
    rows = list(rows)
    if kind in ("change", "rehash"):
        rows[a] = replace(rows[a], details=f'{{"faces":{b + 100}}}')
        if kind == "rehash":
            rows[a] = replace(rows[a], hash=rows[a].own_hash())
    elif kind == "remove" and len(rows) > 1:
        del rows[a]
    elif kind == "duplicate":
        rows.append(replace(rows[a], at=rows[a].at + timedelta(seconds=b)))
    elif kind == "swap":
        rows[a], rows[b] = replace(rows[b], number=rows[a].number), replace(rows[a], number=rows[b].number)
    elif kind == "renumber":
        rows[a] = replace(rows[a], number=b + 1)
    elif kind == "truncate":
        rows = rows[: a + 1]
    return rows


def test_the_rows_of_these_tests_follow_each_other() -> None:
    assert all(a.hash == b.previous_hash for a, b in pairwise(chain(4)))
