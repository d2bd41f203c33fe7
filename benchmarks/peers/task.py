"""The same task for every contender: people to enrol with one photograph each, and probes of some of them.

This module needs the standard library only: contenders read the task with interpreters of their own.
"""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

SEED = 18
PEOPLE = 1_000
PROBES = 500


@dataclass(frozen=True, slots=True)
class Portrait:
    """A photograph, and the name of the person whom it shows."""

    name: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    enrolled: tuple[Portrait, ...]
    """One photograph of each person."""
    probes: tuple[Portrait, ...]
    """Another photograph of some of these people."""


def pose(images: Mapping[str, Sequence[Path]], *, people: int = PEOPLE, probes: int = PROBES) -> Task:
    """Draws the people among those with several photographs, then the probes among these people.

    A person is enrolled with the first photograph; the second one is the probe. The draw depends on the
    names and on SEED only. `images`: the photographs by name. Raises ValueError if there are too few people.
    """
    several = sorted(name for name, photographs in images.items() if len(photographs) > 1)
    if not probes <= people <= len(several):
        raise ValueError(
            f"cannot draw {people} people and {probes} probes: {len(several)} people have several photographs"
        )
    drawn = random.Random(SEED).sample(several, people)
    return Task(
        enrolled=tuple(Portrait(name, str(images[name][0])) for name in drawn),
        probes=tuple(Portrait(name, str(images[name][1])) for name in drawn[:probes]),
    )


def write(task: Task, path: Path) -> None:
    path.write_text(json.dumps(asdict(task)), "utf-8")


def read(path: Path) -> Task:
    stored = json.loads(path.read_text("utf-8"))
    return Task(
        enrolled=tuple(Portrait(**portrait) for portrait in stored["enrolled"]),
        probes=tuple(Portrait(**portrait) for portrait in stored["probes"]),
    )
