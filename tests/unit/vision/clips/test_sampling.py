"""Even samples of sequences whose length nobody knows before their end."""

import pytest

from indexer.vision.clips.sampling import EvenSample, spread


@pytest.mark.parametrize("count", [0, 1, 5, 6, 7, 12, 13, 100, 1000])
def test_a_sample_is_even_and_has_at_least_half_of_what_it_may_have(count: int) -> None:
    sample: EvenSample[int] = EvenSample(6)
    for number in range(count):
        if sample.wants(number):
            sample.keep(number)

    assert min(count, 3) <= len(sample.items) <= 6
    steps = {after - before for before, after in zip(sample.items, sample.items[1:], strict=False)}
    assert len(steps) <= 1, sample.items
    assert sample.items[:1] == [0][: min(count, 1)]
    step = next(iter(steps), 1)
    assert count == 0 or count - sample.items[-1] <= step, "it reaches the end"


def test_a_spread_has_the_first_and_the_last() -> None:
    assert spread(range(30), 10) == [0, 3, 6, 10, 13, 16, 19, 23, 26, 29]
    assert spread([1, 2, 3], 10) == [1, 2, 3]
