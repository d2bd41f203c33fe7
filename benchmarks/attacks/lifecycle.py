"""Keys after their end: revoked, rotated and expired ones, in each of two processes."""

import threading
import time
from argparse import Namespace
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from benchmarks.attacks.client import Client
from benchmarks.attacks.table import Attack
from benchmarks.attacks.target import Target
from indexer.access.roles import Role

KIND = "replay"
PATH = "/v1/galleries"
EFFECT_SECONDS = 1.0
"""Within which a change of a key takes effect everywhere."""
ROUNDS = 10


def attacks(target: Target, _: Namespace) -> list[Attack]:
    return [
        _ended(target, "a revoked key, used without a pause while it is revoked", _revoke),
        _ended(target, "the old text of a key rotated without an overlap", _rotate),
        _ended(target, "the first text of a key that is rotated a second time", _rotate_again),
        _timed(target, "a key after it has expired", _expiring),
        _timed(target, "the old text of a key after the overlap", _overlapping),
    ]


def _revoke(target: Target, key_id: str) -> None:
    _done(target.admin.request("DELETE", f"/v1/keys/{key_id}").status, 204)


def _rotate(target: Target, key_id: str, overlap: float = 0.0) -> None:
    body = {"overlap_seconds": overlap}
    _done(target.admin.request("POST", f"/v1/keys/{key_id}/rotate", body=body).status, 200)


def _rotate_again(target: Target, key_id: str) -> None:
    """The second rotation ends the first text at once, although its overlap has not passed."""
    _rotate(target, key_id, 3600.0)
    _rotate(target, key_id, 3600.0)


def _done(status: int, expected: int) -> None:
    if status != expected:
        raise SystemExit(f"the change of a key is answered {status}")


def _ended(target: Target, name: str, end: Callable[[Target, str], None]) -> Attack:
    """Two clients, one at each process, use the key before, during and after its end."""
    row, latest = Attack(KIND, name), 0.0
    for _ in range(ROUNDS):
        issued = target.new_key([Role.READ])
        uses: list[tuple[float, int]] = []
        """When each request began, and its status."""
        stop = threading.Event()
        threads = [
            threading.Thread(target=_use, args=(target.client(issued["key"], process=number), stop, uses))
            for number in range(len(target.ports))
        ]
        for thread in threads:
            thread.start()
        time.sleep(0.1)
        end(target, issued["id"])
        ended = time.monotonic()
        time.sleep(EFFECT_SECONDS + 0.5)
        stop.set()
        for thread in threads:
            thread.join()
        for began, status in uses:
            if began > ended and status == 200:
                latest = max(latest, began - ended)
            if began > ended:
                late = began > ended + EFFECT_SECONDS
                row.tried(late and status != 401, f"{status} after {began - ended:.2f} s")
    row.remark = f"accepted for {1000 * latest:.0f} ms at most"
    return row


def _use(client: Client, stop: threading.Event, uses: list[tuple[float, int]]) -> None:
    """Stops when 60 were rejected: from the hundredth on, wrong keys of an address are slowed down."""
    rejected = 0
    with client:
        while not stop.is_set():
            began = time.monotonic()
            status = client.get(PATH).status
            uses.append((began, status))
            rejected += status == 401
            time.sleep(0.003 if rejected < 60 else 0.3)


def _expiring(target: Target) -> str:
    return str(
        target.new_key([Role.READ], expires_at=(datetime.now(UTC) + timedelta(seconds=2)).isoformat())["key"]
    )


def _overlapping(target: Target) -> str:
    issued = target.new_key([Role.READ])
    _rotate(target, issued["id"], 2.0)
    return str(issued["key"])


def _timed(target: Target, name: str, key: Callable[[Target], str]) -> Attack:
    """Valid for two seconds, then for nobody."""
    row = Attack(KIND, name)
    keys = [key(target) for _ in range(5)]
    for number in range(len(target.ports)):
        with target.client(process=number) as client:
            if not all(client.get(PATH, key=each).status == 200 for each in keys):
                raise SystemExit("a key does not count before its end")
    time.sleep(2.0 + EFFECT_SECONDS)
    for _ in range(3):
        for number in range(len(target.ports)):
            with target.client(process=number) as client:
                for each in keys:
                    status = client.get(PATH, key=each).status
                    row.tried(status != 401, str(status))
        time.sleep(0.5)
    return row
