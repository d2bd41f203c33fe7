"""Measures one contender in this process: `python -m benchmarks.peers.process NAME TASK WEIGHTS RESULT`."""

import importlib
import json
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from benchmarks.peers.contender import CLIENTS, Answers, Contender
from benchmarks.peers.task import Task, read


def main() -> None:
    name, task_path, weights, result = sys.argv[1:]
    module = importlib.import_module(f"benchmarks.peers.contenders.{name}")
    task = read(Path(task_path))
    made = module.contender(task, Path(weights))
    entered = made if isinstance(made, AbstractContextManager) else nullcontext(made)
    with entered as contender:
        row = {"name": name} | measure(contender, task)
    Path(result).write_text(json.dumps(row), "utf-8")


def measure(contender: Contender, task: Task) -> dict[str, Any]:
    enrol_s = contender.enrol(task.enrolled)
    paths = [portrait.path for portrait in task.probes]
    one, several = (contender.identify(paths, clients) for clients in (1, CLIENTS))
    return {
        "people": len(task.enrolled),
        "probes": len(task.probes),
        "enrol_s": round(enrol_s, 2),
        "not_enrolled": len(task.enrolled) - contender.enrolled,
        "one": _figures(one, task),
        "several": _figures(several, task),
    } | contender.facts


def _figures(answers: Answers, task: Task) -> dict[str, Any]:
    truth = [portrait.name for portrait in task.probes]
    right = sum(name == true for name, true in zip(answers.names, truth, strict=True))
    return {
        "identifications_per_s": round(len(truth) / answers.seconds, 2),
        "cpu_ms": round(1e3 * answers.cpu_seconds / len(truth), 2),
        "resident_mb": round(answers.resident_bytes / 1e6, 1),
        "rank1": round(right / len(truth), 4),
        "not_found": answers.names.count(None),
    }


if __name__ == "__main__":
    main()
