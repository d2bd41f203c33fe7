"""Where a run is: its steps, its validations, and what the steps since the last one came to."""

from dataclasses import asdict, dataclass, field
from typing import Any

from indexer.training.run.history import Entry
from indexer.training.validation import Figures

_MEANS = ("loss", "distillation", "genuine", "impostor")


@dataclass(slots=True, kw_only=True)
class Progress:
    """Numbers, texts and lists of them only: a checkpoint holds it as it is."""

    step: int = 0
    seconds: float = 0.0
    """Of steps, over all the processes that a run has had one after another."""
    best: float = float("inf")
    best_step: int = 0
    worse: int = 0
    """Validations since the best one."""
    history: list[dict[str, Any]] = field(default_factory=list)
    sums: dict[str, float] = field(default_factory=dict)
    """Over the steps since the last validation."""

    def stepped(self, figures: dict[str, float], *, faces: int, seconds: float) -> None:
        """A step was made: its loss and distances, how many faces it had, and how long it took."""
        self.step += 1
        self.seconds += seconds
        for name, value in (figures | {"steps": 1.0, "faces": float(faces), "seconds": seconds}).items():
            self.sums[name] = self.sums.get(name, 0.0) + value

    def validated(self, figures: Figures, learning_rate: float) -> bool:
        """Whether it was the best so far."""
        steps, faces, seconds = (self.sums.get(name, 0.0) for name in ("steps", "faces", "seconds"))
        entry = Entry(
            step=self.step,
            **{name: self.sums.get(name, 0.0) / max(steps, 1.0) for name in _MEANS},
            learning_rate=learning_rate,
            faces_per_second=faces / seconds if seconds else 0.0,
            fnir=figures.fnir,
            fnir_quarter=figures.fnir_quarter,
            rank1=figures.rank1,
        )
        self.history.append(asdict(entry))
        self.sums = {}
        better = figures.combined < self.best
        self.worse = 0 if better else self.worse + 1
        if better:
            self.best, self.best_step = figures.combined, self.step
        return better

    @property
    def entries(self) -> list[Entry]:
        return [Entry(**entry) for entry in self.history]

    @property
    def latest(self) -> dict[str, float]:
        """What the last validation gave, by name; empty before the first."""
        last = self.history[-1] if self.history else {}
        return {name: float(last[name]) for name in ("fnir", "fnir_quarter") if name in last}
