"""Spellings of paths, methods and header fields that might reach a gallery past the check."""

from argparse import Namespace

from benchmarks.attacks.table import Attack
from benchmarks.attacks.target import INSIDE, OUTSIDE, PERSON, Target
from indexer.access.roles import Role

KIND = "path"
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "get", "FOO", "PROPFIND")
MAY_FIND = frozenset({"TRACE", "OPTIONS", "FOO", "PROPFIND", "get"})
"""Methods that no route has: no 2xx is right."""
SPELLINGS = (
    "/v1/galleries/{0}",
    "/v1/galleries/{0}/",
    "/v1/galleries/{0}//",
    "//v1/galleries/{0}",
    "/v1//galleries/{0}",
    "/v1/galleries//{0}",
    "/v1/./galleries/{0}",
    "/v1/galleries/./{0}",
    "/v1/galleries/{1}/../{0}",
    "/v1/galleries/{1}/%2e%2e/{0}",
    "/v1/galleries/{1}%2f..%2f{0}",
    "/v1/galleries/{1}%2F%2E%2E%2F{0}",
    "/v1/galleries/{1}%252f..%252f{0}",
    "/v1/galleries/{1}\\..\\{0}",
    "/v1/galleries/{1}%5c..%5c{0}",
    "/v1/galleries/{1}/..;/{0}",
    "/v1/galleries/{1};/../{0}",
    "/v1/galleries/{0};a=b",
    "/v1/galleries/{0}%00",
    "/v1/galleries/{0}%00{1}",
    "/v1/galleries/{1}%00{0}",
    "/v1/galleries/{0}%0a",
    "/v1/galleries/{0}%0d%0aX-A:%20b",
    "/v1/galleries/{0}%20",
    "/v1/galleries/%20{0}",
    "/v1/galleries/{0}.",
    "/v1/galleries/{0}.json",
    "/v1/galleries/%73ecret",
    "/v1/galleries/%53ECRET",
    "/v1/galleries/%2573ecret",
    "/v1/galleries/%C0%B3ecret",
    "/v1/galleries/%EF%BD%93ecret",
    "/v1/galleries/%E1%B9%A1ecret",
    "/v1/galleries/SECRET",
    "/V1/GALLERIES/{0}",
    "/v1/galleries/{0}?gallery={1}",
    "/v1/galleries/{1}?gallery={0}",
    "/v1/galleries/{0}#{1}",
    "/v1/galleries/*",
    "/v1/galleries/team-*",
    "/v1/galleries/",
    "http://localhost/v1/galleries/{0}",
    "http://evil.example/v1/galleries/{0}",
    "/v1/galleries/{1}/identities/../../{0}/identities",
    "/v1/galleries/{1}/identities/%2e%2e%2f%2e%2e%2f{0}%2fidentities",
    "/v1/galleries/{0}/identities/by-external-id/of-{0}",
    "/v1/galleries/{1}/identities/by-external-id/of-{0}",
    "/v1/galleries/{1}/identities/by-external-id/../../../{0}/identities/by-external-id/of-{0}",
    "/v1/galleries/{1}/identities/by-external-id/%2e%2e%2f%2e%2e%2f%2e%2e%2f{0}%2fidentities",
    "/v1/galleries/{0}/identities/by-external-id/a/faces",
    "/v1/galleries/{0}%2fidentities%2fby-external-id%2f{1}",
    "/v1/galleries/by-external-id/{0}",
    "/v1/indexes?gallery={0}",
    "/v1/indexes?gallery={0}&gallery={1}",
    "/v1/indexes?gallery={1}&gallery={0}",
    "/v1/indexes?gallery=%73ecret",
    "/v1/indexes?gallery={1}%00{0}",
    "/v1/indexes?GALLERY={0}",
    "/v1/indexes?gallery[]={0}",
    "/v1/indexes?%67allery={0}",
    "/v1/indexes?gallery={1};gallery={0}",
    "/v1/reindexes?gallery={0}",
    "/v1/reindexes?gallery={1}&gallery={0}",
    "/v1/audit?gallery={0}",
    "/v1/audit?gallery={1}&gallery={0}",
    "/v1/galleries?cursor=secre",
    "/v1/galleries?cursor=s&limit=1",
)
FIELDS = (
    ("X-HTTP-Method-Override", "DELETE"),
    ("X-HTTP-Method", "DELETE"),
    ("X-Method-Override", "DELETE"),
    ("X-Original-URL", f"/v1/galleries/{OUTSIDE}"),
    ("X-Rewrite-URL", f"/v1/galleries/{OUTSIDE}"),
    ("X-Forwarded-Prefix", f"/v1/galleries/{OUTSIDE}"),
    ("X-Forwarded-Path", f"/v1/galleries/{OUTSIDE}"),
    ("X-Script-Name", f"/v1/galleries/{OUTSIDE}"),
    ("X-Gallery", OUTSIDE),
    ("Gallery", OUTSIDE),
    ("Content-Location", f"/v1/galleries/{OUTSIDE}"),
    ("X-Internal", "true"),
    ("X-Role", "admin"),
    ("X-User", "admin"),
    ("X-Remote-User", "admin"),
    ("Remote-User", "admin"),
)


def attacks(target: Target, _: Namespace) -> list[Attack]:
    before = target.admin.get(f"/v1/galleries/{OUTSIDE}").body
    rows = [_spellings(target), _overrides(target)]
    changed = Attack(KIND, "the hidden gallery after all of this: changed?", attempts=1)
    if target.admin.get(f"/v1/galleries/{OUTSIDE}").body != before:
        changed.through.append("it changed")
    return [*rows, changed]


def _spellings(target: Target) -> Attack:
    """What the answer shows of the hidden gallery is more than its name, which the request contains."""
    row = Attack(KIND, f"{len(SPELLINGS)} spellings x {len(METHODS)} methods x 3 roles")
    person = target.ids[OUTSIDE]["identity_id"].encode()
    for role in (Role.READ, Role.ENROL, Role.ADMIN):
        with target.client(target.keys[role, True]) as client:
            for spelling in SPELLINGS:
                for method in METHODS:
                    if method == "DELETE" and "{0}" not in spelling:
                        continue
                    path = spelling.format(OUTSIDE, "team-nothing" if method == "DELETE" else INSIDE)
                    answer = client.request(method, path)
                    shown = answer.status < 400 and any(
                        text in answer.body for text in (b'"secret"', person, PERSON.encode())
                    )
                    shown = shown and not _is_own(answer.json)
                    got = shown or (method in MAY_FIND and 200 <= answer.status < 300)
                    row.tried(got, f"{method} {path} as {role}: {answer.status} {answer.body[:200]!r}")
    return row


def _is_own(body: object) -> bool:
    """Whether the answer is of the own gallery, which has a person of the same name."""
    return isinstance(body, dict) and body.get("gallery", body.get("name")) == INSIDE


def _overrides(target: Target) -> Attack:
    """A hidden gallery stays hidden, and a read stays a read."""
    row = Attack(KIND, "header fields that override the method, the path or the role")
    for role in (Role.READ, Role.ADMIN):
        with target.client(target.keys[role, True]) as client:
            for name, value in FIELDS:
                for method in ("GET", "POST", "HEAD"):
                    answer = client.request(method, f"/v1/galleries/{OUTSIDE}", headers={name: value})
                    row.tried(answer.status < 400, f"{method} with {name} as {role}: {answer.status}")
                answer = client.get(f"/v1/galleries/{INSIDE}", headers={name: value})
                own = answer.status == 200 and answer.json["name"] == INSIDE
                row.tried(not own, f"{name} as {role}: {answer.status} {answer.body[:200]!r}")
    return row
