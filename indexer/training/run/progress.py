"""The progress of a run: steps, validations, and sums over the steps since the last validation."""

from dataclasses import asdict, dataclass, field
from typing import Any

from indexer.training.run.history import Entry
from indexer.training.validation import Figures

_MEANS = ("loss", "distillation", "genuine", "impostor")


@dataclass(slots=True, kw_only=True)
class Progress:
    """Only numbers, strings and lists of them: a checkpoint stores it as it is."""

    step: int = 0
    seconds: float = 0.0
    """Duration of the steps, over all sittings of the run."""
    best: float = float("inf")
    best_step: int = 0
    worse: int = 0
    """Number of validations since the best one."""
    history: list[dict[str, Any]] = field(default_factory=list)
    sums: dict[str, float] = field(default_factory=dict)
    """Over the steps since the last validation."""

    def add_step(self, figures: dict[str, float], *, faces: int, seconds: float) -> None:
        """`figures`: the loss and distances of the step. `faces`: their number, over all processes."""
        self.step += 1
        self.seconds += seconds
        for name, value in (figures | {"steps": 1.0, "faces": float(faces), "seconds": seconds}).items():
            self.sums[name] = self.sums.get(name, 0.0) + value

    def add_validation(self, figures: Figures, learning_rate: float) -> bool:
        """Returns whether it is the best so far."""
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
        """The figures of the last validation, by name; empty before the first."""
        last = self.history[-1] if self.history else {}
        return {name: float(last[name]) for name in ("fnir", "fnir_quarter") if name in last}
