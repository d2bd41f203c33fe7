"""Pictures from outside are decoded in processes that can be killed, with limits of time and memory."""

import os
import signal
import struct
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import PIL.Image
import pytest

from indexer.concurrency import abandoned_when
from indexer.errors import Abandoned, Busy, ImageTooExpensive, UnreadableImage
from indexer.vision.decoding.decoder import Decoder
from tests.support.decoder_processes import (
    GENEROUS_SECONDS,
    at_work,
    decoder_processes,
    eventually,
    resident_bytes,
    slow_picture,
    state,
)
from tests.support.pictures import encoded

LIMIT = 50_000_000
Y, X = np.mgrid[0:120, 0:160]
SMOOTH = np.dstack([X + 20, Y + 60, 200 - X // 2]).astype(np.uint8)


def ordinary() -> bytes:
    """In a format that is decoded in another process."""
    return encoded(PIL.Image.fromarray(SMOOTH), "WEBP", lossless=True)


def test_another_process_returns_the_exact_picture() -> None:
    with Decoder(max_pixels=LIMIT) as decoder:
        for _ in range(3):
            picture = decoder.decode(ordinary())

            np.testing.assert_array_equal(picture.pixels, SMOOTH)
            assert (picture.width_px, picture.height_px) == (160, 120)
        assert len(decoder_processes()) == 1


def test_pixels_outlive_the_process_that_decoded_them() -> None:
    with Decoder(max_pixels=LIMIT) as decoder:
        picture = decoder.decode(ordinary())
    assert decoder_processes() == []

    np.testing.assert_array_equal(picture.pixels, SMOOTH)


def test_a_baseline_jpeg_needs_no_other_process(hopper: bytes) -> None:
    with Decoder(max_pixels=LIMIT) as decoder:
        assert decoder.decode(hopper).pixels.shape == (600, 512, 3)

        assert decoder_processes() == []


def test_a_picture_that_takes_too_long_is_rejected_and_the_next_one_is_decoded() -> None:
    with Decoder(max_pixels=LIMIT, max_seconds=0.3) as decoder:
        with pytest.raises(ImageTooExpensive, match="GEMEL_MAX_DECODING_S"):
            decoder.decode(slow_picture())

        np.testing.assert_array_equal(decoder.decode(ordinary()).pixels, SMOOTH)


def test_while_one_picture_takes_long_others_are_decoded(hopper: bytes) -> None:
    with Decoder(max_pixels=LIMIT, processes=2) as decoder, ThreadPoolExecutor(1) as pool:
        costly = pool.submit(decoder.decode, slow_picture())
        assert eventually(lambda: len(decoder_processes()) == 1)
        os.kill(decoder_processes()[0], signal.SIGSTOP)

        np.testing.assert_array_equal(decoder.decode(ordinary()).pixels, SMOOTH)
        assert decoder.decode(hopper).pixels.shape == (600, 512, 3)
        assert not costly.done()
        decoder.close()
        with pytest.raises(Busy):
            costly.result()


def test_a_caller_that_gets_no_process_in_time_gets_busy(hopper: bytes) -> None:
    with (
        Decoder(max_pixels=LIMIT, processes=1, patience_seconds=0.1) as decoder,
        ThreadPoolExecutor(1) as pool,
    ):
        costly = pool.submit(decoder.decode, slow_picture())
        assert eventually(lambda: len(decoder_processes()) == 1)
        os.kill(decoder_processes()[0], signal.SIGSTOP)

        with pytest.raises(Busy):
            decoder.decode(ordinary())
        assert decoder.decode(hopper).pixels.shape == (600, 512, 3)  # which needs none
        decoder.close()
        with pytest.raises(Busy):
            costly.result()


def test_nothing_is_decoded_for_a_client_that_has_disconnected() -> None:
    with Decoder(max_pixels=LIMIT) as decoder, abandoned_when(lambda: True):
        with pytest.raises(Abandoned):
            decoder.decode(ordinary())
        assert decoder_processes() == []


def test_a_picture_is_abandoned_when_its_client_disconnects() -> None:
    gone = threading.Event()

    def decode() -> None:
        with abandoned_when(gone.is_set):
            decoder.decode(slow_picture())

    with Decoder(max_pixels=LIMIT) as decoder, ThreadPoolExecutor(1) as pool:
        costly = pool.submit(decode)
        assert eventually(lambda: len(decoder_processes()) == 1)
        os.kill(decoder_processes()[0], signal.SIGSTOP)
        gone.set()

        with pytest.raises(Abandoned):
            costly.result()
        assert decoder_processes() == []


def test_a_process_that_was_killed_while_idle_is_replaced() -> None:
    with Decoder(max_pixels=LIMIT) as decoder:
        decoder.decode(ordinary())
        [process] = decoder_processes()
        os.kill(process, signal.SIGKILL)
        assert eventually(lambda: decoder_processes() == [])

        np.testing.assert_array_equal(decoder.decode(ordinary()).pixels, SMOOTH)
        assert len(decoder_processes()) == 1


def test_a_picture_whose_process_is_killed_is_retried_once() -> None:
    with Decoder(max_pixels=LIMIT) as decoder, ThreadPoolExecutor(1) as pool:
        costly = pool.submit(decoder.decode, slow_picture())
        killed: set[int] = set()
        for _ in range(2):
            assert eventually(lambda: bool(set(decoder_processes()) - killed))
            [victim] = set(decoder_processes()) - killed
            os.kill(victim, signal.SIGSTOP)
            os.kill(victim, signal.SIGKILL)
            killed.add(victim)

        with pytest.raises(Busy, match="two decoder processes ended"):
            costly.result()
        assert len(killed) == 2


@pytest.mark.parametrize("crash", [signal.SIGSEGV, signal.SIGABRT])
def test_a_picture_that_crashes_its_process_is_unreadable(crash: int) -> None:
    """A real crash needs an unknown bug of a library; the test sends the signal."""
    with Decoder(max_pixels=LIMIT) as decoder, ThreadPoolExecutor(1) as pool:
        costly = pool.submit(decoder.decode, slow_picture())
        assert eventually(lambda: any(map(at_work, decoder_processes())))
        os.kill(decoder_processes()[0], crash)

        with pytest.raises(UnreadableImage, match="crashed"):
            costly.result()


def test_a_decoder_cannot_allocate_more_than_the_memory_limit() -> None:
    """With a limit of one megapixel a process has some 300 MB; a tile of this picture needs 900."""
    tags = [
        *((256, 1_000), (257, 1_000), (258, 8), (259, 8), (262, 1), (277, 1)),
        *((322, 30_000), (323, 30_000), (324, 256), (325, 4_000)),
    ]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    tiff = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4 + 8_000)

    with Decoder(max_pixels=1_000_000) as decoder:
        decoder.decode(ordinary())
        [process] = decoder_processes()
        before = resident_bytes(process)
        with pytest.raises((ImageTooExpensive, UnreadableImage)):
            decoder.decode(tiff)

        assert resident_bytes(process) - before < 50_000_000
        np.testing.assert_array_equal(decoder.decode(ordinary()).pixels, SMOOTH)


def test_a_file_that_is_too_large_for_a_process_is_rejected_before_it_is_sent() -> None:
    with Decoder(max_pixels=1_000_000) as decoder:
        with pytest.raises(ImageTooExpensive, match="bytes"):
            decoder.decode(encoded(PIL.Image.fromarray(SMOOTH), "TIFF") + bytes(75_000_000))

        assert decoder_processes() == []


PROGRAM = """
import os, sys, threading
from indexer.vision.decoding.decoder import Decoder
from tests.unit.vision.decoding import test_decoder as here

decoder = Decoder(max_pixels=here.LIMIT)
if sys.argv[1] == "idle":
    decoder.decode(here.ordinary())
else:
    threading.Thread(target=decoder.decode, args=(here.slow_picture(),), daemon=True).start()
    assert here.eventually(lambda: any(map(here.at_work, here.decoder_processes())))
print(here.decoder_processes()[0], flush=True)
os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("doing", ["idle", "busy"])
def test_a_process_ends_with_its_parent_however_the_parent_ends(doing: str) -> None:
    program = subprocess.run(
        [sys.executable, "-c", PROGRAM, doing], capture_output=True, text=True, timeout=GENEROUS_SECONDS
    )
    assert program.returncode == -signal.SIGKILL, program.stderr

    assert eventually(lambda: state(int(program.stdout))[:1] in ([], ["Z"]))


def test_no_open_file_and_no_process_is_left() -> None:
    with Decoder(max_pixels=LIMIT) as decoder:
        decoder.decode(ordinary())
    open_files = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        with Decoder(max_pixels=LIMIT) as decoder:
            for _ in range(3):
                decoder.decode(ordinary())
            with pytest.raises(UnreadableImage):
                decoder.decode(ordinary()[:-20])

    assert decoder_processes() == []
    assert len(os.listdir("/proc/self/fd")) == open_files
