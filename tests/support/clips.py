"""Small clips: OpenCV writes WebM; its wheel has no encoder of H.264, so there is one such file here."""

import base64
import tempfile
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from indexer.types import Image
from tests.support.pictures import SHARED, pixels

H264 = base64.b64decode(
    "AAAAIGZ0eXBpc29tAAACAGlzb21pc28yYXZjMW1wNDEAAAAIZnJlZQAABIRtZGF0AAACogYF//+e3EXpvebZSLeWLNgg2SPu73gy"
    "NjQgLSBjb3JlIDE2NSAtIEguMjY0L01QRUctNCBBVkMgY29kZWMgLSBDb3B5bGVmdCAyMDAzLTIwMjUgLSBodHRwOi8vd3d3LnZp"
    "ZGVvbGFuLm9yZy94MjY0Lmh0bWwgLSBvcHRpb25zOiBjYWJhYz0xIHJlZj0xNiBkZWJsb2NrPTE6MDowIGFuYWx5c2U9MHgzOjB4"
    "MTMzIG1lPXVtaCBzdWJtZT0xMCBwc3k9MSBwc3lfcmQ9MS4wMDowLjAwIG1peGVkX3JlZj0xIG1lX3JhbmdlPTI0IGNocm9tYV9t"
    "ZT0xIHRyZWxsaXM9MiA4eDhkY3Q9MSBjcW09MCBkZWFkem9uZT0yMSwxMSBmYXN0X3Bza2lwPTEgY2hyb21hX3FwX29mZnNldD0t"
    "MiB0aHJlYWRzPTEgbG9va2FoZWFkX3RocmVhZHM9MSBzbGljZWRfdGhyZWFkcz0wIG5yPTAgZGVjaW1hdGU9MSBpbnRlcmxhY2Vk"
    "PTAgYmx1cmF5X2NvbXBhdD0wIGNvbnN0cmFpbmVkX2ludHJhPTAgYmZyYW1lcz04IGJfcHlyYW1pZD0yIGJfYWRhcHQ9MiBiX2Jp"
    "YXM9MCBkaXJlY3Q9MyB3ZWlnaHRiPTEgb3Blbl9nb3A9MCB3ZWlnaHRwPTIga2V5aW50PTI1MCBrZXlpbnRfbWluPTEwIHNjZW5l"
    "Y3V0PTQwIGludHJhX3JlZnJlc2g9MCByY19sb29rYWhlYWQ9NjAgcmM9Y3JmIG1idHJlZT0xIGNyZj00MC4wIHFjb21wPTAuNjAg"
    "cXBtaW49MCBxcG1heD02OSBxcHN0ZXA9NCBpcF9yYXRpbz0xLjQwIGFxPTE6MS4wMACAAAABHWWIgQAT/9I6C/PvpfiV4mdoehAn"
    "gxczEABpR7RM+6lNc9+N+unKozU/N17/CfWACQmaD4x9M00EvpoAEReLtAtjLp32HsAriO9vppcBB0goBl4P1O6YleMpiLZNuxtK"
    "118ariLFBLIYsIo4AUI/TrxahP0sSptMitG7wkHtopw2r8Xr4jahfQbELbXY2vIRooKAYsPLY9YuEkeKXN5vP5vsR5fCpoyYe/CA"
    "DmYxQ94N2uQLtgHvzABL3G4Esz/ywab6ybSHHyi79nlUavR+D+COJWSuuM6utjV7C7GBHOoTkAV1UGN5fsLEfxgZnCtkEANeY0Fy"
    "k0yVbqWXMxz6FhKcspe/+UbNS8l37dc5FFYqp8G1683EXvwjLkGrEwAAAEpBmgktiEv/l3Xpd64GHpw7l4oObA2Ge7SxiEg15fxY"
    "TnG+r7dsrvJtoyb+upgjJ/C5ObhRkgnAqyZb7vU3JtOX0LDxWn6hMQcHugAAAAhBnhCHER+ngQAAAAkBnhgmiEv/t4AAAAAJAZ4Y"
    "RohL/7eBAAAACQGeGGaIS/+3gQAAAAkBnhitSEv/t4EAAAAJAZ4YzUhL/7eBAAAACQGeGO1IS/+3gAAAAAkBnhkNSEv/t4AAAANn"
    "bW9vdgAAAGxtdmhkAAAAAAAAAAAAAAAAAAAD6AAAA+gAAQAAAQAAAAAAAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAABAAAAAAAAAAAA"
    "AAAAAABAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAgAAArZ0cmFrAAAAXHRraGQAAAADAAAAAAAAAAAAAAABAAAAAAAA"
    "A+gAAAAAAAAAAAAAAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAABAAAAAAAAAAAAAAAAAABAAAAAAEAAAAAwAAAAAAAkZWR0cwAAABxl"
    "bHN0AAAAAAAAAAEAAAPoAAAIAAABAAAAAAIubWRpYQAAACBtZGhkAAAAAAAAAAAAAAAAAAAoAAAAKABVxAAAAAAALWhkbHIAAAAA"
    "AAAAAHZpZGUAAAAAAAAAAAAAAABWaWRlb0hhbmRsZXIAAAAB2W1pbmYAAAAUdm1oZAAAAAEAAAAAAAAAAAAAACRkaW5mAAAAHGRy"
    "ZWYAAAAAAAAAAQAAAAx1cmwgAAAAAQAAAZlzdGJsAAAAwXN0c2QAAAAAAAAAAQAAALFhdmMxAAAAAAAAAAEAAAAAAAAAAAAAAAAA"
    "AAAAAEAAMABIAAAASAAAAAAAAAABDExhdmMgbGlieDI2NAAAAAAAAAAAAAAAAAAAAAAAAAAAGP//AAAAN2F2Y0MBZAAK/+EAGWdk"
    "AAqscgREewEQAAADABAAAAMBQPEiWEYBAAdo6EODksiw/fj4AAAAABBwYXNwAAAAAQAAAAEAAAAUYnRydAAAAAAAACPgAAAAAAAA"
    "ABhzdHRzAAAAAAAAAAEAAAAKAAAEAAAAABRzdHNzAAAAAAAAAAEAAAABAAAAOGN0dHMAAAAAAAAABQAAAAEAAAgAAAAAAQAAKAAA"
    "AAABAAAQAAAAAAMAAAAAAAAABAAABAAAAAAcc3RzYwAAAAAAAAABAAAAAQAAAAoAAAABAAAAPHN0c3oAAAAAAAAAAAAAAAoAAAPH"
    "AAAATgAAAAwAAAANAAAADQAAAA0AAAANAAAADQAAAA0AAAANAAAAFHN0Y28AAAAAAAAAAQAAADAAAAA9dWR0YQAAADVtZXRhAAAA"
    "AAAAACFoZGxyAAAAAAAAAABtZGlyYXBwbAAAAAAAAAAAAAAAAAhpbHN0"
)
"""10 frames of 64 x 48 pixels, one second: a test pattern, by `ffmpeg -f lavfi -i
testsrc=size=64x48:rate=10:duration=1 -c:v libx264 -crf 40 -bitexact`."""


def webm(frames: Iterable[Image], *, codec: str = "VP80", per_second: float = 10.0) -> bytes:
    """`frames`: RGB, all of one shape."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.webm"
        writer: cv2.VideoWriter | None = None
        for frame in frames:
            if writer is None:
                size = frame.shape[1], frame.shape[0]
                code = cv2.VideoWriter.fourcc(*codec)
                writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, code, per_second, size)
            writer.write(np.ascontiguousarray(frame[:, :, ::-1]))
        assert writer is not None
        writer.release()
        return path.read_bytes()


def grey(count: int, *, width: int = 64, height: int = 48) -> list[Image]:
    """Frames that become lighter."""
    return [np.full((height, width, 3), number * 200 // count, np.uint8) for number in range(count)]


def presented(number: int) -> bytes:
    """A JPEG: the frame with this number of a man who turns and nods."""
    return (SHARED / "data" / "presentation" / "real" / f"{number}.jpg").read_bytes()


def presented_frame(number: int) -> Image:
    """The same, of shape (640, 480, 3)."""
    picture = pixels(presented(number))
    return np.asarray(cv2.resize(picture, (480, 640), interpolation=cv2.INTER_AREA), np.uint8)


def turning_head(*numbers: int, each: int = 8) -> bytes:
    """A clip at 10 frames a second. `numbers`: of the frames that it shows, `each` times."""
    return webm(frame for number in numbers for frame in each * [presented_frame(number)])
