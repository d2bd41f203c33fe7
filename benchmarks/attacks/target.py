"""The attacked service: two processes of `gemel serve`, a PostgreSQL, two galleries, and keys."""

import base64
import contextlib
import io
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import PIL.Image

from benchmarks.attacks.client import Client
from benchmarks.gallery import filled, one_face_640x480
from indexer.access.roles import Role

PATTERN = "team-*"
INSIDE, OUTSIDE, NOWHERE = "team-a", "secret", "nobody"
"""A gallery within the keys' pattern, one outside, and a name outside that no gallery has."""
PERSON = "Grace Hopper"
BOOTSTRAP = "a bootstrap key of the attacks, long enough"
_PATIENCE_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    ports: Sequence[int]
    """Of the processes: as two workers, but each can be chosen."""
    logs: Sequence[Path]
    url: str
    """Of PostgreSQL."""
    home: Path
    admin: Client
    """With the bootstrap key."""
    keys: Mapping[tuple[Role, bool], str]
    """By role, and whether the key is limited to `PATTERN`."""
    ids: Mapping[str, Mapping[str, str]]
    """By gallery: an id for each parameter of a path, such as `identity_id`."""
    picture: str
    """A photograph of one face, base64."""
    other_picture: str
    """Another file of the same face, base64."""
    _addresses: "count[int]" = field(default_factory=lambda: count(1))

    def client(self, key: str | None = None, *, process: int = 0) -> Client:
        """From an address of its own: wrong keys of one address are slowed down after the hundredth."""
        number = next(self._addresses)
        return Client(self.ports[process], key, address=f"127.1.{number // 250}.{number % 250 + 1}")

    def new_key(self, roles: Sequence[str], galleries: Sequence[str] | None = None, **more: Any) -> Any:
        """As the service answers it: `id`, `key` and the rest."""
        body = {"name": "attack", "roles": list(roles), "galleries": galleries, **more}
        answer = self.admin.request("POST", "/v1/keys", body=body)
        if answer.status != 201:
            raise SystemExit(f"cannot create a key: {answer.body.decode()}")
        return answer.json

    def log_text(self) -> str:
        return "".join(log.read_text(errors="replace") for log in self.logs)


@contextmanager
def serving() -> Iterator[Target]:
    with contextlib.ExitStack() as stack:
        home, url, _ = stack.enter_context(filled(0))
        servers = [stack.enter_context(_server(url, home, number)) for number in (1, 2)]
        for _, port in servers:
            _wait(port)
        admin = stack.enter_context(Client(servers[0][1], BOOTSTRAP))
        data = one_face_640x480()
        picture, other_picture = (base64.b64encode(each).decode() for each in (data, _again(data)))
        yield Target(
            ports=[port for _, port in servers],
            logs=[log for log, _ in servers],
            url=url,
            home=home,
            admin=admin,
            keys={(role, limited): _key(admin, role, limited) for role in Role for limited in (False, True)},
            ids={name: _filled(admin, name, picture) for name in (INSIDE, OUTSIDE)},
            picture=picture,
            other_picture=other_picture,
        )


def _again(data: bytes) -> bytes:
    """The photograph, compressed once more."""
    file = io.BytesIO()
    PIL.Image.open(io.BytesIO(data)).save(file, "JPEG", quality=80)
    return file.getvalue()


@contextmanager
def _server(url: str, home: Path, number: int) -> Iterator[tuple[Path, int]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "GEMEL_DATABASE_URL": url,
        "GEMEL_HOME": str(home / f"process-{number}"),
        "GEMEL_API_KEY": BOOTSTRAP,
        "GEMEL_LOG_LEVEL": "info",
    }
    log = home / f"process-{number}.log"
    program = Path(sys.executable).parent / "gemel"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [program, "serve", "--port", str(port)],
            env=os.environ | settings,
            stdout=errors,
            stderr=errors,
        )
    try:
        yield log, port
    finally:
        process.terminate()
        process.wait()


def _wait(port: int) -> None:
    end = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < end:
        with Client(port) as client:
            if client.get("/readyz").status == 200:
                return
        time.sleep(0.2)
    raise SystemExit("the server is not ready in time")


def _key(admin: Client, role: Role, limited: bool) -> str:
    new = {"name": role, "roles": [role], "galleries": [PATTERN] if limited else None}
    return str(admin.request("POST", "/v1/keys", body=new).json["key"])


def _filled(admin: Client, name: str, picture: str) -> dict[str, str]:
    """Enrols the same person twice, so that there is a review, and searches."""
    at = f"/v1/galleries/{name}"
    new = {"name": name, "duplicate_check": "review", "keep_probes": True}
    ids = {"gallery": name, "external_id": f"of-{name}"}
    for path, body in (
        ("/v1/galleries", new),
        (f"{at}/identities", {"images": [picture], "external_id": f"of-{name}", "name": PERSON}),
        (f"{at}/identities", {"images": [picture], "name": f"{PERSON} again"}),
        (f"{at}/identities", {"images": [picture], "name": f"{PERSON} once more"}),
        (f"{at}/identify", {"image": picture}),
    ):
        answer = admin.request("POST", path, body=body)
        if answer.status not in (200, 201):
            raise SystemExit(f"POST {path}: {answer.status} {answer.body[:300].decode()}")
        ids["audit_id"] = answer.json.get("audit_id", "")
    ids["event_id"] = ids["audit_id"]
    people = admin.get(f"{at}/identities").json["identities"]
    ids["identity_id"], ids["other_identity_id"], third = (person["id"] for person in people[:3])
    ids["face_id"] = admin.get(f"{at}/identities/{ids['identity_id']}/faces").json["faces"][0]["id"]
    ids["review_id"] = admin.get(f"{at}/reviews").json["reviews"][0]["id"]
    found = answer.json["faces"][0]["candidates"][0]["identity"]["id"]
    for name, path, body in (
        ("dispute_id", f"/v1/audit/{ids['audit_id']}/disputes", {"face": 0, "identity_id": found}),
        ("change_id", f"{at}/identities/{ids['other_identity_id']}/merge", {"other": third}),
    ):
        answer = admin.request("POST", path, body=body)
        if answer.status not in (200, 201):
            raise SystemExit(f"POST {path}: {answer.status} {answer.body[:300].decode()}")
        ids[name] = answer.json["id"]
    return ids
