"""The certificate and the key with which the server proves who it is."""

import re
import ssl
from datetime import UTC, datetime
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


def expiry(certificate: Path) -> datetime:
    """When the first certificate of the file expires, UTC. Raises Misconfigured, ValueError.

    Python's `ssl` has it only for the certificate of a peer. In DER, the time is the second of the field
    `validity`: X.509, RFC 5280, section 4.1.
    """
    _check_readable("GEMEL_TLS_CERT", certificate)
    found = re.search(
        "-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", certificate.read_text("latin-1"), re.DOTALL
    )
    if found is None:
        raise ValueError(f"{certificate} holds no certificate")
    try:
        whole = _elements(ssl.PEM_cert_to_DER_cert(found[0]))[0][1]
        fields = _elements(_elements(whole)[0][1])
        if fields[0][0] == _VERSION:  # it may be absent
            fields = fields[1:]
        tag, text = _elements(fields[3][1])[1]  # after serial number, signature algorithm and issuer
    except IndexError:
        raise ValueError(f"the certificate in {certificate} is cut off") from None
    date = text.decode("ascii")
    if tag == _UTC_TIME:  # a year of two digits, 1950 to 2049
        date = f"{'19' if date[:2] >= '50' else '20'}{date}"
    return datetime.strptime(date, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


_VERSION, _UTC_TIME = 0xA0, 0x17
"""Tags in DER."""


def _elements(data: bytes) -> list[tuple[int, bytes]]:
    """Tag and content of each element of DER. Raises IndexError where the data is cut off."""
    found, at = [], 0
    while at < len(data):
        tag, length, at = data[at], data[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length, at = int.from_bytes(data[at : at + size], "big"), at + size
        found.append((tag, data[at : at + length]))
        at += length
    return found


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
    files = f"{certificate}" if key is None else f"{certificate} and {key}"
    return f"{files} must hold a certificate and its key as PEM: {error.reason or error}" + (
        "; if the key is in a file of its own, set GEMEL_TLS_KEY" if key is None else ""
    )
