"""The estimate for machines that share no cores, from measured parts."""

import pytest

from benchmarks.sharding.estimate import (
    PROCESS_BYTES,
    USABLE,
    Parts,
    alone_ms,
    crossover_faces,
    layout,
    overhead_ms,
    sharded_ms,
)

PARTS = Parts(
    scan_ms_per_million=4.0, overhead_ms={1: 2.0, 2: 3.0, 4: 5.0}, index_bytes=300, postgresql_bytes=1_500
)


@pytest.mark.parametrize("shards", [2, 4, 8])
def test_at_the_crossover_both_ways_take_as_long(shards: int) -> None:
    faces = crossover_faces(PARTS, shards)

    assert alone_ms(PARTS, faces) == pytest.approx(sharded_ms(PARTS, faces, shards))
    assert alone_ms(PARTS, 2 * faces) > sharded_ms(PARTS, 2 * faces, shards)


def test_what_was_not_measured_lies_on_the_line_between_or_beyond_its_neighbours() -> None:
    assert overhead_ms(PARTS, 3) == pytest.approx(4.0)
    assert overhead_ms(PARTS, 8) == pytest.approx(9.0)


def test_twice_the_shards_need_half_the_memory_on_each_of_twice_the_machines() -> None:
    few, many = (layout(PARTS, 10**9, shards=shards, copies=2, cores=16) for shards in (50, 100))

    assert (few.machines, many.machines) == (100, 200)
    empty_gb = PROCESS_BYTES / USABLE / 1e9
    assert many.memory_gb - empty_gb == pytest.approx((few.memory_gb - empty_gb) / 2)
    assert few.postgresql_gb == many.postgresql_gb == pytest.approx(1_500)
