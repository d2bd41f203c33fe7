"""Requests that come at the same moment, to two processes."""

import threading
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from benchmarks.attacks.client import Answer
from benchmarks.attacks.table import Attack
from benchmarks.attacks.target import Target
from indexer.access.roles import Role

KIND = "race"
CLIENTS = 8
ROUNDS = 5
RATE = 20.0
SECONDS = 3.0


def attacks(target: Target, _: Namespace) -> list[Attack]:
    return [_duplicates(target), _merges(target), _rotations(target), _rotated_in_use(target), _rate(target)]


def _at_once(act: Sequence[Callable[[int], Answer]]) -> list[Answer]:
    start = threading.Barrier(len(act))

    def run(number: int) -> Answer:
        start.wait()
        return act[number](number)

    with ThreadPoolExecutor(len(act)) as pool:
        return list(pool.map(run, range(len(act))))


def _duplicates(target: Target) -> Attack:
    row = Attack(KIND, f"{CLIENTS} clients enrol one person at once, in a gallery that rejects duplicates")
    statuses: Counter[int] = Counter()
    for number in range(ROUNDS):
        name = f"team-race-{number}"
        target.admin.request("POST", "/v1/galleries", body={"name": name, "duplicate_check": "reject"})

        def enrol(place: int, name: str = name) -> Answer:
            with target.client(target.keys[Role.ENROL, True], process=place % 2) as client:
                return client.request(
                    "POST", f"/v1/galleries/{name}/identities", body={"images": [target.picture]}
                )

        answers = _at_once([enrol] * CLIENTS)
        statuses.update(answer.status for answer in answers)
        people = target.admin.get(f"/v1/galleries/{name}/identities").json["identities"]
        row.attempts += CLIENTS
        if len(people) != 1:
            row.through.append(f"{len(people)} people")
    row.remark = ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items()))
    return row


def _merges(target: Target) -> Attack:
    """Each of two people into the other one at once: one remains, with all faces."""
    row = Attack(KIND, "two people are merged into each other at once")
    name, statuses = "team-merge", Counter[int]()
    at = f"/v1/galleries/{name}/identities"
    target.admin.request("POST", "/v1/galleries", body={"name": name, "duplicate_check": "off"})
    for _ in range(ROUNDS):
        pair = [
            target.admin.request("POST", at, body={"images": [picture]}).json["id"]
            for picture in (target.picture, target.other_picture)
        ]

        def merge(place: int, pair: list[str] = pair) -> Answer:
            keep, other = pair[place % 2], pair[1 - place % 2]
            with target.client(target.keys[Role.ENROL, True], process=place % 2) as client:
                return client.request("POST", f"{at}/{keep}/merge", body={"other": other})

        answers = _at_once([merge] * 4)
        statuses.update(answer.status for answer in answers)
        left = [person for person in pair if target.admin.get(f"{at}/{person}").status == 200]
        faces = sum(len(target.admin.get(f"{at}/{person}/faces").json["faces"]) for person in left)
        row.attempts += 4
        if {answer.status for answer in answers} == {404} and len(left) == 2:
            row.remark = "no such route"
            return row
        if len(left) != 1 or faces != 2:
            row.through.append(f"{len(left)} people with {faces} faces are left")
    row.remark = ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items()))
    return row


def _rotations(target: Target) -> Attack:
    """Several rotations without an overlap at once: one text counts afterwards."""
    row = Attack(KIND, "a key is rotated four times at once: several texts stay valid")
    for _ in range(ROUNDS):
        issued = target.new_key([Role.READ])

        def rotate(place: int, key_id: str = issued["id"]) -> Answer:
            with target.client(target.keys[Role.ADMIN, False], process=place % 2) as client:
                return client.request("POST", f"/v1/keys/{key_id}/rotate", body={"overlap_seconds": 0})

        answers = _at_once([rotate] * 4)
        texts = [answer.json["key"] for answer in answers if answer.status == 200] + [issued["key"]]
        time.sleep(1.0)
        for process in range(2):
            with target.client(process=process) as client:
                valid = sum(client.get("/v1/galleries", key=text).status == 200 for text in texts)
            row.attempts += len(texts)
            if valid != 1:
                row.through.append(f"{valid} of {len(texts)} texts are valid")
    return row


def _rotated_in_use(target: Target) -> Attack:
    """With an overlap nobody is turned away, neither with the old nor with the new text."""
    row = Attack(KIND, "a key is rotated with an overlap while it is used: a valid text is rejected")
    issued = target.new_key([Role.READ])
    texts, stop = [issued["key"]], threading.Event()

    def use(place: int) -> list[int]:
        statuses = []
        with target.client(process=place % 2) as client:
            while not stop.is_set():
                statuses.append(client.get("/v1/galleries", key=texts[-1 - place // 2 % len(texts)]).status)
        return statuses

    with ThreadPoolExecutor(4) as pool:
        used = [pool.submit(use, place) for place in range(4)]
        for _ in range(3):
            texts[:] = texts[-1:]  # the one before it ends at once
            time.sleep(0.2)
            path = f"/v1/keys/{issued['id']}/rotate"
            new = target.admin.request("POST", path, body={"overlap_seconds": 600}).json["key"]
            texts[:] = [texts[-1], new]
            time.sleep(0.5)
        stop.set()
        for result in used:
            for status in result.result():
                row.tried(status != 200, str(status))
    return row


def _rate(target: Target) -> Attack:
    """More requests than the key's limit allows, by eight clients at two processes."""
    row = Attack(KIND, f"{CLIENTS} clients at two processes exceed {RATE:g} requests a second")
    key = target.new_key([Role.READ], requests_per_second=RATE)["key"]
    end = time.monotonic() + SECONDS

    def use(place: int) -> Counter[int]:
        statuses: Counter[int] = Counter()
        with target.client(key, process=place % 2) as client:
            while time.monotonic() < end:
                statuses[client.get("/v1/galleries").status] += 1
                time.sleep(0.01)
        return statuses

    with ThreadPoolExecutor(CLIENTS) as pool:
        statuses = sum(pool.map(use, range(CLIENTS)), Counter[int]())
    row.attempts = statuses.total()
    most = RATE + RATE * (SECONDS + 0.5)
    """The bucket's capacity, what flows in, and what a process may hold for a moment."""
    if statuses[200] > most:
        row.through.append(f"{statuses[200]} accepted, at most {most:g} are right")
    row.remark = f"{statuses[200]} accepted in {SECONDS:g} s, {statuses[429]} x 429"
    return row
