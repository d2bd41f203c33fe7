"""The training loop, from top to bottom. Its data is prepared elsewhere, and exported what it makes."""

import copy
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as group

from indexer.embedding.backbones import registry
from indexer.errors import InvalidRequest
from indexer.training.data.augment import BY_NAME
from indexer.training.data.batches import Batch, Batches
from indexer.training.data.faces import Faces
from indexer.training.inference import as_tensor, embed
from indexer.training.loss.contrastive import contrastive_loss, embedded, pairwise
from indexer.training.loss.distillation import centred, distillation_targets, mean_direction
from indexer.training.loss.pairs import choose
from indexer.training.options import Options
from indexer.training.run import checkpoint, history
from indexer.training.run.folder import BEST, LAST
from indexer.training.run.history import Entry
from indexer.training.run.progress import Progress
from indexer.training.validation import Validation
from indexer.types import Vectors
from indexer.vision.align import TEMPLATES


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
    """Leaves `best.safetensors`, `last.pt` and `history.csv` in `options.out`, which is the caller's alone
    (`folder.claimed`).

    Run by `torchrun`, its processes share each step; the first of them validates and writes. `told` is
    called after each step with what the last validation gave. Raises InvalidRequest, OSError.
    """
    with _processes(options) as (process, processes):
        device = device_of(options)
        backbone = registry.BACKBONES[options.backbone]
        template = TEMPLATES[backbone.template]
        network, frozen = begun(options)
        network = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        batches = Batches(
            training,
            template,
            BY_NAME[options.augment],
            pairs=options.pairs,
            seed=options.seed,
            process=process,
        )
        optimiser = torch.optim.AdamW(
            [parameter for parameter in network.parameters() if parameter.requires_grad],
            lr=options.learning_rate,
            weight_decay=options.weight_decay,
        )
        progress, last, run = Progress(), options.out / LAST, _run(options, training, validation, processes)
        _agree(run)
        if resume:
            states, progress = checkpoint.load(last, run)
            network.load_state_dict(states["begun"])
        elif options.centre:
            registry.shift(network, -mean_direction(network, training, template, device))
        before = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
        if resume:
            network.load_state_dict(states["network"])
            optimiser.load_state_dict(states["optimiser"])
        twins: Any = nn.parallel.DistributedDataParallel(network) if processes > 1 else network
        if options.compile:
            twins = torch.compile(twins)
        held_out = Validation(validation, template, most=options.validation_faces) if process == 0 else None
        anchors = _anchors(options, training, device) if options.distillation else None
        generator = torch.Generator()

        def validate() -> bool:
            """Writes down how it is; whether to go on."""
            go_on = True
            if held_out is not None:
                comes_out = _blended(network, before, options.blend)
                figures = held_out.figures(lambda faces: embed(comes_out, faces, device))
                if progress.validated(figures, _learning_rate(options, progress.step)):
                    registry.save(comes_out, options.out / BEST)
                history.write(progress.entries, options.out / "history.csv")
                states = {
                    "network": network.state_dict(),
                    "begun": before,
                    "optimiser": optimiser.state_dict(),
                }
                checkpoint.save(last, run, states, progress)
                go_on = progress.worse < options.patience
            return _agreed(go_on, device)

        going = progress.worse < options.patience if progress.history else validate()
        since = time.perf_counter()
        for batch in batches.between(progress.step, options.steps) if going else ():
            for part in optimiser.param_groups:
                part["lr"] = _learning_rate(options, progress.step)
            _learning(network, frozen, frozen_statistics=backbone.frozen_statistics)
            generator.manual_seed(options.seed * 1_000_003 + progress.step)
            with _precision(options, device):
                made = twins(as_tensor(batch.views, device)).float()
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
    """Contrastive, the mean over the pairs, and what the distillation adds."""
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
        kept = options.distillation * (embedded(made, "cosine") - targets).square().sum(dim=1).mean()
    told = distance.detach()
    return loss + kept, {
        "loss": float(loss.detach() + kept.detach()),
        "distillation": float(kept.detach()),
        "genuine": float(told[same > 0].mean()),
        "impostor": float(told[same == 0].mean()),
    }


def _blended(network: nn.Module, before: dict[str, Tensor], share: float) -> nn.Module:
    """A network with the weights of before, plus `share` of what has changed in them."""
    if share == 1.0:
        return network
    blended = copy.deepcopy(network)
    with torch.no_grad():
        for name, tensor in blended.state_dict().items():
            if tensor.is_floating_point():
                tensor.copy_(torch.lerp(before[name], tensor, share))
    return blended


def _learning_rate(options: Options, step: int) -> float:
    """Rises for the first steps, then falls along half a cosine to a hundredth."""
    if step < options.warmup_steps:
        return options.learning_rate * (step + 1) / options.warmup_steps
    part = (step - options.warmup_steps) / max(1, options.steps - options.warmup_steps)
    return options.learning_rate * (0.01 + 0.99 * (1 + math.cos(math.pi * min(part, 1.0))) / 2)


def begun(options: Options) -> tuple[nn.Module, list[nn.Module]]:
    """The network before its first step, and those of its stages in which nothing is learned.

    Raises WeightsMissing, WeightsDamaged, InvalidRequest where the options do not fit the backbone.
    """
    torch.manual_seed(options.seed)
    if registry.BACKBONES[options.backbone].published is None:
        network = registry.BACKBONES[options.backbone].make(options.dimension)
    else:
        network = registry.published(options.backbone, options.dimension)
    if options.centre:
        registry.shift(network, torch.zeros(options.dimension))  # whether that can be done at all
    stages = registry.stages(network)
    if options.freeze >= len(stages):
        raise InvalidRequest(f"freeze: {options.backbone} has {len(stages)} stages, one has to learn")
    for stage in stages[: options.freeze]:
        stage.requires_grad_(requires_grad=False)
    return network, stages[: options.freeze]


def _run(options: Options, training: Faces, validation: Faces, processes: int) -> dict[str, str]:
    """What a checkpoint must agree in to be gone on with, by what it is."""
    return {
        "options": options.digest,
        "faces to train on": training.digest,
        "faces to validate with": validation.digest,
        "numbers of processes": str(processes),
    }


def _agree(run: dict[str, str]) -> None:
    """Raises InvalidRequest where the processes of a run have not found the same faces."""
    if not group.is_initialized():
        return
    runs: list[Any] = [None] * group.get_world_size()
    group.all_gather_object(runs, run)
    if any(other != run for other in runs):
        raise InvalidRequest("the processes have not found the same faces: is their data the same?")


def _anchors(options: Options, faces: Faces, device: torch.device) -> Vectors:
    torch.manual_seed(options.seed)  # another dimension's projection is that of the network
    published = distillation_targets(options.backbone, options.dimension, faces, device)
    return centred(published) if options.centre else published


def _learning(network: nn.Module, frozen: Sequence[nn.Module], *, frozen_statistics: bool) -> None:
    network.train()
    for stage in frozen:
        stage.eval()
    for module in network.modules() if frozen_statistics else ():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            module.eval()


def device_of(options: Options) -> torch.device:
    """A GPU each for the processes of one machine, unless one is named (`cuda:1`). Raises InvalidRequest."""
    try:
        device = torch.device(options.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    except RuntimeError:
        raise InvalidRequest(f"device: {options.device!r} is none, such as cpu or cuda:0") from None
    if device.type == "cuda" and device.index is None:
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InvalidRequest(f"device: {device} is not there, of {torch.cuda.device_count()} GPUs")
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
    device = device_of(options)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    group.init_process_group("nccl" if device.type == "cuda" else "gloo")
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
