"""Damaged pictures of all formats: an image or a rejection, in little time and memory, and nothing else.

Takes 8 seconds, in `make test-long` ten minutes; `GEMEL_FUZZ_SECONDS=3600 pytest tests/fuzz` goes on for an
hour, `GEMEL_FUZZ_SEED` begins elsewhere. What fails is kept in `GEMEL_FUZZ_KEEP`, a folder.
"""

import hashlib
import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from indexer.errors import InvalidInput
from indexer.vision.decoding.decoder import Decoder
from service.errors import STATUS
from tests.fuzz.mutations import Mutator, seeds

SETTINGS = dict(os.environ)  # before the tests remove all `GEMEL_` variables

MAX_PIXELS = 2_000_000
MOST_CPU_SECONDS = 1.0
"""For one file, in this process; the decoder bounds the time of its processes."""
MOST_BYTES = 256_000_000
"""Growth of this process over the whole test."""


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with Decoder(max_pixels=MAX_PIXELS) as decoder:
        yield decoder


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("kind", seeds())
def test_the_undamaged_pictures_are_decoded(decoder: Decoder, kind: str) -> None:
    assert decoder.decode(seeds()[kind]).pixels.size > 0


@pytest.mark.parametrize("seconds", [8.0, pytest.param(600.0, marks=pytest.mark.long)])
def test_a_damaged_picture_soon_gives_an_image_or_a_rejection(
    decoder: Decoder, caplog: pytest.LogCaptureFixture, seconds: float
) -> None:
    seed = int(SETTINGS.get("GEMEL_FUZZ_SEED", "1"))
    mutator = Mutator(seed)
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    before = resident_bytes()
    end = time.monotonic() + float(SETTINGS.get("GEMEL_FUZZ_SECONDS", seconds))
    while time.monotonic() < end:
        data = mutator.next()
        start = time.process_time()
        try:
            outcomes[_outcome(decoder, data)] += 1
        except BaseException:
            _keep(data)
            raise
        spent = time.process_time() - start
        slowest = max(slowest, spent)
        if spent > MOST_CPU_SECONDS:
            _keep(data)
        assert spent < MOST_CPU_SECONDS
    grown = resident_bytes() - before

    print(f"seed {seed}: {dict(outcomes)}, slowest {slowest:.2f} s, {grown / 1e6:.0f} MB grown")  # noqa: T201
    assert not caplog.records
    assert outcomes["image"] > 0
    assert sum(outcomes.values()) > outcomes["image"]
    assert grown < MOST_BYTES


def _outcome(decoder: Decoder, data: bytes) -> str:
    """`image`, or the code of the rejection. Any other exception is a fault."""
    rejection: InvalidInput | None = None
    try:
        pixels = decoder.decode(data).pixels
    except InvalidInput as error:
        rejection = error
    if rejection is not None:
        assert 400 <= STATUS[type(rejection)] < 500
        assert rejection.message
        return rejection.code
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 3
    assert pixels.shape[2] == 3
    assert 0 < pixels.shape[0] * pixels.shape[1] <= MAX_PIXELS
    return "image"


def _keep(data: bytes) -> None:
    if folder := SETTINGS.get("GEMEL_FUZZ_KEEP"):
        path = Path(folder) / hashlib.sha256(data).hexdigest()[:16]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
