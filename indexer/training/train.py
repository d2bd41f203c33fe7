"""The training loop, from top to bottom. Its data is prepared elsewhere, and exported what it makes."""

import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch import distributed as group

from indexer.embedding import trunks
from indexer.errors import InvalidRequest
from indexer.training import checkpoint, history
from indexer.training.anchors import centred, mean_direction, of_published
from indexer.training.augment import BY_NAME
from indexer.training.batches import Batch, Batches
from indexer.training.checkpoint import Progress
from indexer.training.contrastive import contrastive_loss, embedded, pairwise
from indexer.training.faces import Faces
from indexer.training.history import Entry
from indexer.training.options import Options
from indexer.training.pairs import choose
from indexer.training.validation import Validation
from indexer.types import Vectors
from indexer.vision.align import TEMPLATES

LAST, BEST = "last.pt", "best.safetensors"
_AT_ONCE = 64
"""Faces that go through the network at once where nothing is learned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    entries: list[Entry]
    best: Entry
    stopped_early: bool
    seconds: float


def train(
    options: Options,
    training: Faces,
    validation: Faces,
    *,
    resume: bool = False,
    told: Callable[[int, dict[str, float]], object] = lambda *_: None,
) -> Outcome:
    """Leaves `best.safetensors`, `last.pt` and `history.csv` in `options.out`.

    Run by `torchrun`, its processes share each step; the first of them validates and writes. `told` is
    called after each step with what the last validation gave. Raises InvalidRequest.
    """
    start = time.perf_counter()
    with _processes() as (process, processes):
        torch.manual_seed(options.seed)
        device = device_of(options, process)
        trunk = trunks.TRUNKS[options.trunk]
        template = TEMPLATES[trunk.template]
        network = _network(options).to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        frozen = trunks.stages(network)[: options.freeze]
        for stage in frozen:
            stage.requires_grad_(requires_grad=False)
        if len(frozen) == len(trunks.stages(network)):
            raise InvalidRequest(f"freeze: {options.trunk} has {len(frozen)} stages, one has to learn")
        optimiser = torch.optim.AdamW(
            [parameter for parameter in network.parameters() if parameter.requires_grad],
            lr=options.learning_rate,
            weight_decay=options.weight_decay,
        )
        progress, last, run = Progress(), options.out / LAST, _run(options, training, validation, processes)
        if resume:
            weights, state, progress = checkpoint.load(last, run)
            network.load_state_dict(weights)
            optimiser.load_state_dict(state)
        elif options.centre:
            trunks.shift(network, -mean_direction(network, training, template, device))
        twins: Any = nn.parallel.DistributedDataParallel(network) if processes > 1 else network
        if options.compile:
            twins = torch.compile(twins)
        batches = Batches(
            training,
            template,
            BY_NAME[options.augment],
            pairs=options.pairs,
            seed=options.seed,
            process=process,
        )
        held_out = Validation(validation, template, most=options.validation_faces) if process == 0 else None
        anchors = _anchors(options, training, device) if options.anchor else None
        generator = torch.Generator()

        def validate() -> bool:
            """Notes how it is; whether to go on."""
            go_on = True
            if held_out is not None:
                _note(options, network, progress, held_out, device)
                checkpoint.save(last, run, network.state_dict(), optimiser.state_dict(), progress)
                go_on = progress.worse < options.patience
            return _agreed(go_on, device)

        going = progress.worse < options.patience if progress.history else validate()
        for batch in batches.between(progress.step, options.steps) if going else ():
            since = time.perf_counter()
            for part in optimiser.param_groups:
                part["lr"] = _learning_rate(options, progress.step)
            _learning(network, frozen, frozen_statistics=trunk.frozen_statistics)
            generator.manual_seed(options.seed * 1_000_003 + progress.step)
            with _precision(options, device):
                made = twins(_as_tensor(batch.views, device)).float()
            loss, figures = _loss(options, made, batch, anchors, generator)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            progress.step += 1
            _add_up(progress, figures, len(batch.views) * processes, time.perf_counter() - since)
            told(progress.step, figures | _latest(progress))
            due = progress.step % options.evaluate_every == 0 or progress.step == options.steps
            if due and not validate():
                break
        entries = [Entry(**entry) for entry in progress.history]
        if process == 0 and not entries:
            raise InvalidRequest("no step was made", steps=options.steps)
        best = next((entry for entry in entries if entry.step == progress.best_step), None)
        assert best is not None or process > 0
        return Outcome(
            entries=entries,
            best=best or Entry(**dict.fromkeys(Entry.__slots__, 0)),
            stopped_early=progress.step < options.steps,
            seconds=time.perf_counter() - start,
        )


def _loss(
    options: Options, made: Tensor, batch: Batch, anchors: Vectors | None, generator: torch.Generator
) -> tuple[Tensor, dict[str, float]]:
    """Contrastive, the mean over the pairs, and what the anchor adds."""
    vectors = embedded(made, options.distance)
    people = torch.from_numpy(batch.people).to(made.device)
    with torch.no_grad():
        distances = torch.cdist(vectors, vectors)
    first, second, same = choose(distances, people, options.negatives, generator)
    distance = pairwise(vectors[first], vectors[second])
    loss = contrastive_loss(distance, same, options.margin).mean()
    kept = torch.zeros((), device=made.device)
    if anchors is not None:
        targets = torch.from_numpy(anchors[batch.places]).to(made.device)
        kept = options.anchor * (embedded(made, "cosine") - targets).square().sum(dim=1).mean()
    told = distance.detach()
    return loss + kept, {
        "loss": float(loss.detach() + kept.detach()),
        "anchor": float(kept.detach()),
        "genuine": float(told[same > 0].mean()),
        "impostor": float(told[same == 0].mean()),
    }


def embed(network: nn.Module, faces: NDArray[np.uint8], device: torch.device) -> Vectors:
    """Aligned faces (n, side, side, 3) to vectors (n, dimension) of length 1, one view each."""
    network.eval()
    parts = []
    with torch.inference_mode():
        for start in range(0, len(faces), _AT_ONCE):
            made = network(_as_tensor(faces[start : start + _AT_ONCE], device)).float()
            parts.append(nn.functional.normalize(made, dim=1).cpu().numpy())
    return np.concatenate(parts).astype(np.float32)


def _note(
    options: Options, network: nn.Module, progress: Progress, held_out: Validation, device: torch.device
) -> None:
    figures, _ = held_out.figures(lambda faces: embed(network, faces, device))
    sums = dict(progress.means)
    steps, faces, seconds = (sums.pop(name, 0.0) for name in ("steps", "faces", "seconds"))
    entry = Entry(
        step=progress.step,
        **{name: sums.get(name, 0.0) / max(steps, 1.0) for name in _FIGURES},
        learning_rate=_learning_rate(options, progress.step),
        faces_per_second=faces / seconds if seconds else 0.0,
        fnir=figures.fnir,
        fnir_quarter=figures.fnir_quarter,
        rank1=figures.rank1,
    )
    progress.history.append(asdict(entry))
    progress.means = {}
    progress.worse += 1
    if figures.combined < progress.best:
        progress.best, progress.best_step, progress.worse = figures.combined, progress.step, 0
        aside = options.out / (BEST + ".aside")
        trunks.save(network, aside)
        aside.replace(options.out / BEST)
    history.write([Entry(**entry) for entry in progress.history], options.out / "history.csv")


_FIGURES = ("loss", "anchor", "genuine", "impostor")


def _add_up(progress: Progress, figures: dict[str, float], faces: int, seconds: float) -> None:
    for name, value in (figures | {"steps": 1.0, "faces": float(faces), "seconds": seconds}).items():
        progress.means[name] = progress.means.get(name, 0.0) + value


def _latest(progress: Progress) -> dict[str, float]:
    last = progress.history[-1] if progress.history else {}
    return {name: float(last[name]) for name in ("fnir", "fnir_quarter") if name in last}


def _learning_rate(options: Options, step: int) -> float:
    """Rises for the first steps, then falls along half a cosine to a hundredth."""
    if step < options.warmup_steps:
        return options.learning_rate * (step + 1) / options.warmup_steps
    part = (step - options.warmup_steps) / max(1, options.steps - options.warmup_steps)
    return options.learning_rate * (0.01 + 0.99 * (1 + math.cos(math.pi * min(part, 1.0))) / 2)


def _network(options: Options) -> nn.Module:
    """Raises WeightsMissing, WeightsDamaged."""
    if trunks.TRUNKS[options.trunk].published is None:
        return trunks.TRUNKS[options.trunk].make(options.dimension)
    return trunks.published(options.trunk, options.dimension)


def _run(options: Options, training: Faces, validation: Faces, processes: int) -> str:
    """What a checkpoint must agree in to be gone on with."""
    return f"{options.digest} {training.digest} {validation.digest} {processes}"


def _anchors(options: Options, faces: Faces, device: torch.device) -> Vectors:
    torch.manual_seed(options.seed)  # another dimension's projection is that of the network
    published = of_published(options.trunk, options.dimension, faces, device)
    return centred(published) if options.centre else published


def _learning(network: nn.Module, frozen: Sequence[nn.Module], *, frozen_statistics: bool) -> None:
    network.train()
    for stage in frozen:
        stage.eval()
    for module in network.modules() if frozen_statistics else ():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            module.eval()


def _as_tensor(faces: NDArray[np.uint8], device: torch.device) -> Tensor:
    return torch.from_numpy(faces).to(device).permute(0, 3, 1, 2).float()


def device_of(options: Options, process: int = 0) -> torch.device:
    if options.device is not None:
        return torch.device(options.device)
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", process)))


def _precision(options: Options, device: torch.device) -> torch.autocast:
    return torch.autocast(device.type, torch.bfloat16, enabled=options.precision == "bfloat16")


@contextmanager
def _processes() -> Iterator[tuple[int, int]]:
    """Which process this is, and of how many, as `torchrun` has it."""
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    if processes == 1:
        yield 0, 1
        return
    group.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield group.get_rank(), processes
    finally:
        group.destroy_process_group()


def _agreed(go_on: bool, device: torch.device) -> bool:
    """What the first process has decided."""
    if not group.is_initialized():
        return go_on
    said = torch.tensor([int(go_on)], device=device)
    group.broadcast(said, 0)
    return bool(said.item())


def out_folder(path: Path, *, resume: bool) -> Path:
    """Raises InvalidRequest where it holds another run."""
    path.mkdir(parents=True, exist_ok=True)
    if not resume and (path / LAST).exists():
        raise InvalidRequest(f"{path} holds a run already: --resume goes on with it", path=str(path))
    return path
