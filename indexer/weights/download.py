"""Downloads a file over HTTP, resuming what an earlier download has left.

Proxies come from the environment (`https_proxy`, `no_proxy`), and certificates are verified. What arrives is
not trusted: the caller verifies its digest.
"""

import http.client
import ssl
import time
import urllib.error
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from urllib import request

from indexer.errors import DownloadFailed

Progress = Callable[[int], object]
"""Called with the number of bytes that are there."""

CHUNK_BYTES = 1 << 16
_TRANSIENT = {408, 425, 429}
"""Statuses below 500 after which another attempt may succeed."""


class _Interrupted(Exception):
    """Another attempt may succeed, and continues behind the bytes that have arrived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloader:
    timeout_seconds: float = 30.0
    """Without a byte from the other side."""
    pauses_seconds: tuple[float, ...] = (1.0, 4.0)
    """Before each further attempt, if none brought new bytes."""

    def download(self, address: str, part: Path, size_bytes: int, progress: Progress) -> None:
        """Appends to `part` until it has `size_bytes`. After an error it keeps what has arrived.

        Raises DownloadFailed, also if the file at `address` has another size; OSError if `part` cannot be
        written.
        """
        furthest = _size(part)
        pauses = iter(self.pauses_seconds)
        while True:
            try:
                self._attempt(address, part, size_bytes, progress)
                return
            except _Interrupted as error:
                if _size(part) > furthest:
                    furthest, pauses = _size(part), iter(self.pauses_seconds)
                pause = next(pauses, None)
                if pause is None:
                    raise DownloadFailed(
                        f"cannot download {address}: {error}; {_size(part):,} of {size_bytes:,} bytes have"
                        " arrived, and the next attempt continues there",
                        address=address,
                    ) from error
                time.sleep(pause)

    def _attempt(self, address: str, part: Path, size_bytes: int, progress: Progress) -> None:
        start = _size(part)
        if start == size_bytes:
            return
        if start > size_bytes:
            part.unlink(missing_ok=True)
            start = 0
        with self._open(address, start, part) as answer:
            if answer.status != 206:
                start = 0  # the server sends the whole file
            expected = size_bytes - start
            announced = answer.headers.get("Content-Length")
            if announced is not None and announced.isdigit() and int(announced) != expected:
                raise DownloadFailed(
                    f"{address} is another file: it has {start + int(announced):,} bytes, not {size_bytes:,}",
                    address=address,
                )
            _receive(answer, address, part, start, size_bytes, progress)

    def _open(self, address: str, start: int, part: Path) -> http.client.HTTPResponse:
        """The answer, 206 only if it begins at `start`."""
        outgoing = request.Request(address, headers={"User-Agent": f"gemel/{version('gemel')}"})  # noqa: S310
        if start > 0:
            outgoing.add_header("Range", f"bytes={start}-")
        try:
            answer: http.client.HTTPResponse = _director().open(outgoing, timeout=self.timeout_seconds)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416:  # what is there is not the beginning of this file
                part.unlink(missing_ok=True)
            elif error.code < 500 and error.code not in _TRANSIENT:
                raise DownloadFailed(
                    f"{address} answers {error.code} {error.reason}", address=address
                ) from None
            raise _Interrupted(f"it answers {error.code} {error.reason}") from error
        except (OSError, http.client.HTTPException) as error:
            cause = getattr(error, "reason", error)
            if isinstance(cause, ssl.SSLCertVerificationError):
                raise DownloadFailed(
                    f"{address}: the certificate is not trusted: {cause.verify_message}", address=address
                ) from error
            raise _Interrupted(_described(cause)) from error
        if answer.status == 206 and not answer.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            answer.close()
            part.unlink(missing_ok=True)
            raise _Interrupted("it continues at another byte")
        return answer


def _receive(
    answer: http.client.HTTPResponse,
    address: str,
    part: Path,
    start: int,
    size_bytes: int,
    progress: Progress,
) -> None:
    size = start
    try:
        with part.open("ab" if start else "wb") as file:
            progress(size)
            while chunk := _read(answer):
                size += len(chunk)
                if size > size_bytes:
                    part.unlink(missing_ok=True)
                    raise DownloadFailed(
                        f"{address} is another file: it has more than {size_bytes:,} bytes", address=address
                    )
                file.write(chunk)
                progress(size)
    except OSError as error:  # such as a full disk, of which the system does not say the file
        raise OSError(error.errno, error.strerror, str(part)) from error
    if size < size_bytes:
        raise _Interrupted("the connection was closed")


def _read(answer: http.client.HTTPResponse) -> bytes:
    try:
        return answer.read1(CHUNK_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise _Interrupted(_described(error)) from error


def _director() -> request.OpenerDirector:
    """For HTTP and HTTPS alone: a redirection must not lead to a file of this machine."""
    director = request.OpenerDirector()
    for handler in (
        request.ProxyHandler(),
        request.UnknownHandler(),
        request.HTTPHandler(),
        request.HTTPSHandler(context=ssl.create_default_context()),
        request.HTTPDefaultErrorHandler(),
        request.HTTPRedirectHandler(),
        request.HTTPErrorProcessor(),
    ):
        director.add_handler(handler)
    return director


def _described(error: object) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
