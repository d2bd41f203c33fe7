"""The training loop, from top to bottom. `data` prepares the faces before it, `export` writes the model after
it."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from indexer.embedding.backbones import registry
from indexer.training import distributed
from indexer.training import network as networks
from indexer.training.data.augment import BY_NAME
from indexer.training.data.batches import Batch, Batches
from indexer.training.data.faces import Faces
from indexer.training.inference import as_tensor, embed
from indexer.training.loss.contrastive import contrastive_loss, distance_space, pairwise
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
    """Of the steps, with the time spent waiting for batches."""


def train(
    options: Options,
    training: Faces,
    validation: Faces,
    *,
    resume: bool = False,
    on_step: Callable[[int, dict[str, float]], object] = lambda *_: None,
) -> Outcome:
    """Writes `best.safetensors`, `last.pt` and `history.csv` to `options.out`. The caller holds that folder's
    lock (`run.folder.claimed`).

    Under `torchrun` the processes share each step; the first one validates and writes. `on_step` is called
    after each step with its number, its figures, and those of the last validation. Raises InvalidRequest,
    OSError.
    """
    with distributed.processes(options) as (process, processes):
        # The network, and the optimiser of what is not frozen.
        device = distributed.device_of(options)
        backbone = registry.BACKBONES[options.backbone]
        template = TEMPLATES[backbone.template]
        network, frozen = networks.initial(options)
        network = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        optimiser = torch.optim.AdamW(
            [parameter for parameter in network.parameters() if parameter.requires_grad],
            lr=options.learning_rate,
            weight_decay=options.weight_decay,
        )

        # The state of the run: new, or that of its last checkpoint.
        progress, last = Progress(), options.out / LAST
        run = _identity(options, training, validation, processes)
        distributed.check_same(run)
        if resume:
            states, progress = checkpoint.load(last, run)
            network.load_state_dict(states["initial"])
        elif options.centre:
            registry.shift(network, -mean_direction(network, training, template, device))
        initial_state = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
        if resume:
            network.load_state_dict(states["network"])
            optimiser.load_state_dict(states["optimiser"])
        model: Any = nn.parallel.DistributedDataParallel(network) if processes > 1 else network
        if options.compile:
            model = torch.compile(model)

        # The data.
        batches = Batches(
            training,
            template,
            BY_NAME[options.augment],
            pairs=options.pairs,
            seed=options.seed,
            process=process,
        )
        held_out = Validation(validation, template, most=options.validation_faces) if process == 0 else None
        targets = _targets(options, training, device) if options.distillation else None
        generator = torch.Generator()

        def validate() -> bool:
            """Validates, and writes the history and a checkpoint. Returns whether training continues."""
            go_on = True
            if held_out is not None:
                result = networks.blended(network, initial_state, options.blend)
                figures = held_out.figures(lambda faces: embed(result, faces, device))
                if progress.add_validation(figures, _learning_rate(options, progress.step)):
                    registry.save(result, options.out / BEST)
                history.write(progress.entries, options.out / "history.csv")
                states = {
                    "network": network.state_dict(),
                    "initial": initial_state,
                    "optimiser": optimiser.state_dict(),
                }
                checkpoint.save(last, run, states, progress)
                go_on = progress.worse < options.patience
            return distributed.decision_of_first(go_on, device)

        go_on = progress.worse < options.patience if progress.history else validate()
        start = time.perf_counter()
        for batch in batches.between(progress.step, options.steps) if go_on else ():
            for group in optimiser.param_groups:
                group["lr"] = _learning_rate(options, progress.step)
            networks.set_training_mode(network, frozen, frozen_statistics=backbone.frozen_statistics)
            generator.manual_seed(options.seed * 1_000_003 + progress.step)
            with torch.autocast(device.type, torch.bfloat16, enabled=options.precision == "bfloat16"):
                embeddings = model(as_tensor(batch.faces, device)).float()
            loss, figures = _loss(options, embeddings, batch, targets, generator)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            end = time.perf_counter()
            progress.add_step(figures, faces=len(batch.faces) * processes, seconds=end - start)
            on_step(progress.step, figures | progress.latest)
            due = progress.step % options.evaluate_every == 0 or progress.step == options.steps
            if due and not validate():
                break
            start = time.perf_counter() if due else end

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
    options: Options, embeddings: Tensor, batch: Batch, targets: Vectors | None, generator: torch.Generator
) -> tuple[Tensor, dict[str, float]]:
    """The mean contrastive loss over the pairs plus the weighted distillation loss; and the step's
    figures."""
    vectors = distance_space(embeddings, options.distance)
    people = torch.from_numpy(batch.people).to(embeddings.device)
    with torch.no_grad():
        distances = torch.cdist(vectors, vectors)
    first, second, same = choose(distances, people, options.negatives, generator)
    distance = pairwise(vectors[first], vectors[second])
    contrastive = contrastive_loss(distance, same, options.margin).mean()
    distillation = torch.zeros((), device=embeddings.device)
    if targets is not None:
        of_batch = torch.from_numpy(targets[batch.places]).to(embeddings.device)
        errors = (distance_space(embeddings, "cosine") - of_batch).square().sum(dim=1)
        distillation = options.distillation * errors.mean()
    detached = distance.detach()
    return contrastive + distillation, {
        "loss": float(contrastive.detach() + distillation.detach()),
        "distillation": float(distillation.detach()),
        "genuine": float(detached[same > 0].mean()),
        "impostor": float(detached[same == 0].mean()),
    }


def _learning_rate(options: Options, step: int) -> float:
    """Rises over the first steps, then falls along half a cosine to a hundredth."""
    if step < options.warmup_steps:
        return options.learning_rate * (step + 1) / options.warmup_steps
    part = (step - options.warmup_steps) / max(1, options.steps - options.warmup_steps)
    return options.learning_rate * (0.01 + 0.99 * (1 + math.cos(math.pi * min(part, 1.0))) / 2)


def _identity(options: Options, training: Faces, validation: Faces, processes: int) -> dict[str, str]:
    """What a checkpoint and a run must have in common to continue it."""
    return {
        "options": options.digest,
        "faces to train on": training.digest,
        "faces to validate with": validation.digest,
        "numbers of processes": str(processes),
    }


def _targets(options: Options, faces: Faces, device: torch.device) -> Vectors:
    torch.manual_seed(options.seed)  # the projection to another dimension is then that of the network
    published = distillation_targets(options.backbone, options.dimension, faces, device)
    return centred(published) if options.centre else published
