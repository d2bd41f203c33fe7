"""Certificates that sign themselves, made by `openssl`."""

import shutil
import subprocess
from pathlib import Path

import pytest

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="the command `openssl` is missing")


def make_certificate(folder: Path, *, password: str | None = None) -> tuple[Path, Path]:
    """Files of a certificate for 127.0.0.1 and of its key, encrypted with `password`."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    folder.mkdir(exist_ok=True)
    encryption = ["-nodes"] if password is None else ["-passout", f"pass:{password}"]
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1", *encryption),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key
