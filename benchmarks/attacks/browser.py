"""A browser that is signed in, with its cookie and its token in the attacker's hands."""

from dataclasses import dataclass

from benchmarks.attacks.client import Answer, Client
from benchmarks.attacks.target import Target
from indexer.access.roles import Role

PATH = "/v1/session"
NAME = "gemel-session"


@dataclass(frozen=True, slots=True)
class Browser:
    client: Client
    token: str
    csrf_token: str

    def send(self, method: str = "GET", path: str = PATH, **fields: str | None) -> Answer:
        """`fields`: header fields, with _ for -; None leaves one out."""
        own: dict[str, str | None] = {"Cookie": f"{NAME}={self.token}", "X-CSRF-Token": self.csrf_token}
        named = own | {name.replace("_", "-"): value for name, value in fields.items()}
        headers = {name: value for name, value in named.items() if value is not None}
        return self.client.request(method, path, headers=headers)


def signed_in(target: Target, key: str, *, process: int = 0, cookie: str | None = None) -> Browser:
    client = target.client(process=process)
    headers = {} if cookie is None else {"Cookie": cookie}
    answer = client.request("POST", PATH, key=key, headers=headers)
    if answer.status != 201:
        raise SystemExit(f"signing in is answered {answer.status}")
    token = answer.headers["set-cookie"].partition("=")[2].partition(";")[0]
    return Browser(client, token, answer.json["csrf_token"])


def signed_in_admin(target: Target) -> Browser:
    return signed_in(target, target.keys[Role.ADMIN, False])
