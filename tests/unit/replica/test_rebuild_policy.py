"""When an index is rebuilt, and when a failed attempt is repeated."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from indexer.errors import Busy, DatabaseUnavailable, EmbeddingsMissing, LogForked
from indexer.records.tables import Gallery
from indexer.replica.rebuild_policy import reason_to_rebuild, retry_pause_seconds
from indexer.replica.store import StoredIndex
from indexer.replica.store.tier_choice import COMPACT_FROM, TierChoice
from indexer.types import Tier

AUTO = TierChoice("auto", 128)


def row(**fields: Any) -> Gallery:
    fields = {"rebuild_number": 0, "index_tier": None, "face_count": 20_000} | fields
    return cast(Gallery, SimpleNamespace(**fields))


def index(**fields: Any) -> StoredIndex:
    """One that nothing is wrong with, of 20,000 faces."""
    of_index = {"tier": Tier.EXACT, "count": 20_000, "tombstones": 0, "applied": 100}
    of_stored = {"rebuild_number": 0, "target_tier": Tier.EXACT, "for_gpu": False, "applied": 100}
    live = SimpleNamespace(**{name: fields.pop(name, value) for name, value in of_index.items()})
    values = of_stored | {name.removeprefix("stored_"): value for name, value in fields.items()}
    return cast(StoredIndex, SimpleNamespace(index=live, **values))


def reason(
    stored: StoredIndex, gallery: Gallery, tiers: TierChoice = AUTO, *, room: bool = True
) -> str | None:
    return reason_to_rebuild(stored, gallery, gallery.rebuild_number, tiers, lambda _: room)


@pytest.mark.parametrize(
    ("stored", "gallery", "expected"),
    [
        (index(), row(), None),
        (index(), row(rebuild_number=1), "a rebuild was requested"),
        (index(rebuild_number=1), row(rebuild_number=1), None),
        (index(), row(face_count=COMPACT_FROM), "its tier should be compact, not exact"),
        (index(), row(index_tier="exact-fp16"), "its tier should be exact-fp16, not exact"),
        (index(target_tier=Tier.COMPACT), row(face_count=COMPACT_FROM // 2), None),
        (
            index(target_tier=Tier.COMPACT),
            row(face_count=COMPACT_FROM // 2 - 1),
            "its tier should be exact, not compact",
        ),
        (index(), row(index_tier="gpu"), "it should be on the GPUs"),
        (index(for_gpu=True, tier=Tier.GPU), row(), "it should no longer be on the GPUs"),
        (index(for_gpu=True, tier=Tier.GPU), row(index_tier="gpu"), None),
        (index(for_gpu=True), row(index_tier="gpu"), "the GPUs have room for it now"),
        (index(tombstones=4_000), row(), None),
        (index(tombstones=4_001), row(), "4001 deleted faces are still in it"),
        (index(count=100, tombstones=1_000), row(), None),
        (index(count=100, tombstones=1_001), row(), "1001 deleted faces are still in it"),
        (index(applied=10_100), row(), None),
        (index(applied=10_101), row(), "10001 changes are not in its snapshot"),
        (index(applied=10_101, count=9_999), row(), None),
        (index(applied=20_100, count=200_001, target_tier=Tier.COMPACT), row(face_count=200_001), None),
    ],
)
def test_an_index_is_rebuilt_for_these_reasons_and_no_other(
    stored: StoredIndex, gallery: Gallery, expected: str | None
) -> None:
    assert reason(stored, gallery) == expected


def test_an_index_for_gpus_that_have_no_room_stays_where_it_is() -> None:
    assert reason(index(for_gpu=True), row(index_tier="gpu"), room=False) is None


def test_a_setting_is_for_galleries_that_choose_nothing_themselves() -> None:
    half = TierChoice(Tier.EXACT_FP16, 128)

    assert reason(index(), row(), half) == "its tier should be exact-fp16, not exact"
    assert reason(index(), row(index_tier="exact"), half) is None


def test_a_tier_that_this_version_does_not_have_leaves_it_to_the_setting() -> None:
    assert reason(index(), row(index_tier="graph")) is None
    assert reason(index(), row(index_tier="graph"), TierChoice(Tier.EXACT_FP16, 128)) is not None


def test_pauses_grow_to_half_a_minute() -> None:
    pauses = [retry_pause_seconds(EmbeddingsMissing("5"), n, serving=False) for n in range(1, 9)]

    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]


@pytest.mark.parametrize("error", [DatabaseUnavailable("away"), Busy("busy"), LogForked("set back")])
def test_what_may_be_over_at_once_is_tried_again_at_once(error: Exception) -> None:
    assert retry_pause_seconds(error, 5, serving=False) == 0


@pytest.mark.parametrize("error", [DatabaseUnavailable("away"), ValueError("no way")])
def test_there_is_no_hurry_where_the_old_index_serves(error: Exception) -> None:
    assert retry_pause_seconds(error, 1, serving=True) == 30
