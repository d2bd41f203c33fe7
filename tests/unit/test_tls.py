"""The certificate is checked before the server starts, and the message says what is wrong with it."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from indexer.errors import Misconfigured
from indexer.settings import Settings
from indexer.tls import server_context
from tests.support.certificates import make_certificate, needs_openssl

pytestmark = needs_openssl


def test_the_key_may_be_in_the_file_of_the_certificate(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    server_context(certificate, key)
    both = tmp_path / "both.pem"
    both.write_text(key.read_text() + certificate.read_text())
    server_context(both, None)


def test_a_message_says_what_is_wrong(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path / "one")
    _, other_key = make_certificate(tmp_path / "two")
    locked, locked_key = make_certificate(tmp_path / "three", password="secret")
    text = tmp_path / "text.pem"
    text.write_text("no certificate")
    for arguments, said in (
        ((tmp_path / "missing.pem", key), "GEMEL_TLS_CERT=.*No such file"),
        ((certificate, tmp_path / "missing.pem"), "GEMEL_TLS_KEY=.*No such file"),
        ((tmp_path, key), "GEMEL_TLS_CERT=.*Is a directory"),
        ((certificate, other_key), "does not belong to the certificate"),
        ((locked, locked_key), "is encrypted"),
        ((text, key), "must hold a certificate"),
        ((certificate, None), f"^{certificate} must hold a certificate and its key.*set GEMEL_TLS_KEY"),
    ):
        with pytest.raises(Misconfigured, match=said):
            server_context(*arguments)


def test_a_key_needs_a_certificate() -> None:
    with pytest.raises(ValidationError, match="tls_cert"):
        Settings(tls_key=Path("key.pem"))
