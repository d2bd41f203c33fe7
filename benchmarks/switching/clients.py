"""Clients that use a service without a pause: they identify, enrol and delete, and note every answer."""

import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx2

CANDIDATES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """An enrolled photograph, and its identity."""

    file: Path
    identity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One identification. Times are of `time.perf_counter`."""

    probe: int
    sent: float
    answered: float
    model: str
    best: str | None
    """Identity that came first."""
    scores: dict[str, float]
    """By the candidate's face."""


@dataclass(slots=True)
class Notes:
    """What happened so far; shared by the threads, under `lock`."""

    answers: list[Answer] = field(default_factory=list)
    enrolled: dict[str, Path] = field(default_factory=dict)
    """Newcomers that are enrolled now."""
    deleted: dict[str, Path] = field(default_factory=dict)
    requests: int = 0
    rejected: int = 0
    """Photographs without a face that can be enrolled."""
    failed: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Clients:
    """`identifying` threads search for `probes`; one enrols `newcomers` and deletes every third."""

    def __init__(
        self, base: str, probes: Sequence[Probe], newcomers: Sequence[Path], *, identifying: int, pause: float
    ) -> None:
        """`base`: the gallery's address, with a slash; `pause`: seconds after each answer."""
        self.notes = Notes()
        self._base, self._probes, self._newcomers, self._pause = base, probes, newcomers, pause
        self._ending = threading.Event()
        self._threads = [
            threading.Thread(target=self._identify, args=(number,)) for number in range(identifying)
        ] + [threading.Thread(target=self._come_and_go)]

    def __enter__(self) -> "Clients":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _identify(self, number: int) -> None:
        rng = random.Random(number)
        with httpx2.Client(base_url=self._base, timeout=60) as client:
            while not self._ending.wait(self._pause):
                probe = rng.randrange(len(self._probes))
                sent = time.perf_counter()
                body = self._ask(client, "identify", _image(self._probes[probe].file))
                if body is not None:
                    with self.notes.lock:
                        self.notes.answers.append(_answer(probe, sent, body))

    def _come_and_go(self) -> None:
        with httpx2.Client(base_url=self._base, timeout=60) as client:
            for number, file in enumerate(self._newcomers):
                if self._ending.wait(2 * self._pause):
                    return
                body = self._ask(client, "identities", {"files": [("images", file.read_bytes())]})
                if body is None:
                    continue
                identity = str(body["id"])
                if number % 3 == 0:
                    if self._ask(client, f"identities/{identity}", {}, method="DELETE") is not None:
                        with self.notes.lock:
                            self.notes.deleted[identity] = file
                else:
                    with self.notes.lock:
                        self.notes.enrolled[identity] = file
        self._ending.wait()

    def _ask(
        self, client: httpx2.Client, path: str, body: dict[str, Any], method: str = "POST"
    ) -> dict[str, Any] | None:
        try:
            answer = client.request(method, path, **body)
        except httpx2.TransportError as error:
            self._note(failed=f"{method} {path}: {error!r}")
            return None
        if answer.is_success:
            self._note()
            return dict(answer.json()) if answer.content else {}
        if answer.status_code == 422:
            self._note(rejected=1)
        else:
            self._note(failed=f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return None

    def _note(self, *, rejected: int = 0, failed: str | None = None) -> None:
        with self.notes.lock:
            self.notes.requests += 1
            self.notes.rejected += rejected
            if failed is not None:
                self.notes.failed.append(failed)


def identify(client: httpx2.Client, file: Path, candidates: int = CANDIDATES) -> dict[str, Any]:
    """Raises httpx2.HTTPStatusError."""
    answer = client.post("identify", **_image(file, candidates))
    answer.raise_for_status()
    return dict(answer.json())


def answer_of(client: httpx2.Client, probe: int, file: Path) -> Answer:
    sent = time.perf_counter()
    return _answer(probe, sent, identify(client, file))


def best(body: dict[str, Any]) -> str | None:
    candidates = body["faces"][0]["candidates"] if body["faces"] else []
    return str(candidates[0]["identity"]["id"]) if candidates else None


def _image(file: Path, candidates: int = CANDIDATES) -> dict[str, Any]:
    return {"files": {"image": file.read_bytes()}, "data": {"max_candidates": candidates, "max_faces": 1}}


def _answer(probe: int, sent: float, body: dict[str, Any]) -> Answer:
    candidates = body["faces"][0]["candidates"] if body["faces"] else []
    return Answer(
        probe=probe,
        sent=sent,
        answered=time.perf_counter(),
        model=body["model"],
        best=best(body),
        scores={candidate["face_id"]: candidate["score"] for candidate in candidates},
    )
