"""Models are switched while clients use the service: does a request fail, or an answer mix two models?

    python -m benchmarks.switching --data LFW --newcomers CELEBA_SMALL --onnx MODEL.onnx

All of --data is enrolled with dlib-resnet. Then the gallery is switched to sface, back, to sface again, and
to an ONNX model of another dimension, while clients identify, enrol and delete without a pause. In each phase
some people with two or more faces are searched for while one of their faces is deleted, and enrolled again
afterwards (leave-one-out, through the API). The printed rank-1 is theirs.

An answer is mixed if it names a model but its scores are those of another. The scores of each probe are noted
while no switch is near, and every answer is compared with those of the model that it names.
"""

import argparse
import csv
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sqlalchemy import text

from benchmarks.identify import server
from benchmarks.switching.clients import Answer, Probe, Visitors, answer_of, best, identify
from indexer.records import embedded
from indexer.records.database.session import Database

GALLERY = "staff"
FIRST = "dlib-resnet"
PROBES = 150
LEFT_OUT = 200
SETTLING_SECONDS = 15.0
"""Before and after a switch, while the clients go on."""
SAME_SCORE = 1e-3
GIVE_UP_SECONDS = 3600.0
_GEMEL = str(Path(sys.executable).parent / "gemel")
console = Console()


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    name: str
    old: str
    new: str
    requested: float
    """When the operator requested it, and when the service had answered."""
    answered: float


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="a folder a person")
    parser.add_argument("--newcomers", type=Path, required=True, help="photographs and their identities.csv")
    parser.add_argument("--onnx", type=Path, required=True, help="network with a card, for the last swap")
    parser.add_argument("--home", type=Path, help="folder to use, and to leave; default: one that goes")
    parser.add_argument("--workers", type=int, default=2, help="processes that serve")
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        home = arguments.home or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gemel-bench-")))
        stack.callback(embedded.stop, home)
        figures = measure(home, arguments, stack)
    console.print(table(figures))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    if figures["failed"] or figures["mixed"] or any(phase["lost"] for phase in figures["phases"]):
        raise SystemExit(1)


def measure(home: Path, arguments: argparse.Namespace, stack: ExitStack) -> dict[str, Any]:
    _enrolled(home, arguments.data)
    url = embedded.start(home)
    database = Database(url)
    stack.callback(database.close)
    probes, left_out = _people(database, arguments.data)
    os.environ["GEMEL_WORKERS"] = str(arguments.workers)
    base = stack.enter_context(server(url, home))
    stack.enter_context(_worker(home, url))
    visitors = stack.enter_context(
        Visitors(
            f"{base}/v1/galleries/{GALLERY}/",
            probes,
            _newcomers(arguments.newcomers),
            identifying=2,
            pause=0.25,
        )
    )
    service = Service(base, visitors, probes, left_out)
    phases = [service.phase("enrolled")]
    for name, to in (("", "sface"), ("back to ", ""), ("again ", ""), ("", f"onnx:{arguments.onnx}")):
        phases.append(service.swapped(name, to))
    with visitors.notes.lock:
        notes = visitors.notes
        return {
            "faces": _count(database),
            "cores": os.cpu_count(),
            "serving_processes": arguments.workers,
            "requests": notes.requests,
            "identifications": len(notes.answers),
            "enrolled_meanwhile": len(notes.enrolled) + len(notes.deleted),
            "deleted_meanwhile": len(notes.deleted),
            "photographs_rejected": notes.rejected,
            "failed": notes.failed,
            "compared": sum(service.comparable(answer) for answer in notes.answers),
            "mixed": service.mixed(notes.answers),
            "swaps": [_seen(swap, notes.answers) for swap in service.swaps],
            "phases": phases,
        }


class Service:
    """The operator's side: switches models and measures the service."""

    def __init__(self, base: str, visitors: Visitors, probes: list[Probe], left_out: list[Probe]) -> None:
        self._operator = httpx2.Client(base_url=f"{base}/v1/", timeout=120)
        self._user = httpx2.Client(base_url=f"{base}/v1/galleries/{GALLERY}/", timeout=60)
        self._visitors, self._probes, self._left_out = visitors, probes, left_out
        self._job: dict[str, Any] | None = None
        self._last_check = 0
        self._references: dict[str, list[Answer]] = {}
        self.swaps: list[Swap] = []

    def phase(self, name: str, **more: Any) -> dict[str, Any]:
        """Rank-1 of the running service, and whether every newcomer since is found."""
        time.sleep(SETTLING_SECONDS)
        references = [
            answer_of(self._user, number, probe.file)
            for number, probe in enumerate(track(self._probes, "Noting scores", transient=True))
        ]
        [model] = {answer.model for answer in references}
        self._references.setdefault(model, references)
        rank_1 = sum(self._found_without(one) for one in track(self._left_out, "Rank-1", transient=True))
        found = {"phase": name, "model": model, "rank_1": rank_1, "of": len(self._left_out)}
        found |= self._newcomers() | more
        console.print(found)
        return found

    def swapped(self, name: str, to: str) -> dict[str, Any]:
        """`to`: the model of a new job; empty: the other model of the present job."""
        old = self._model()
        taken: dict[str, Any] = {}
        if to:
            taken = self._embedded(to)
            action = "activate"
        else:
            assert self._job is not None
            action = "rollback" if self._state() == "active" else "activate"
        requested = time.perf_counter()
        self._act(action)
        answered = time.perf_counter()
        new = self._model()
        self.swaps.append(
            Swap(name=name + _short(new), old=old, new=new, requested=requested, answered=answered)
        )
        console.print(f"{action}: {old} -> {new} in {answered - requested:.2f} s")
        return self.phase(name + _short(new), **taken)

    def comparable(self, answer: Answer) -> bool:
        return bool(self._shared(answer))

    def mixed(self, answers: list[Answer]) -> list[str]:
        """Descriptions of answers whose scores are not those of the model that they name."""
        return [
            f"{answer.model} gives {ours} and not {theirs}"
            for answer in answers
            for ours, theirs in self._shared(answer)
            if abs(ours - theirs) > SAME_SCORE
        ]

    def _shared(self, answer: Answer) -> list[tuple[float, float]]:
        reference = self._references[answer.model][answer.probe].scores
        return [(score, reference[face]) for face, score in answer.scores.items() if face in reference]

    def _embedded(self, to: str) -> dict[str, Any]:
        if self._job is not None:
            self._act("cleanup")
            self._until("done")
        answer = self._operator.post(
            "reindexes", json={"gallery": GALLERY, "to": to, "gates": ["rank1>=0.5"]}
        )
        if not answer.is_success:
            raise SystemExit(answer.text)
        self._job = answer.json()
        start = time.perf_counter()
        self._until("ready")
        job = self._operator.get(f"reindexes/{self._job_id}").json()
        comparison = self._operator.get(f"reindexes/{self._job_id}/comparison").json()
        return {
            "embedded": job["embedded"],
            "skipped": len(job["skipped"]),
            "seconds": round(time.perf_counter() - start, 1),
            "verified": job["verified"],
            "leave_one_out": {side: _rank_1(comparison, side) for side in ("old", "new")},
        }

    def _until(self, state: str) -> None:
        end = time.perf_counter() + GIVE_UP_SECONDS
        with console.status("") as shown:
            while time.perf_counter() < end:
                job = self._operator.get(f"reindexes/{self._job_id}").json()
                if job["state"] == state:
                    return
                if job["problem"]:
                    raise SystemExit(f"the job has stopped: {job['problem']}")
                shown.update(f"{job['state']}: {job['done']:,} of {job['faces']:,} faces")
                time.sleep(1)
        raise SystemExit(f"the job does not reach the state {state}")

    def _act(self, action: str) -> None:
        answer = self._operator.post(f"reindexes/{self._job_id}/{action}")
        if not answer.is_success:
            raise SystemExit(f"{action}: {answer.text}")

    @property
    def _job_id(self) -> str:
        assert self._job is not None
        return str(self._job["id"])

    def _state(self) -> str:
        return str(self._operator.get(f"reindexes/{self._job_id}").json()["state"])

    def _model(self) -> str:
        return str(identify(self._user, self._probes[0].file)["model"])

    def _found_without(self, probe: Probe) -> bool:
        """Whether the person is still first while the face of this photograph is deleted."""
        faces = f"identities/{probe.identity}/faces"
        face = next(iter(identify(self._user, probe.file)["faces"][0]["candidates"]))["face_id"]
        listed = {one["id"] for one in self._user.get(faces).raise_for_status().json()["faces"]}
        if face not in listed:
            return False  # not even with it: somebody else's face is nearer
        self._user.delete(f"{faces}/{face}").raise_for_status()
        first = best(identify(self._user, probe.file, candidates=1))
        answer = self._user.post(
            faces, files=[("images", probe.file.read_bytes())], data={"several_faces": "largest"}
        )
        answer.raise_for_status()
        return first == probe.identity

    def _newcomers(self) -> dict[str, Any]:
        notes = self._visitors.notes
        with notes.lock:
            enrolled, deleted = dict(notes.enrolled), dict(notes.deleted)
        lost = [
            str(file)
            for identity, file in track(enrolled.items(), "Looking for newcomers", transient=True)
            if best(identify(self._user, file, candidates=1)) != identity
        ]
        there = [
            str(file)
            for identity, file in track(deleted.items(), "Looking for the deleted", transient=True)
            if best(identify(self._user, file, candidates=1)) == identity
        ]
        return {"newcomers": len(enrolled), "deleted": len(deleted), "lost": lost + there}


def table(figures: dict[str, Any]) -> Table:
    made = Table(
        "Phase", "Rank-1", "Newcomers found", "Embedding, s", "Swap, s", "Last answer of the old",
        title=f"{figures['faces']:,} faces, {figures['requests']:,} requests meanwhile:"
        f" {len(figures['failed'])} failed, {len(figures['mixed'])} mixed"
        f" (of {figures['compared']:,} compared)",
        title_justify="left",
        title_style="bold",
    )  # fmt: skip
    swaps = [None, *figures["swaps"]]
    for phase, swap in zip(figures["phases"], swaps, strict=True):
        found = phase["newcomers"] + phase["deleted"] - len(phase["lost"])
        made.add_row(
            phase["phase"],
            f"{phase['rank_1'] / phase['of']:.3f}",
            f"{found} of {phase['newcomers'] + phase['deleted']}",
            str(phase.get("seconds", "")),
            "" if swap is None else f"{swap['seconds']:.2f}",
            "" if swap is None else f"sent {swap['old_after_s']:+.2f} s",
        )
    return made


def _seen(swap: Swap, answers: list[Answer]) -> dict[str, Any]:
    """`old_after_s`: when the last request that the old model answered was sent, seconds after the switch."""
    near = [one for one in answers if abs(one.sent - swap.answered) < 2 * SETTLING_SECONDS]
    old = [one.sent for one in near if one.model == swap.old and one.sent < swap.answered + SETTLING_SECONDS]
    return {
        "to": swap.name,
        "seconds": round(swap.answered - swap.requested, 3),
        "old_after_s": round(max(old) - swap.answered, 3),
        "answers_within_1s": sum(abs(one.answered - swap.answered) < 1 for one in near),
    }


def _rank_1(comparison: dict[str, Any], side: str) -> float:
    return round(float(comparison[side]["rank1"]), 4)


def _short(model: str) -> str:
    return model.split("-")[0].split(":")[0]


def _enrolled(home: Path, data: Path) -> None:
    environment = os.environ | {"GEMEL_HOME": str(home), "GEMEL_MODEL": FIRST}
    subprocess.run([_GEMEL, "migrate"], env=environment, check=True)
    subprocess.run(
        [_GEMEL, "enrol", str(data), "--gallery", GALLERY, "--several-faces", "largest"],
        env=environment,
        check=True,
    )


def _people(database: Database, data: Path) -> tuple[list[Probe], list[Probe]]:
    """Photographs to search for, and of other people those to leave out."""
    identity_of = _identities(database)
    several: dict[str, list[Probe]] = defaultdict(list)
    for file in sorted(data.glob("*/*.jpg")):
        identity = identity_of.get(hashlib.sha256(file.read_bytes()).digest())
        if identity is not None:
            several[identity].append(Probe(file=file, identity=identity))
    people = [probes for probes in several.values() if len(probes) > 1]
    random.Random(0).shuffle(people)
    left_out = [probes[0] for probes in people[:LEFT_OUT]]
    others = people[LEFT_OUT:] + [probes for probes in several.values() if len(probes) == 1]
    random.Random(1).shuffle(others)
    return [probes[0] for probes in others[:PROBES]], left_out


def _identities(database: Database) -> dict[bytes, str]:
    with database.reading() as session:
        rows = session.execute(text("SELECT image_sha256, identity_id FROM face"))
        return {bytes(digest): str(identity) for digest, identity in rows}


def _count(database: Database) -> int:
    with database.reading() as session:
        return int(session.scalar(text("SELECT face_count FROM gallery")) or 0)


def _newcomers(folder: Path) -> list[Path]:
    """One photograph of each person."""
    first: dict[str, Path] = {}
    with (folder / "identities.csv").open(newline="", encoding="utf-8") as rows:
        for name, identity in csv.reader(rows):
            first.setdefault(identity, folder / name)
    return [file for file in first.values() if file.is_file()]


@contextmanager
def _worker(home: Path, url: str) -> Iterator[None]:
    process = subprocess.Popen(
        [_GEMEL, "worker"],
        env=os.environ | {"GEMEL_HOME": str(home), "GEMEL_DATABASE_URL": url},
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


if __name__ == "__main__":
    main()
