"""Keeps an even sample of a sequence whose length is not known before its end."""

from collections.abc import Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")


class EvenSample(Generic[Item]):
    """Keeps every item at first; when it is full, it forgets every second one and takes half as many from
    then on. At the end it has at least half of `most` items at equal distances, or all there were."""

    def __init__(self, most: int) -> None:
        """`most`: an even number."""
        if most < 2 or most % 2:
            raise ValueError(f"{most} is not an even number of items")
        self._most = most
        self._step = 1
        self.items: list[Item] = []

    def wants(self, number: int) -> bool:
        """Whether the item with this number, from 0, is to be kept. Call it for each number in turn."""
        return number % self._step == 0

    def keep(self, item: Item) -> None:
        if len(self.items) == self._most:
            self.items = self.items[::2]
            self._step *= 2
        self.items.append(item)


def spread(items: Sequence[Item], most: int) -> list[Item]:
    """At most so many items at about equal distances, with the first and the last. `most`: 2 or more."""
    if len(items) <= most:
        return list(items)
    last = len(items) - 1
    return [items[round(place * last / (most - 1))] for place in range(most)]
