"""The certificate and the key with which the server proves who it is."""

import ssl
from pathlib import Path

from indexer.errors import Misconfigured


def server_context(certificate: Path, key: Path | None) -> ssl.SSLContext:
    """TLS 1.2 or newer. `certificate`: PEM, with the intermediate certificates after it; `key`: PEM, None
    where it is in the same file. Raises Misconfigured."""
    for name, file in (("GEMEL_TLS_CERT", certificate), ("GEMEL_TLS_KEY", key)):
        if file is not None:
            _check_readable(name, file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION  # a client could make the server compute without end
    context.set_alpn_protocols(["http/1.1"])
    try:
        # With no password at all, OpenSSL would ask for one at the terminal.
        context.load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        raise Misconfigured(_reason(error, certificate, key)) from error
    return context


def _check_readable(name: str, file: Path) -> None:
    try:
        file.read_bytes()
    except OSError as error:
        raise Misconfigured(f"cannot read {name}={file}: {error.strerror}") from error


def _reason(error: ssl.SSLError, certificate: Path, key: Path | None) -> str:
    key_file = key or certificate
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"the key in {key_file} does not belong to the certificate in {certificate}"
    if "ENCRYPTED" in key_file.read_text("latin-1"):
        return (
            f"the key in {key_file} is encrypted: write it without a password, readable by the server alone"
        )
    return (
        f"{certificate} and {key_file} must hold a certificate and its key as PEM: {error.reason or error}"
        + ("; if the key is in a file of its own, set GEMEL_TLS_KEY" if key is None else "")
    )
