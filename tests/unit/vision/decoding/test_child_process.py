"""Nothing that a decoder process answers is trusted: it may be in the hands of what it decodes."""

import base64
import json
from typing import Any

import pytest

from indexer.errors import UnreadableClip, UnreadableImage
from indexer.vision.clips.container import Container
from indexer.vision.clips.process_handle import ClipProcess
from indexer.vision.clips.reading import ClipLimits
from indexer.vision.decoding.child_process import ProcessDied
from indexer.vision.decoding.process_handle import ProcessHandle
from tests.support import lying_decoder

NONSENSE = {
    "a number": b"5",
    "a list": b"[]",
    "null": b"null",
    "text": b'"code"',
    "no JSON": b"\xff\xfe",
    "nothing": b"",
    "an empty object": b"{}",
    "depth": 50_000 * b"[",
    "frames that are no list": b'{"frames": 5}',
    "no frames": b'{"frames": []}',
    "a frame that is no object": b'{"frames": [null]}',
    "a shape that is no size": b'{"frames": [{"at_ms": 0, "shape": [Infinity, 4, 3]}]}',
    "a frame that is too large": b'{"frames": [{"at_ms": 0, "shape": [100000, 100000, 3]}]}',
    "a frame of one channel": b'{"frames": [{"at_ms": 0, "shape": [4, 4, 1]}]}',
    "a frame of no width": b'{"frames": [{"at_ms": 0, "shape": [4, 0, 3]}]}',
    "a frame before the clip": b'{"frames": [{"at_ms": -1, "shape": [1, 1, 3]}]}',
    "a frame after the longest clip": b'{"frames": [{"at_ms": 1000000, "shape": [1, 1, 3]}]}',
    "too many frames": json.dumps({"frames": 31 * [{"at_ms": 0, "shape": [1, 1, 3]}]}).encode(),
    "a picture without memory": b'{"shape": [4, 4, 3], "width_px": 4, "height_px": 4, "divisor": 1}',
    "an unknown error": b'{"code": "gallery_not_found", "message": "", "details": {}}',
    "details that are no object": b'{"code": "unreadable_clip", "message": "", "details": 5}',
}


def answering(monkeypatch: pytest.MonkeyPatch, body: bytes) -> str:
    monkeypatch.setenv(lying_decoder.ANSWER, base64.b64encode(body).decode())
    return lying_decoder.__name__


def clip_process(module: str) -> ClipProcess:
    return ClipProcess(Container.MP4, ClipLimits(), module=module)


@pytest.mark.parametrize("body", NONSENSE.values(), ids=NONSENSE.keys())
def test_a_process_that_answers_nonsense_counts_as_dead(monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    module = answering(monkeypatch, body)
    clip, picture = clip_process(module), ProcessHandle(1000, module=module)
    try:
        with pytest.raises(ProcessDied):
            clip.read(b"a clip", 1.0)
        with pytest.raises(ProcessDied):
            picture.decode(b"a picture", 1.0, 0.0)
    finally:
        clip.close()
        picture.close()


PICTURE: dict[str, Any] = {"shape": [20, 40, 3], "width_px": 40, "height_px": 20, "divisor": 1}
NO_PICTURE: dict[str, dict[str, Any]] = {
    "a negative side": {"shape": [-1, 1, 3]},
    "two negative sides": {"shape": [-4, -4, 3]},
    "no pixels": {"shape": [0, 40, 3]},
    "a side beyond 64 bits": {"shape": [10**30, 1, 3]},
    "more pixels than the limit": {"shape": [40, 40, 3], "height_px": 40},
    "one channel": {"shape": [20, 40, 1]},
    "four channels": {"shape": [20, 40, 4]},
    "a divisor of zero": {"divisor": 0},
    "a divisor that no decoder has": {"divisor": 3},
    "a negative divisor": {"divisor": -1},
    "a file without a width": {"width_px": 0},
    "a file that is larger than its picture": {"height_px": 10**30},
}


@pytest.mark.parametrize("change", NO_PICTURE.values(), ids=NO_PICTURE.keys())
def test_a_picture_that_cannot_be_is_not_mapped_into_memory(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    monkeypatch.setenv(lying_decoder.MEMORY, "100000")
    picture = ProcessHandle(1000, module=answering(monkeypatch, json.dumps(PICTURE | change).encode()))
    try:
        with pytest.raises(ProcessDied):
            picture.decode(b"a picture", 1.0, 0.0)
    finally:
        picture.close()


def test_a_picture_within_the_limits_is_read_from_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(lying_decoder.MEMORY, "100000")
    picture = ProcessHandle(1000, module=answering(monkeypatch, json.dumps(PICTURE).encode()))
    try:
        assert picture.decode(b"a picture", 1.0, 0.0).pixels.shape == (20, 40, 3)
    finally:
        picture.close()


def test_the_details_of_an_error_cannot_become_its_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {"message": "it is damaged", "details": {"message": "another", "self": 1}}
    clip = clip_process(answering(monkeypatch, json.dumps(answer | {"code": "unreadable_clip"}).encode()))
    module = answering(monkeypatch, json.dumps(answer | {"code": "unreadable_image"}).encode())
    picture = ProcessHandle(1000, module=module)
    try:
        with pytest.raises(UnreadableClip, match="it is damaged") as of_clip:
            clip.read(b"a clip", 1.0)
        with pytest.raises(UnreadableImage, match="it is damaged") as of_picture:
            picture.decode(b"a picture", 1.0, 0.0)
    finally:
        clip.close()
        picture.close()
    assert of_clip.value.details == of_picture.value.details == answer["details"]
