"""Keys that try to get more than they have."""

from argparse import Namespace
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.attacks.table import Attack
from benchmarks.attacks.target import INSIDE, OUTSIDE, PATTERN, PERSON, Target
from indexer.access.roles import Role

KIND = "privilege"
WIDER: tuple[Any, ...] = (
    None,
    [],
    ["*"],
    ["t*"],
    ["team*"],
    ["tea*"],
    [OUTSIDE],
    [PATTERN, OUTSIDE],
    [f"{INSIDE}", "x"],
    ["TEAM-*"],
    ["team-*", "*"],
    ["team-a\n"],
    ["team-*\n"],
    ["team-**"],
    ["team-a/../secret"],
    ["team-a%"],
    ["ｔeam-a"],
    [""],
    [None],
    ["team-a"] * 101,
    "team-*",
    {"0": "*"},
)


def attacks(target: Target, _: Namespace) -> list[Attack]:
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    capped = {"requests_per_second": 5_000, "faces_per_second": 50, "max_concurrent": 8, "expires_at": soon}
    limited = target.new_key([Role.ADMIN], [PATTERN], **capped)
    whole = [target.new_key([role], name="whole")["id"] for role in Role]
    whole += [target.new_key([Role.READ], [OUTSIDE], name="hidden")["id"]]
    return [
        _wider_galleries(target, limited["key"], capped),
        _wider_limits(target, limited["key"], capped),
        _others(target, limited["key"], whole),
        _new_galleries(target, limited["key"]),
        _false_names(target),
        _metrics(target),
    ]


def _wider_galleries(target: Target, key: str, capped: dict[str, Any]) -> Attack:
    row = Attack(KIND, "a limited admin creates a key for other galleries")
    with target.client(key) as client:
        for galleries in WIDER:
            for role in Role:
                body = {"name": "wider", "roles": [role], **capped, "galleries": galleries}
                answer = client.request("POST", "/v1/keys", body=body)
                row.tried(answer.status < 400, f"{galleries}: {answer.status}")
                if answer.status == 429:
                    raise SystemExit("the key's limit ends the attack")
    return row


def _wider_limits(target: Target, key: str, capped: dict[str, Any]) -> Attack:
    row = Attack(KIND, "a limited admin creates a key with higher limits, a later expiry, unknown roles")
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    changes: list[dict[str, Any]] = [
        {"requests_per_second": value} for value in (None, 5_001, 0, -1, 1e308, "Infinity")
    ]
    changes += [{"faces_per_second": None}, {"faces_per_second": 51}, {"max_concurrent": None}]
    changes += [{"max_concurrent": 9}, {"max_concurrent": 0}, {"max_concurrent": 8.5}]
    changes += [
        {"expires_at": value} for value in (None, later, "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z")
    ]
    changes += [{"roles": value} for value in ([], ["root"], ["ADMIN"], "admin", [["admin"]], None)]
    changes += [{"permissions": ["keys"]}, {"secret_hash": "0"}, {"prefix": "0"}, {"id": 1}, {"by": "x"}]
    with target.client(key) as client:
        for change in changes:
            body = {"name": "wider", "roles": ["read"], "galleries": [PATTERN], **capped, **change}
            answer = client.request("POST", "/v1/keys", body=body)
            row.tried(answer.status < 400, f"{change}: {answer.status}")
    return row


def _others(target: Target, key: str, ids: list[str]) -> Attack:
    row = Attack(KIND, "a limited admin reads, rotates or revokes wider keys")
    with target.client(key) as client:
        absent = client.get("/v1/keys/019ab3c0-6f6e-7c4e-9d0e-0b6f6f3d2a11").visible(
            "019ab3c0-6f6e-7c4e-9d0e-0b6f6f3d2a11"
        )
        for key_id in ids:
            for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/rotate")):
                answer = client.request(method, f"/v1/keys/{key_id}{path}", body={} if path else None)
                got = answer.status < 400 or answer.visible(key_id)[:2] != absent[:2]
                row.tried(got, f"{method} {path}: {answer.status} {answer.body[:200]!r}")
        listed = client.get("/v1/keys?limit=1000")
        found = {entry["id"] for entry in (listed.json or {}).get("keys", ())} & set(ids)
        row.tried(bool(found) or OUTSIDE.encode() in listed.body, f"the list shows {found}")
    states = {target.admin.get(f"/v1/keys/{key_id}").json["state"] for key_id in ids}
    row.tried(states != {"active"}, f"afterwards: {states}")
    return row


def _new_galleries(target: Target, key: str) -> Attack:
    row = Attack(KIND, "a limited admin creates or renames galleries outside the patterns")
    names = ("secret", "secret2", "TEAM-B", "team", "team_", "xteam-a", "team-\n", "téam-a", "", "*", "..")
    with target.client(key) as client:
        for name in names:
            answer = client.request("POST", "/v1/galleries", body={"name": name})
            row.tried(answer.status < 400, f"{name!r}: {answer.status}")
            answer = client.request("PATCH", f"/v1/galleries/{INSIDE}", body={"name": name})
            row.tried(answer.status < 400, f"PATCH {name!r}: {answer.status}")
    listed = target.admin.get("/v1/galleries?limit=1000").json["galleries"]
    unexpected = {gallery["name"] for gallery in listed} & set(names) - {OUTSIDE}
    row.tried(bool(unexpected), f"there are {unexpected}")
    return row


def _false_names(target: Target) -> Attack:
    row = Attack(KIND, "a key named like the bootstrap key, the command line or the server")
    for name in (
        "GEMEL_API_KEY",
        "gemel_api_key ",
        "command line",
        "command line: root@db",
        "server",
        "unknown",
    ):
        answer = target.admin.request("POST", "/v1/keys", body={"name": name, "roles": ["read"]})
        row.tried(answer.status < 400, f"{name!r}: {answer.status}")
    return row


def _metrics(target: Target) -> Attack:
    """Labels have no names of people or keys, and none that a client chooses."""
    row = Attack(KIND, "metrics: names, keys, or labels that a client chooses")
    for number in range(2):
        with target.client(target.keys[Role.READ, False], process=number) as client:
            for path in ("/made-up-path", "/v1/galleries/made-up-gallery", "/v1/made-up-path/x"):
                client.get(path)
                client.request("FOOBAR", path)
            text = client.get("/metrics").body.decode()
        for word in ("made-up", "FOOBAR", PERSON, "gemel_0", "attack", "whole"):
            row.tried(word in text and "gemel_" not in word, f"{word} is in /metrics")
        secrets = [key[19:] for key in target.keys.values()]
        row.tried(any(secret in text for secret in secrets), "a key is in /metrics")
    return row
