"""The operator's side: switches models, and measures the service before and after."""

import time
from dataclasses import dataclass
from typing import Any

import httpx2
from rich.console import Console
from rich.progress import track

from benchmarks.switching.clients import Answer, Clients, Probe, answer_of, best, identify

GALLERY = "staff"
SETTLING_SECONDS = 15.0
"""Before and after a switch, while the clients go on."""
SAME_SCORE = 1e-3
GIVE_UP_SECONDS = 3600.0
console = Console()


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    name: str
    old: str
    new: str
    requested: float
    """Time of the operator's request. `answered`: time of the service's answer."""
    answered: float


class Service:
    """Switches models, and measures the service before and after."""

    def __init__(self, base: str, clients: Clients, probes: list[Probe], left_out: list[Probe]) -> None:
        self._operator = httpx2.Client(base_url=f"{base}/v1/", timeout=120)
        self._user = httpx2.Client(base_url=f"{base}/v1/galleries/{GALLERY}/", timeout=60)
        self._clients, self._probes, self._left_out = clients, probes, left_out
        self._job: dict[str, Any] | None = None
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
        notes = self._clients.notes
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


def _rank_1(comparison: dict[str, Any], side: str) -> float:
    return round(float(comparison[side]["rank1"]), 4)


def _short(model: str) -> str:
    return model.split("-")[0].split(":")[0]
