"""Guessed keys: random ones, and real ones with a small change."""

import secrets
import threading
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import text

from benchmarks.attacks.table import Attack
from benchmarks.attacks.target import BOOTSTRAP, Target
from indexer.access.roles import Role
from indexer.records.database.session import Database

KIND = "guess"
PATH = "/v1/galleries"
CLIENTS = 8
OF_ONE_ADDRESS = 90
"""Guesses, after which a client takes another address: from the hundredth on they are slowed down."""
MOST_EVENTS = 120
"""Of failed authentications a minute, of one process: 100 different ones, and what is counted together."""


def attacks(target: Target, arguments: Namespace) -> list[Attack]:
    real = target.new_key([Role.ADMIN])["key"]
    events, lines = _events(target), target.log_text().count("\n")
    rows = [
        _guess(target, "random keys of the right form", arguments.guesses // 2, lambda: _text()),
        _guess(
            target,
            "a real public prefix with a random secret",
            arguments.guesses // 2,
            lambda: _text(real[6:18]),
        ),
        _changed(target, real),
        _slowed(target),
    ]
    new = _events(target) - events
    row = Attack(KIND, "flooding the audit record with all of this", 1, remark=f"{new} events")
    if new > 2 * MOST_EVENTS * 4:  # two processes, at most four windows of a minute
        row.through.append(f"{new} events")
    log = target.log_text()
    leak = Attack(
        KIND, "secrets in the log after all of this", 1, remark=f"{log.count(chr(10)) - lines:,} lines"
    )
    leak.through += [what for what in (real[19:], BOOTSTRAP) if what in log]
    return [*rows, row, leak]


def _text(prefix: str | None = None) -> str:
    return f"gemel_{prefix or secrets.token_hex(6)}_{secrets.token_hex(32)}"


def _guess(target: Target, name: str, count: int, key: Callable[[], str]) -> Attack:
    row, lock = Attack(KIND, name), threading.Lock()

    def work(number: int) -> None:
        with target.client(process=number % 2) as client:
            answers = [client.get(PATH, key=key()).status for _ in range(min(OF_ONE_ADDRESS, count))]
        with lock:
            for status in answers:
                row.tried(status != 401, f"{status}")

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(work, range(-(-count // OF_ONE_ADDRESS))))
    return row


def _changed(target: Target, real: str) -> Attack:
    row = Attack(KIND, "a real key, cut, extended or changed; empty, Unicode, zero bytes")
    changed = list(dict.fromkeys(_changes(real)))
    for start in range(0, len(changed), OF_ONE_ADDRESS // 2):
        with target.client() as client:
            for key in changed[start : start + OF_ONE_ADDRESS // 2]:
                for headers in ({"X-API-Key": key}, {"Authorization": b"Bearer " + key}):
                    status = client.get(PATH, headers=headers).status
                    row.tried(200 <= status < 400, f"{headers}: {status}")
    return row


def _changes(real: str) -> Iterator[bytes]:
    """None is the key itself: the space around a value belongs to the header field, not to the value."""
    yield from (real[:end].encode() for end in range(len(real)))
    yield from (real[start:].encode() for start in range(1, 20))
    for place in range(0, len(real), 3):
        other = "0" if real[place] != "0" else "1"
        yield (real[:place] + other + real[place + 1 :]).encode()
    for odd in (real.upper(), real.title(), real + real, real + "0", f"x{real}", real.replace("_", "-")):
        yield odd.encode()
    for byte in (b"\0", b"\x01", b"%00", b"\xc2\xa0", b"\xe2\x80\x8b", b"\xff", b",", b";", b'"', b"'", b"*"):
        yield from (byte, real.encode() + byte, byte + real.encode())
    for odd in ("null", "undefined", "true", "' OR 1=1 --", "admin", "GEMEL_API_KEY", "%", "_", "gemel_"):
        yield odd.encode()
    yield real.replace("gemel", "gemeｌ").encode()
    yield "".join(chr(ord(letter) + 0xFEE0) for letter in real).encode()
    yield real[:19].encode() + b"%" * 64
    yield b"A" * 10_000
    yield BOOTSTRAP.upper().encode()
    yield BOOTSTRAP[:-1].encode()
    yield BOOTSTRAP.encode() + b"x"


def _slowed(target: Target) -> Attack:
    """From one address: after a hundred, each guess takes a second; a right key does not."""
    row = Attack(KIND, "130 guesses in a row from one address: not slowed down")
    with target.client() as client:
        for number in range(130):
            began = time.monotonic()
            client.get(PATH, key=_text())
            seconds = time.monotonic() - began
            row.tried(number >= 115 and seconds < 0.9, f"guess {number} took {seconds:.3f} s")
        began = time.monotonic()
        right = client.get(PATH, key=target.keys[Role.READ, False])
        row.tried(right.status != 200, "a right key was rejected")
        row.remark = f"a right key from there: {1000 * (time.monotonic() - began):.0f} ms"
    return row


def _events(target: Target) -> int:
    database = Database(target.url)
    try:
        with database.reading() as session:
            query = "SELECT count(*) FROM audit_event WHERE action = 'authentication.failed'"
            return int(session.scalar(text(query)) or 0)
    finally:
        database.close()
