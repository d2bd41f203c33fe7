"""Each operation of the API with each role, about a gallery outside the key's patterns."""

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from benchmarks.attacks.client import Answer, Client
from benchmarks.attacks.table import Attack
from benchmarks.attacks.target import INSIDE, NOWHERE, OUTSIDE, PERSON, Target
from indexer.access.roles import PERMISSIONS, Role
from service.permissions import OPEN, RULES, GalleryAt

KIND = "scope"


@dataclass(frozen=True, slots=True)
class Operation:
    id: str
    method: str
    path: str
    query: frozenset[str]

    def send(self, client: Client, ids: dict[str, str], picture: str) -> Answer:
        """With the values of `ids` in the path, in the query and in the body."""
        target = self.path.format_map(ids)
        if "gallery" in self.query:
            target += f"?gallery={ids['gallery']}"
        body = _body(self.id, ids, picture) if self.method in ("POST", "PUT", "PATCH") else None
        return client.request(self.method, target, body=body)


def attacks(target: Target, _: Namespace) -> list[Attack]:
    before = _state(target)
    guarded = [operation for operation in operations(target) if operation.id not in OPEN]
    rows = [
        _forbidden(target, guarded),
        _outside(target, guarded),
        _foreign_ids(target, guarded),
        _lists(target),
        _bodies(target),
    ]
    changed = Attack(KIND, "the hidden gallery after all of this: changed?", attempts=1)
    if _state(target) != before:
        changed.through.append("it changed")
    return [*rows, changed]


def operations(target: Target) -> list[Operation]:
    document = target.admin.get("/openapi.json").json
    return [
        Operation(
            found["operationId"],
            method.upper(),
            path,
            frozenset(p["name"] for p in found.get("parameters", ()) if p["in"] == "query"),
        )
        for path, item in document["paths"].items()
        for method, found in item.items()
    ]


def _forbidden(target: Target, guarded: list[Operation]) -> Attack:
    """Roles without the permission: 403 everywhere, whatever the gallery."""
    row = Attack(KIND, "every operation with each role that may not, in three galleries")
    for operation in guarded:
        needed = RULES[operation.id].permission
        for role in Role:
            if needed is None or needed in PERMISSIONS[role]:
                continue
            for limited in (False, True):
                with target.client(target.keys[role, limited]) as client:
                    for name in (INSIDE, OUTSIDE, NOWHERE):
                        answer = operation.send(client, _ids(target, name), target.picture)
                        row.tried(answer.status != 403, f"{operation.id} as {role}: {answer.status}")
    return row


def _outside(target: Target, guarded: list[Operation]) -> Attack:
    """Roles that may, limited to other galleries: the same answer as for a gallery that does not exist."""
    row = Attack(KIND, "every operation with each role that may, in a gallery outside the key's patterns")
    for operation, client, role in _limited(target, guarded):
        if RULES[operation.id].gallery is GalleryAt.EVERY:
            answer = operation.send(client, _ids(target, OUTSIDE), target.picture)
            row.tried(answer.status != 403, f"{operation.id} as {role}: {answer.status}")
            continue
        hidden, nothing = _ids(target, OUTSIDE), _ids(target, NOWHERE)
        _compare(row, operation, client, (hidden, nothing), target.picture)
    return row


def _foreign_ids(target: Target, guarded: list[Operation]) -> Attack:
    """An own gallery in the path, and ids of another one: the same answer as for ids that do not exist."""
    row = Attack(KIND, "ids of another gallery (people, faces, reviews, changes, searches) in an own one")
    for operation, client, _ in _limited(target, guarded):
        ids = operation.path.replace("{gallery}", "")
        if "{" not in ids or "{key_id}" in ids or "{external_id}" in ids:  # external ids are the client's own
            continue
        hidden = _ids(target, OUTSIDE) | {"gallery": INSIDE}
        nothing = _ids(target, NOWHERE) | {"gallery": INSIDE}
        _compare(row, operation, client, (hidden, nothing), target.picture)
    found = [
        operation.send(target.admin, _ids(target, OUTSIDE), target.picture).status == 200
        for operation in guarded
        if operation.method == "GET" and "{" in operation.path.replace("{gallery}", "")
    ]
    row.remark = f"an unlimited key gets 200 for {sum(found)} of the {len(found)} that only read"
    return row


def _compare(
    row: Attack,
    operation: Operation,
    client: Client,
    ids: tuple[dict[str, str], dict[str, str]],
    picture: str,
) -> None:
    answers = [operation.send(client, of, picture) for of in ids]
    hidden, nothing = (answer.visible(*of.values()) for answer, of in zip(answers, ids, strict=True))
    shown = PERSON.encode() in answers[0].body
    got = shown or hidden != nothing or (answers[0].status < 300 and "{" in operation.path)
    row.tried(got, f"{operation.id}: {hidden[:2]} and {nothing[:2]}")


def _lists(target: Target) -> Attack:
    row = Attack(KIND, "lists, with filters and cursors of other keys")
    with target.client(target.keys[Role.ADMIN, False]) as whole:
        cursors = {
            path: (whole.get(f"{path}?limit=1").json or {}).get("next_cursor")
            for path in ("/v1/galleries", "/v1/keys", "/v1/audit", "/v1/reindexes")
        }
    for role in (Role.READ, Role.OPERATOR, Role.ADMIN):
        with target.client(target.keys[role, True]) as client:
            for path, cursor in cursors.items():
                for query in ("", "?limit=1", f"?cursor={cursor}", f"?gallery={OUTSIDE}", "?cursor=s"):
                    answer = client.get(path + query)
                    leaked = answer.status == 200 and OUTSIDE.encode() in answer.body
                    row.tried(leaked, f"{path}{query} as {role}: {answer.body[:200]!r}")
            for path in ("/v1/indexes", "/metrics", f"/v1/galleries/{INSIDE}/identities"):
                answer = client.get(path)
                leaked = answer.status == 200 and OUTSIDE.encode() in answer.body
                row.tried(leaked, f"{path} as {role}: {answer.body[:200]!r}")
    return row


def _bodies(target: Target) -> Attack:
    """Bodies that name another gallery, or people of another one."""
    row = Attack(KIND, "a gallery, or people of another one, in the body")
    own, hidden = target.ids[INSIDE], target.ids[OUTSIDE]
    at, person = f"/v1/galleries/{INSIDE}", f"/v1/galleries/{INSIDE}/identities/{own['identity_id']}"
    tries: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/v1/galleries", {"name": OUTSIDE}),
        ("POST", "/v1/galleries", {"name": NOWHERE}),
        ("POST", "/v1/galleries", {"name": "TEAM-B"}),
        ("POST", "/v1/reindexes", {"gallery": OUTSIDE, "to": "sface"}),
        ("PATCH", at, {"name": OUTSIDE}),
        ("POST", f"{at}/search", {"gallery": OUTSIDE, "embedding": [0.1] * 128}),
        ("POST", f"{at}/identify", {"gallery": OUTSIDE, "image": target.picture}),
        ("POST", f"{at}/identities", {"gallery": OUTSIDE, "images": [target.picture]}),
        ("POST", f"{person}/merge", {"other": hidden["identity_id"]}),
        ("POST", f"{person}/split", {"faces": [hidden["face_id"]]}),
        ("POST", f"{person}/faces/{own['face_id']}/move", {"to": hidden["identity_id"]}),
        ("POST", f"{person}/faces/{hidden['face_id']}/move", {"to": own["identity_id"]}),
        ("POST", f"/v1/audit/{own['audit_id']}/disputes", {"face": 0, "identity_id": hidden["identity_id"]}),
    ]
    with target.client(target.keys[Role.ADMIN, True]) as client:
        for method, path, body in tries:
            answer = client.request(method, path, body=body)
            row.tried(answer.status < 400, f"{method} {path} {[*body]}: {answer.status}")
    return row


def _limited(target: Target, guarded: list[Operation]) -> Iterator[tuple[Operation, Client, Role]]:
    for role in Role:
        with target.client(target.keys[role, True]) as client:
            for operation in guarded:
                needed = RULES[operation.id].permission
                if needed is None or needed in PERMISSIONS[role]:
                    yield operation, client, role


def _ids(target: Target, name: str) -> dict[str, str]:
    ids = target.ids.get(name, {})
    known = {parameter: str(uuid4()) for parameter in ALL_IDS} | {"external_id": "nobody-at-all", "face": "0"}
    return known | {"gallery": name} | dict(ids)


ALL_IDS = (
    "identity_id",
    "other_identity_id",
    "face_id",
    "job_id",
    "key_id",
    "review_id",
    "change_id",
    "audit_id",
    "event_id",
    "dispute_id",
)


def _body(operation: str, ids: dict[str, str], picture: str) -> dict[str, Any]:
    """A valid one, where one exists."""
    bodies: dict[str, dict[str, Any]] = {
        "create_gallery": {"name": ids["gallery"]},
        "start_reindex": {"gallery": ids["gallery"], "to": "sface"},
        "create_key": {"name": "x", "roles": ["read"], "galleries": [ids["gallery"]]},
        "enrol": {"images": [picture]},
        "identify": {"image": picture},
        "merge_identities": {"other": ids["other_identity_id"]},
        "split_identity": {"faces": [ids["face_id"]]},
        "move_face": {"to": ids["other_identity_id"]},
        "dispute_match": {"face": 0, "identity_id": ids["identity_id"]},
        "search": {"embedding": [0.1] * 128},
    }
    if operation.startswith("verify_identity"):
        return {"image": picture}
    if operation.startswith("add_faces"):
        return {"images": [picture]}
    return bodies.get(operation, {})


def _state(target: Target) -> list[Any]:
    """Of the hidden gallery, as the holder of the bootstrap key sees it."""
    at = f"/v1/galleries/{OUTSIDE}"
    paths = (at, f"{at}/identities", f"{at}/identities/{target.ids[OUTSIDE]['identity_id']}/faces")
    return [target.admin.get(path).json for path in paths] + [target.admin.get(f"{at}/reviews").json]
