"""Header fields: credentials in odd places, forged addresses and hosts, and ambiguous framing."""

import base64
import socket
import time
from argparse import Namespace

from sqlalchemy import text

from benchmarks.attacks.client import Client
from benchmarks.attacks.table import Attack
from benchmarks.attacks.target import INSIDE, Target
from indexer.access.roles import Role
from indexer.records.database.session import Database

KIND = "header"
PATH = f"/v1/galleries/{INSIDE}"
FORGED = "203.0.113.77"
FORWARDED = (
    ("X-Forwarded-For", FORGED),
    ("X-Forwarded-For", f"{FORGED}, 127.0.0.1"),
    ("Forwarded", f"for={FORGED}"),
    ("X-Real-IP", FORGED),
    ("X-Client-IP", FORGED),
    ("True-Client-IP", FORGED),
)


def attacks(target: Target, _: Namespace) -> list[Attack]:
    return [
        _two_keys(target),
        _schemes(target),
        _elsewhere(target),
        _addresses(target),
        _hosts(target),
        _framing(target),
    ]


def _two_keys(target: Target) -> Attack:
    """A proxy may check one of two fields and Gemel the other one, so two that differ are rejected."""
    row = Attack(KIND, "two keys in X-API-Key: one valid, one not")
    key, other = target.keys[Role.READ, False], target.keys[Role.ADMIN, False]
    with target.client() as client:
        for values in (
            [key, "x"],
            ["x", key],
            [key, other],
            [other, key],
            [key, ""],
            ["", key],
            [f"{key},{key}"],
        ):
            fields = "".join(f"X-API-Key: {value}\r\n" for value in values)
            answer = client.raw(f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n".encode())
            row.tried(answer.status < 400, f"{len(values)} fields: {answer.status}")
        # X-API-Key decides: a proxy may have an Authorization of its own.
        wrong = {"X-API-Key": "x", "Authorization": f"Bearer {key}"}
        row.tried(client.get(PATH, headers=wrong).status < 400, "X-API-Key wrong, Authorization valid")
    return row


def _schemes(target: Target) -> Attack:
    row = Attack(KIND, "other schemes: Basic on the API, Token, Digest, none, too long")
    key = target.keys[Role.ADMIN, False]
    basic = base64.b64encode(f"x:{key}".encode()).decode()
    values = [f"Basic {basic}", f"basic {basic}", f"Token {key}", f"Digest {key}", key, f"Bearer{key}"]
    values += [f"Bearer:{key}", f"Bearer, {key}", f"ApiKey {key}", f"Bearer Bearer {key}", f"Bearer {basic}"]
    values += [f"Negotiate {basic}", "Bearer", "Bearer ", f"Bearer {key} x", f'Bearer "{key}"', "Basic Og=="]
    values += ["A" * 20_000, "Bearer " + "A" * 20_000, f"Bearer {key}" + "A" * 20_000, f"Bearer\x0b{key}"]
    with target.client() as client:
        for value in values:
            for method, path in (("GET", PATH), ("POST", "/v1/galleries"), ("DELETE", "/metrics")):
                answer = client.request(method, path, headers={"Authorization": value})
                row.tried(answer.status < 400, f"{method} {path} {value[:30]}: {answer.status}")
    return row


def _elsewhere(target: Target) -> Attack:
    """Where keys end up in other people's logs."""
    row = Attack(KIND, "a valid key in the query, a cookie, the path, the body or a misspelt field")
    key = target.keys[Role.ADMIN, False]
    with target.client() as client:
        for name in ("api_key", "key", "X-API-Key", "access_token", "token", "authorization"):
            row.tried(client.get(f"{PATH}?{name}={key}").status < 400, f"query {name}")
            row.tried(client.get(PATH, headers={"Cookie": f"{name}={key}"}).status < 400, f"cookie {name}")
        for name in ("X_API_Key", "XAPIKey", "Proxy-Authorization", "X-Auth-Token", "Api-Key", "X-API-Key-"):
            row.tried(client.get(PATH, headers={name: key}).status < 400, f"field {name}")
        row.tried(client.get(f"/{key}{PATH}").status < 400, "path")
        body = {"name": "x", "api_key": key}
        row.tried(client.request("POST", "/v1/galleries", body=body).status < 400, "body")
    return row


def _addresses(target: Target) -> Attack:
    """From an address that no proxy has, and from 127.0.0.1."""
    row = Attack(KIND, "a forged client address in the audit record")
    for address in ("127.1.200.1", "127.0.0.1"):
        with Client(target.ports[0], target.keys[Role.READ, False], address=address) as client:
            for name, value in FORWARDED:
                client.request("DELETE", PATH, headers={name: value})  # 403, which is recorded
                row.tried(False, "")
    with target.client(target.keys[Role.IDENTIFY, False]) as client:
        for name, value in FORWARDED:
            client.request("POST", f"{PATH}/identify", body={"image": target.picture}, headers={name: value})
            row.tried(False, "")
    time.sleep(2.5)  # rejected requests are recorded each second
    database = Database(target.url)
    with database.reading() as session:
        query = "SELECT DISTINCT action FROM audit_event WHERE address LIKE :forged"
        row.through += list(session.scalars(text(query), {"forged": f"%{FORGED}%"}))
    database.close()
    return row


def _hosts(target: Target) -> Attack:
    """Whether an answer repeats a forged host, as a redirect would."""
    row = Attack(KIND, "a forged Host or X-Forwarded-Host in the answer")
    key = target.keys[Role.READ, False]
    with target.client(key) as client:
        for path in (
            PATH,
            f"{PATH}/",
            "/docs",
            "/docs/",
            "/openapi.json",
            "/",
            "/v1",
            "/healthz",
            "/nothing",
        ):
            forged = "evil.example"
            fields = f"Host: {forged}\r\nX-Forwarded-Host: {forged}\r\nX-Forwarded-Proto: https\r\n"
            answer = client.raw(f"GET {path} HTTP/1.1\r\n{fields}X-API-Key: {key}\r\n\r\n".encode())
            shown = forged.encode() in answer.body or any(
                forged in value for value in answer.headers.values()
            )
            row.tried(shown, f"{path}: {answer.status} {dict(answer.headers)}")
    return row


def _framing(target: Target) -> Attack:
    """One request that a lenient parser takes for two: the second must never be answered."""
    row = Attack(KIND, "request smuggling: ambiguous framing with a second request inside")
    key = target.keys[Role.READ, False]
    inner = f"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {key}\r\n\r\n"
    size = len(inner)
    shapes = [
        (f"Content-Length: {size + 5}\r\nTransfer-Encoding: chunked", f"0\r\n\r\n{inner}"),
        (f"Transfer-Encoding: chunked\r\nContent-Length: {size + 5}", f"0\r\n\r\n{inner}"),
        ("Content-Length: 4\r\nTransfer-Encoding: chunked", f"{size:x}\r\n{inner}\r\n0\r\n\r\n"),
        (f"Content-Length: 0\r\nContent-Length: {size}", inner),
        (f"Content-Length: {size}\r\nContent-Length: 0", inner),
        (f"Content-Length: 0, {size}", inner),
        (f"Content-Length: +0\r\nX-Size: {size}", inner),
        ("Content-Length: 0x0", inner),
        ("Content-Length: 0\x0b", inner),
        ("Content-Length : 0", inner),
        (f"Transfer-Encoding: xchunked\r\nContent-Length: {size + 5}", f"0\r\n\r\n{inner}"),
        (f"Transfer-Encoding: chunked, identity\r\nContent-Length: {size + 5}", f"0\r\n\r\n{inner}"),
        (f"Transfer-Encoding: identity, chunked\r\nContent-Length: {size + 5}", f"0\r\n\r\n{inner}"),
        (f"Transfer-Encoding : chunked\r\nContent-Length: {size + 5}", f"0\r\n\r\n{inner}"),
        (f"Transfer-Encoding: \x0bchunked\r\nContent-Length: {size + 5}", f"0\r\n\r\n{inner}"),
        (f"Transfer-Encoding:\r\n chunked\r\nContent-Length: {size + 5}", f"0\r\n\r\n{inner}"),
        (f"X: y\rTransfer-Encoding: chunked\r\nContent-Length: {size + 5}", f"0\r\n\r\n{inner}"),
        (
            f"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\nContent-Length: {size + 5}",
            f"0\r\n\r\n{inner}",
        ),
        ("Transfer-Encoding: chunked", f"0x0\r\n\r\n{inner}"),
        ("Transfer-Encoding: chunked", f"-0\r\n\r\n{inner}"),
        ("Transfer-Encoding: chunked", f"0;a\n\r\n{inner}"),
        ("Transfer-Encoding: chunked", f"1\r\nab\r\n0\r\n\r\n{inner}"),
        (f"Connection: close, Content-Length\r\nContent-Length: {size}", inner),
    ]
    for number in range(2):
        for fields, body in shapes:
            head = f"POST /v1/detect HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {key}\r\n{fields}\r\n\r\n"
            answers = _answers(target.ports[number], (head + body).encode("latin-1"))
            row.tried(answers > 1, f"{fields!r}: {answers} answers")
    return row


def _answers(port: int, data: bytes) -> int:
    """How many the server sends until it ends the connection, or is silent for half a second."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=0.5) as raw:
        raw.sendall(data)
        try:
            while part := raw.recv(65_536):
                received += part
        except OSError:
            pass
    return received.count(b"HTTP/1.1 ")
