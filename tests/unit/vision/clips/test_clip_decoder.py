"""Clips are decoded evenly, and hostile ones end as an error of the clip."""

import errno
import os
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from indexer.errors import ClipTooExpensive, ClipTooLarge, InvalidInput, UnreadableClip, UnsupportedClipFormat
from indexer.vision.decoding.decode import decode
from indexer.vision.decoding.decoder import Decoder
from tests.support.clips import H264, grey, webm
from tests.support.pictures import jpeg

MAX_PIXELS = 50_000_000


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with Decoder(max_pixels=MAX_PIXELS) as decoder:
        yield decoder


def described(decoder: Decoder, clip: bytes) -> tuple[int, tuple[int, ...]]:
    """How many frames, and their shape."""
    frames = decoder.clips.decode(clip)
    shapes = {decode(frame.data, max_pixels=MAX_PIXELS).shape for frame in frames}
    [shape] = shapes
    return len(frames), shape


@pytest.mark.parametrize(
    "clip", [H264, webm(grey(10)), webm(grey(10), codec="VP90")], ids=["H.264", "VP8", "VP9"]
)
def test_a_clip_gives_its_frames_with_their_times(decoder: Decoder, clip: bytes) -> None:
    frames = decoder.clips.decode(clip)

    assert [frame.at_ms for frame in frames] == list(range(0, 1000, 100))
    first, last = (decode(frames[place].data, max_pixels=MAX_PIXELS) for place in (0, -1))
    assert first.shape == (48, 64, 3)
    assert np.abs(first.astype(int) - last).max() > 50


def test_a_long_clip_of_large_frames_gives_fifteen_to_thirty_reduced_ones(decoder: Decoder) -> None:
    count, shape = described(decoder, webm(grey(70, width=1600, height=80), per_second=20))

    assert 15 <= count <= 30
    assert shape == (64, 1280, 3)


def test_a_clip_that_is_too_long_or_has_too_many_frames_is_rejected(decoder: Decoder) -> None:
    with pytest.raises(ClipTooLarge, match="30 seconds") as caught:
        decoder.clips.decode(webm(grey(40), per_second=1))
    assert caught.value.details["limit"] == 30
    with pytest.raises(ClipTooLarge, match="1800 frames"):
        decoder.clips.decode(webm(grey(1900, width=16, height=16), per_second=120))


def test_frames_above_the_limit_of_pixels_are_rejected() -> None:
    with Decoder(max_pixels=64 * 48 - 1) as decoder, pytest.raises(ClipTooLarge, match="3072 pixels"):
        decoder.clips.decode(H264)


def absurd(width: int, height: int) -> bytes:
    """A VP8 clip whose every key frame states this size, of at most 16,383 pixels a side (RFC 6386, 9.1)."""
    head, *frames = webm(grey(10)).split(b"\x9d\x01\x2a")
    size = width.to_bytes(2, "little") + height.to_bytes(2, "little")
    return b"\x9d\x01\x2a".join([head, *(size + frame[4:] for frame in frames)])


@pytest.mark.parametrize("clip", [absurd(16_383, 16_383), absurd(0, 0)])
def test_absurd_dimensions_end_as_an_error_of_the_clip(decoder: Decoder, clip: bytes) -> None:
    with pytest.raises((ClipTooLarge, ClipTooExpensive, UnreadableClip)):
        decoder.clips.decode(clip)
    assert decoder.clips.decode(H264), "the next clip is decoded"


def test_damaged_clips_end_as_an_error_or_with_the_frames_that_are_there(decoder: Decoder) -> None:
    random = np.random.default_rng(1)
    vp8 = webm(random.integers(0, 256, (48, 64, 3)).astype(np.uint8) for _ in range(10))
    damaged = [H264[:100], H264[: len(H264) // 2], vp8[:100], vp8[: len(vp8) // 2]]
    for clip in (H264, vp8):
        altered = np.frombuffer(clip, np.uint8).copy()
        altered[random.integers(40, len(altered), 200)] = random.integers(0, 256, 200)
        damaged.append(altered.tobytes())
    answers: list[int | str] = []
    for clip in damaged:
        try:
            answers.append(len(decoder.clips.decode(clip)))
        except InvalidInput as error:
            answers.append(error.code)
    assert answers[0] == answers[1] == answers[2] == "unreadable_clip", answers
    assert answers[3] in range(1, 10), answers


PLAYLIST = b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
CONCAT = b"ffconcat version 1.0\nfile '/etc/passwd'\n"


@pytest.mark.parametrize(
    "file",
    [
        b"",
        jpeg(grey(1)[0]),
        PLAYLIST,
        CONCAT,
        b"RIFF\x00\x00\x00\x00AVI LIST",
        b"FLV\x01",
        b"\x1aE\xdf\xa3" + 60 * b"\x00",
    ],
    ids=["nothing", "a picture", "a playlist", "a list of files", "AVI", "FLV", "Matroska without a name"],
)
def test_other_files_are_rejected_whatever_their_name(decoder: Decoder, file: bytes) -> None:
    with pytest.raises(UnsupportedClipFormat):
        decoder.clips.decode(file)


@pytest.mark.parametrize("body", [PLAYLIST, CONCAT])
def test_a_list_behind_the_header_of_a_clip_is_no_clip(decoder: Decoder, body: bytes) -> None:
    """The demuxer is chosen by the header, and never by what FFmpeg finds in the file."""
    for head in (b"\x00\x00\x00\x10ftypisom\x00\x00\x00\x00", b"\x1aE\xdf\xa3\x93B\x82\x88webm"):
        with pytest.raises(UnreadableClip):
            decoder.clips.decode(head + body)


def test_a_clip_that_takes_too_long_is_rejected() -> None:
    clip = webm(grey(200, width=640, height=480))
    with Decoder(max_pixels=MAX_PIXELS, max_seconds=0.02) as decoder, pytest.raises(ClipTooExpensive):
        decoder.clips.decode(clip)


CONFINED = """
import errno, os, socket, sys
from indexer.vision.clips.process import confine
confine(200_000_000, 5)
def number(action):
    try:
        action()
    except OSError as error:
        return error.errno
    except MemoryError:
        return "memory"
print([number(action) for action in (
    lambda: open("/etc/passwd"),
    lambda: socket.socket(),
    lambda: os.pipe(),
    lambda: os.write(3, b"x"),
    lambda: bytearray(300_000_000),
)])
"""


def test_a_process_that_decodes_a_clip_can_open_and_write_nothing(tmp_path: object) -> None:
    """Whatever a demuxer is made to try: the kernel holds it."""
    with open(f"{tmp_path}/file", "wb") as file:
        os.set_inheritable(file.fileno(), True)
        program = CONFINED.replace("os.write(3,", f"os.write({file.fileno()},")
        program = "import signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)" + program
        ended = subprocess.run(
            [sys.executable, "-c", program],
            pass_fds=[file.fileno()],
            capture_output=True,
            text=True,
            check=True,
        )
    full = errno.EMFILE
    assert ended.stdout.strip() == str([full, full, full, errno.EFBIG, "memory"])
