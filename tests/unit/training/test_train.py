"""A run learns, resumes exactly where it stopped, and can be shared by several processes."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from indexer.embedding.backbones import registry
from indexer.errors import Busy, InvalidRequest
from indexer.training.data.faces import Faces
from indexer.training.distributed import device_of
from indexer.training.inference import embed
from indexer.training.loss.distillation import distillation_targets, mean_direction
from indexer.training.options import Options
from indexer.training.run import checkpoint
from indexer.training.run.folder import BEST, LAST, claimed
from indexer.training.run.progress import Progress
from indexer.training.train import train
from indexer.training.validation import Validation
from indexer.vision.align import ARCFACE_112_V2, TEMPLATES

Sides = tuple[Faces, Faces]


class Ended(Exception):
    """In the place of a signal."""


def weights(options: Options) -> dict[str, torch.Tensor]:
    """Those of the last step."""
    state: dict[str, Any] = torch.load(options.out / LAST, weights_only=True)
    network: dict[str, torch.Tensor] = state["states"]["network"]
    return network


def equal(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


def test_the_loss_falls_and_the_history_is_written(options: Options, sides: Sides) -> None:
    options = replace(options, steps=12, evaluate_every=4, learning_rate=1e-3, augment="none", warmup_steps=1)
    outcome = train(options, *sides)

    losses = [entry.loss for entry in outcome.entries if entry.step > 0]
    assert losses[-1] < losses[0]
    assert [entry.step for entry in outcome.entries] == [0, 4, 8, 12]
    assert (options.out / "history.csv").read_text().count("\n") == 5
    assert outcome.best.step in (0, 4, 8, 12)


SFACE: dict[str, Any] = {"backbone": "sface", "freeze": 14, "centre": True, "distillation": 1.0, "pairs": 1}


@pytest.mark.parametrize(
    "changes",
    [
        {"negatives": "random"},
        {"negatives": "hardest", "precision": "bfloat16"},
        SFACE | {"dimension": 128, "blend": 0.5},  # centred once, not twice
        SFACE | {"dimension": 24},  # its projection is the same one
    ],
    ids=["random", "hardest", "centred", "projected"],
)
def test_a_resumed_run_ends_with_exactly_the_same_weights(
    options: Options, sides: Sides, tmp_path: Path, changes: dict[str, Any]
) -> None:
    options = replace(options, **changes)
    whole = train(options, *sides)
    ended = replace(options, out=tmp_path / "ended")
    ended.out.mkdir()

    def end(step: int, _: dict[str, float]) -> None:
        if step == 3:  # after the validation at 2, before that at 4
            raise Ended

    with pytest.raises(Ended):
        train(ended, *sides, on_step=end)
    steps: list[int] = []
    resumed = train(ended, *sides, resume=True, on_step=lambda step, _: steps.append(step))

    assert steps == [3, 4]
    assert equal(weights(ended), weights(options))
    assert equal(load_file(ended.out / BEST), load_file(options.out / BEST))
    timeless = [replace(entry, faces_per_second=0.0) for entry in whole.entries]
    assert [replace(entry, faces_per_second=0.0) for entry in resumed.entries] == timeless


def test_the_same_seed_gives_the_same_run_and_another_seed_another(
    options: Options, sides: Sides, tmp_path: Path
) -> None:
    made = []
    for number, seed in enumerate((0, 0, 1)):
        one = replace(options, seed=seed, out=tmp_path / str(number), steps=2)
        one.out.mkdir()
        train(one, *sides)
        made.append(weights(one))
    assert equal(made[0], made[1])
    assert not equal(made[0], made[2])


def test_a_checkpoint_of_other_options_or_other_data_is_not_resumed(options: Options, sides: Sides) -> None:
    train(replace(options, steps=2), *sides)
    with pytest.raises(InvalidRequest, match=r"other options$"):
        train(replace(options, steps=2, margin=0.5), *sides, resume=True)
    fewer = sides[0].where(lambda sample: sample.identity != "Grace_0")
    with pytest.raises(InvalidRequest, match=r"other faces to train on$"):
        train(replace(options, steps=2), fewer, sides[1], resume=True)
    with pytest.raises(InvalidRequest, match="no run to resume"):
        checkpoint.load(options.out / "missing.pt", {})
    torch.save({"weights": 1}, options.out / "foreign.pt")
    with pytest.raises(InvalidRequest, match="not a checkpoint of this version"):
        checkpoint.load(options.out / "foreign.pt", {})
    whole = (options.out / LAST).read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], b"no checkpoint at all"):
        (options.out / LAST).write_bytes(damaged)
        with pytest.raises(InvalidRequest, match="is damaged"):
            train(replace(options, steps=2), *sides, resume=True)


def test_one_run_at_a_time_holds_a_folder(options: Options) -> None:
    with claimed(options.out, resume=False):
        with pytest.raises(Busy, match="another process is training"), claimed(options.out, resume=True):
            pass
        (options.out / LAST).touch()
    with pytest.raises(InvalidRequest, match="already holds a run"), claimed(options.out, resume=False):
        pass
    with claimed(options.out, resume=True):
        assert options.out.is_dir()


def test_each_of_several_processes_uses_the_gpu_of_its_number(
    options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_RANK", "3")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)  # no card is asked for anything
    named = [str(device_of(replace(options, device=name))) for name in ("cuda", "cuda:1", "cpu")]
    assert named == ["cuda:3", "cuda:1", "cpu"]
    for wrong, why in (("gpu", "is not a device"), ("cuda:4", "does not exist")):
        with pytest.raises(InvalidRequest, match=why):
            device_of(replace(options, device=wrong))


def test_training_stops_early_without_improvement(options: Options, sides: Sides) -> None:
    options = replace(options, steps=60, evaluate_every=1, patience=3, learning_rate=1e-12, weight_decay=0.0)
    outcome = train(options, *sides)
    watched = [entry.fnir + entry.fnir_quarter for entry in outcome.entries]
    assert outcome.stopped_early
    assert outcome.entries[-1].step == outcome.best.step + 3
    assert watched[outcome.best.step] == min(watched)
    assert len(train(options, *sides, resume=True).entries) == len(watched), "it stays ended"


def test_distillation_keeps_the_network_close_to_the_published_embeddings(
    options: Options, sides: Sides, tmp_path: Path
) -> None:
    options = replace(options, backbone="sface", dimension=128, freeze=12, augment="none", pairs=1)
    options = replace(options, steps=4, evaluate_every=4, learning_rate=2e-5, warmup_steps=1)
    network = registry.published("sface")
    statistics = {key: tensor.clone() for key, tensor in network.state_dict().items() if "running" in key}
    faces = Validation(sides[1], ARCFACE_112_V2, most=99).clean
    published = distillation_targets("sface", 128, sides[1], torch.device("cpu"))
    away: dict[float, float] = {}
    for distillation in (0.0, 30.0):
        one = replace(options, distillation=distillation, out=tmp_path / f"distillation-{distillation:g}")
        one.out.mkdir()
        train(one, *sides)
        state = weights(one)
        assert all(torch.equal(state[key], of) for key, of in statistics.items()), "as of millions of faces"
        network.load_state_dict(state)
        made = embed(network, faces, torch.device("cpu"))
        away[distillation] = float(np.square(made - published).sum(axis=1).mean())

    assert 0 < away[30.0] < away[0.0]


def test_damaged_cached_targets_are_computed_again(sides: Sides) -> None:
    published = distillation_targets("sface", 128, sides[1], torch.device("cpu"))
    for kept in sides[1].folder.glob("published-*.npy"):
        kept.write_bytes(kept.read_bytes()[:-100])
    again = distillation_targets("sface", 128, sides[1], torch.device("cpu"))
    np.testing.assert_array_equal(again, published)


def test_training_in_bfloat16_learns_and_keeps_float32_weights(options: Options, sides: Sides) -> None:
    options = replace(options, steps=8, evaluate_every=4, learning_rate=1e-3, precision="bfloat16")
    options = replace(options, augment="none", warmup_steps=1)
    outcome = train(options, *sides)
    assert outcome.entries[2].loss < outcome.entries[1].loss
    assert {tensor.dtype for name, tensor in weights(options).items() if "num_batches" not in name} == {
        torch.float32
    }


def test_a_centred_run_starts_with_embeddings_around_the_origin(options: Options, sides: Sides) -> None:
    options = replace(
        options, backbone="sface", dimension=128, freeze=14, centre=True, distillation=1.0, pairs=1
    )
    options = replace(options, steps=1, evaluate_every=1, learning_rate=1e-12)
    train(options, *sides)
    network, template = registry.published("sface"), TEMPLATES["arcface-112-v2"]
    before = mean_direction(network, sides[0], template, torch.device("cpu"))
    network.load_state_dict(weights(options))
    after = mean_direction(network, sides[0], template, torch.device("cpu"))
    assert after.norm() < 0.25 * before.norm()
    with pytest.raises(InvalidRequest, match="no bias"):
        registry.shift(registry.published("dlib-resnet"), after)


def test_frozen_stages_stay_as_published_and_the_others_learn(
    options: Options, sides: Sides, tmp_path: Path
) -> None:
    options = replace(options, backbone="sface", dimension=128, steps=1, evaluate_every=1, freeze=12, pairs=1)
    train(options, *sides)
    start, made = registry.published("sface").state_dict(), weights(options)
    changed = {name for name in made if not torch.equal(made[name], start[name])}
    assert "pre_fc1.weight" in changed
    assert any(name.startswith("blocks.11") for name in changed)
    assert not any(name.startswith(("conv_1", *(f"blocks.{n}." for n in range(11)))) for name in changed)


def test_the_exported_weights_are_blended_with_the_initial_ones(
    options: Options, sides: Sides, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = replace(options, backbone="sface", dimension=128, steps=2, evaluate_every=2, freeze=12, pairs=1)
    options = replace(options, blend=0.25, learning_rate=1e-3, weight_decay=0.0)
    real = Progress.add_validation

    def the_best_yet(progress: Progress, *given: Any) -> bool:
        real(progress, *given)
        return True

    monkeypatch.setattr(Progress, "add_validation", the_best_yet)  # so that the last step is what comes out
    train(options, *sides)
    start, learned, out = (
        registry.published("sface").state_dict(),
        weights(options),
        load_file(options.out / BEST),
    )

    assert not torch.equal(learned["pre_fc1.weight"], start["pre_fc1.weight"])
    for name, tensor in out.items():
        if tensor.is_floating_point():
            wanted = start[name] + 0.25 * (learned[name] - start[name])
            torch.testing.assert_close(tensor, wanted, atol=1e-7, rtol=1e-5)


TOGETHER = """
import pickle, sys
from indexer.training.train import train
train(*pickle.load(open(sys.argv[1], "rb")))
"""


def test_two_processes_train_one_network_from_two_batches(
    options: Options, sides: Sides, tmp_path: Path
) -> None:
    """Torch's own launcher, as several GPUs would be used; here each process is a CPU thread."""
    import pickle

    job, script = tmp_path / "job.pickle", tmp_path / "together.py"
    script.write_text(TOGETHER)
    alone, together = (replace(options, steps=2, out=tmp_path / name) for name in ("alone", "together"))
    for one in (alone, together):
        one.out.mkdir()
    train(alone, *sides)
    job.write_bytes(pickle.dumps((together, *sides)))
    launched = subprocess.run(
        [
            sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
            str(script), str(job),
        ],
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=300,
    )  # fmt: skip
    assert launched.returncode == 0, launched.stderr[-3000:]
    assert not equal(weights(together), weights(alone)), "the other process's batch counted"
    assert all(torch.isfinite(tensor).all() for tensor in weights(together).values())


KILLED = """
import os, pickle, signal, sys
from indexer.training.run import checkpoint
real = checkpoint.torch.save

def half(state, file):
    real(state, file)
    if state["progress"]["step"] > 0:
        file.flush()
        os.truncate(file.name, 1000)
        os.kill(os.getpid(), signal.SIGKILL)

checkpoint.torch.save = half
from indexer.training.train import train
train(*pickle.load(open(sys.argv[1], "rb")))
"""


def test_a_run_killed_while_it_writes_a_checkpoint_resumes_from_the_previous_one(
    options: Options, sides: Sides, tmp_path: Path
) -> None:
    import pickle

    job, script = tmp_path / "job.pickle", tmp_path / "killed.py"
    job.write_bytes(pickle.dumps((options, *sides)))
    script.write_text(KILLED)
    killed = subprocess.run(
        [sys.executable, str(script), str(job)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        timeout=300,
    )
    assert killed.returncode == -signal.SIGKILL
    outcome = train(options, *sides, resume=True)
    whole = replace(options, out=tmp_path / "whole")
    whole.out.mkdir()
    train(whole, *sides)
    assert [entry.step for entry in outcome.entries] == [0, 2, 4], "no validation twice"
    assert equal(weights(options), weights(whole))


@pytest.mark.parametrize(
    "changes",
    [
        {"backbone": "vgg"},
        {"negatives": "semi-hard"},
        {"distance": "l2"},
        {"precision": "bf16"},
        {"name": "My Model"},
        {"augment": "most"},
        {"margin": 0.0},
        {"steps": 0},
        {"distillation": 1.0},
        {"centre": True},
        {"validation": 1.0},
        {"dimension": 1},
        {"blend": 0.0, "backbone": "sface"},
        {"blend": 0.5},
        {"distillation": float("nan"), "backbone": "sface"},
        {"weight_decay": -1.0},
        {"learning_rate": float("inf")},
        {"seed": 2**32},
        {"validation_faces": 0},
    ],
)
def test_invalid_options_are_rejected(options: Options, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match=next(iter(changes))):
        replace(options, **changes).check()
    options.check()
