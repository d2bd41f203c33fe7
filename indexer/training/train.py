"""The training loop, from top to bottom. Its data is prepared elsewhere, and exported what it makes."""

import fcntl
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch import distributed as group

from indexer.embedding import trunks
from indexer.errors import Busy, InvalidRequest
from indexer.training import checkpoint, history
from indexer.training.anchors import centred, mean_direction, of_published
from indexer.training.augment import BY_NAME
from indexer.training.batches import Batch, Batches
from indexer.training.contrastive import contrastive_loss, embedded, pairwise
from indexer.training.faces import Faces
from indexer.training.history import Entry
from indexer.training.options import Options
from indexer.training.pairs import choose
from indexer.training.progress import Progress
from indexer.training.validation import Validation
from indexer.types import Vectors
from indexer.vision.align import TEMPLATES

LAST, BEST = "last.pt", "best.safetensors"
_FORMAT = 2
"""Of checkpoints: one of another format is of another run."""
_AT_ONCE = 64
"""Faces that go through the network at once where nothing is learned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    entries: list[Entry]
    best: Entry
    stopped_early: bool
    seconds: float
    """Of the steps, waiting for their views included."""


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
    called after each step with what the last validation gave. Raises InvalidRequest, Busy, OSError.
    """
    with _processes(options) as (process, processes), _alone(options.out, process):
        torch.manual_seed(options.seed)
        device = device_of(options)
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
            """Writes down how it is; whether to go on."""
            go_on = True
            if held_out is not None:
                figures, _ = held_out.figures(lambda faces: embed(network, faces, device))
                if progress.validated(figures, _learning_rate(options, progress.step)):
                    trunks.save(network, options.out / BEST)
                history.write(progress.entries, options.out / "history.csv")
                checkpoint.save(last, run, network.state_dict(), optimiser.state_dict(), progress)
                go_on = progress.worse < options.patience
            return _agreed(go_on, device)

        going = progress.worse < options.patience if progress.history else validate()
        since = time.perf_counter()
        for batch in batches.between(progress.step, options.steps) if going else ():
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
            made_at = time.perf_counter()
            progress.stepped(figures, faces=len(batch.views) * processes, seconds=made_at - since)
            told(progress.step, figures | progress.latest)
            due = progress.step % options.evaluate_every == 0 or progress.step == options.steps
            if due and not validate():
                break
            since = time.perf_counter() if due else made_at
        entries = progress.entries
        if process == 0 and not entries:
            raise InvalidRequest("no step was made", steps=options.steps)
        best = next((entry for entry in entries if entry.step == progress.best_step), None)
        assert best is not None or process > 0
        return Outcome(
            entries=entries,
            best=best or Entry(**dict.fromkeys(Entry.__slots__, 0)),
            stopped_early=progress.step < options.steps,
            seconds=progress.seconds,
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
    return f"{_FORMAT} {options.digest} {training.digest} {validation.digest} {processes}"


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


def device_of(options: Options) -> torch.device:
    """A GPU each for the processes of one machine, unless one is named (`cuda:1`)."""
    device = torch.device(options.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    if device.type == "cuda" and device.index is None:
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    return device


def _precision(options: Options, device: torch.device) -> torch.autocast:
    return torch.autocast(device.type, torch.bfloat16, enabled=options.precision == "bfloat16")


@contextmanager
def _processes(options: Options) -> Iterator[tuple[int, int]]:
    """Which process this is, and of how many, as `torchrun` has it. It ends them all where one fails."""
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    if processes == 1:
        yield 0, 1
        return
    group.init_process_group("nccl" if device_of(options).type == "cuda" else "gloo")
    try:
        yield group.get_rank(), processes
    finally:
        group.destroy_process_group()


@contextmanager
def _alone(out: Path, process: int) -> Iterator[None]:
    """No second run writes to the folder meanwhile. Raises Busy."""
    if process > 0:
        yield
        return
    with (out / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Busy(f"another process is training in {out}", path=str(out)) from None
        yield


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
