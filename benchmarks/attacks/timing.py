"""Whether the time of an answer reveals what the answer itself does not."""

import secrets
import time
from argparse import Namespace
from collections.abc import Callable

import numpy as np

from benchmarks.attacks.client import Client
from benchmarks.attacks.table import Attack
from benchmarks.attacks.target import BOOTSTRAP, NOWHERE, OUTSIDE, Target
from indexer.access.roles import Role

KIND = "timing"
OF_ONE_ADDRESS = 80
RESAMPLES = 400
USABLE_US = 100.0
"""A smaller difference of medians is lost in the noise of any network."""
USABLE_AUC = 0.05
"""How far the probability that one request takes longer than the other may be from a half."""


def attacks(target: Target, arguments: Namespace) -> list[Attack]:
    count = arguments.timings
    real = target.new_key([Role.READ])["key"]
    limited, path = target.keys[Role.ADMIN, True], "/v1/galleries/"

    def request(what: str) -> Callable[[Client], float]:
        return lambda client: _seconds(client, what if what.startswith("/") else path + what, limited)

    def guess(key: Callable[[], str]) -> Callable[[Client], float]:
        return lambda client: _seconds(client, path + OUTSIDE, key())

    other = secrets.token_hex(6)
    people = target.ids[OUTSIDE]["identity_id"]
    return [
        _compared(
            target,
            "wrong secret: an unknown prefix, or that of a key",
            guess(lambda: f"gemel_{other}_{secrets.token_hex(32)}"),
            guess(lambda: f"gemel_{real[6:18]}_{secrets.token_hex(32)}"),
            count // 4,
        ),
        _compared(
            target,
            "wrong secret: nothing right, or all but the last digit",
            guess(lambda: f"{real[:19]}{secrets.token_hex(32)}"),
            guess(lambda: real[:-1] + ("0" if real[-1] != "0" else "1")),
            count // 4,
        ),
        _compared(
            target,
            "bootstrap key: nothing right, or all but the last character",
            guess(lambda: "x" * len(BOOTSTRAP)),
            guess(lambda: BOOTSTRAP[:-1] + "x"),
            count // 4,
        ),
        _compared(
            target,
            "gallery outside the patterns: absent, or there",
            request(NOWHERE),
            request(OUTSIDE),
            count,
        ),
        _compared(
            target,
            "gallery outside the patterns: malformed name, or there",
            request("-ecret"),
            request(OUTSIDE),
            count,
        ),
        _compared(
            target,
            "person of a gallery outside: absent, or there",
            request(f"{OUTSIDE}/identities/019ab3c0-6f6e-7c4e-9d0e-0b6f6f3d2a11"),
            request(f"{OUTSIDE}/identities/{people}"),
            count,
        ),
        _compared(
            target,
            "search of a gallery outside, by its id: absent, or there",
            request("/v1/audit/019ab3c0-6f6e-7c4e-9d0e-0b6f6f3d2a11/explain"),
            request(f"/v1/audit/{target.ids[OUTSIDE]['audit_id']}/explain"),
            count,
            guessable=False,
        ),
    ]


def _compared(
    target: Target,
    name: str,
    first: Callable[[Client], float],
    second: Callable[[Client], float],
    count: int,
    *,
    guessable: bool = True,
) -> Attack:
    """Measures both `count` times in random order. A difference gets through if it is certain and usable.
    `guessable`: whether an attacker can name what he asks for; an id has 74 random bits."""
    rng = np.random.default_rng(0)
    seconds = np.empty((2, count))
    for start in range(0, count, OF_ONE_ADDRESS // 2):
        with target.client() as client:
            client.get("/healthz")
            for number in range(start, min(count, start + OF_ONE_ADDRESS // 2)):
                for place in rng.permutation(2):
                    seconds[place, number] = (first, second)[place](client)
    micros = seconds * 1e6
    difference = float(np.median(micros[1]) - np.median(micros[0]))
    low, high = _interval(micros, rng)
    auc = _auc(micros[0], micros[1])
    row = Attack(KIND, name, 2 * count)
    row.remark = (
        f"medians {np.median(micros[0]):.0f} and {np.median(micros[1]):.0f} µs, difference {difference:+.0f}"
        f" (99 %: {low:+.0f} to {high:+.0f}), AUC {auc:.3f}"
    )
    if not guessable:
        row.remark += "; such an id cannot be guessed"
    if guessable and low * high > 0 and (abs(difference) > USABLE_US or abs(auc - 0.5) > USABLE_AUC):
        row.through.append(row.remark)
    return row


def _seconds(client: Client, path: str, key: str) -> float:
    began = time.perf_counter()
    client.get(path, key=key)
    return time.perf_counter() - began


def _interval(micros: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
    """Bootstrap, 99 %, of the difference of medians."""
    count = micros.shape[1]
    drawn = [
        float(np.subtract(*(np.median(row[rng.integers(0, count, count)]) for row in micros[::-1])))
        for _ in range(RESAMPLES)
    ]
    low, high = np.percentile(drawn, [0.5, 99.5])
    return float(low), float(high)


def _auc(first: np.ndarray, second: np.ndarray) -> float:
    """The probability that one of the second takes longer: Mann-Whitney's U, divided by the pairs."""
    ranks = np.argsort(np.argsort(np.concatenate([first, second]))) + 1
    count = len(second)
    return float((ranks[len(first) :].sum() - count * (count + 1) / 2) / (len(first) * count))
