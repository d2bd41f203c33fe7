"""Requests of other sites with a session's cookie, and header fields to get past its protection."""

from argparse import Namespace
from collections.abc import Mapping

from benchmarks.attacks.browser import NAME, PATH, signed_in_admin
from benchmarks.attacks.table import Attack
from benchmarks.attacks.target import INSIDE, Target

KIND = "cross-site"
MADE = "made-by-another-site"
METHODS = ("POST", "PUT", "PATCH", "DELETE")
CHANGING = (
    PATH,
    "/v1/galleries",
    f"/v1/galleries/{INSIDE}",
    f"/v1/galleries/{INSIDE}/index/rebuild",
    "/v1/keys",
)


def attacks(target: Target, _: Namespace) -> list[Attack]:
    return [_csrf(target), _forms(target), _origins(target), _smuggled(target)]


def _csrf(target: Target) -> Attack:
    row = Attack(KIND, "changes without the token, or with a wrong one, another session's, or an old one's")
    browser, other = signed_in_admin(target), signed_in_admin(target)
    right = browser.csrf_token
    wrong = [
        None,
        "",
        right[:-1],
        right + "0",
        right.upper(),
        other.csrf_token,
        browser.token,
        "0" * 64,
        f"{right},{right}",
    ]
    for path in CHANGING:
        for method in METHODS:
            for each in wrong:
                if each is not None and each == right:
                    continue
                answer = browser.send(method, path, **{"X-CSRF-Token": each})
                row.tried(answer.status != 403, f"{method} {path}: {answer.status}")
    row.tried(browser.send().status != 200, "the session itself has ended")
    return row


def _forms(target: Target) -> Attack:
    row = Attack(KIND, "forms and simple requests of other sites: text/plain, urlencoded, multipart, none")
    browser = signed_in_admin(target)
    body = b'{"name": "' + MADE.encode() + b'", "x": "="}'
    types = (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json",
    )
    for content_type in types:
        for extra in (
            {},
            {"X-HTTP-Method-Override": "GET"},
            {"Origin": "null"},
            {"Sec-Fetch-Site": "cross-site"},
        ):
            headers = {"Cookie": f"{NAME}={browser.token}", "Content-Type": content_type, **extra}
            answer = browser.client.request("POST", "/v1/galleries", body=body, headers=headers)
            row.tried(answer.status != 403, f"{content_type} {extra}: {answer.status}")
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        browser.client.request(
            "GET", "/v1/galleries", body=body, headers={"Cookie": f"{NAME}={browser.token}", name: "POST"}
        )
        row.tried(target.admin.get(f"/v1/galleries/{MADE}").status != 404, f"{name}: the gallery was made")
    return row


def _origins(target: Target) -> Attack:
    row = Attack(KIND, "pages of other origins that know the token, by what their browser sends")
    browser = signed_in_admin(target)
    pages: tuple[Mapping[str, str], ...] = (
        *(
            {"Origin": origin}
            for origin in (
                "https://evil.example",
                "null",
                "http://localhost:81",
                "http://localhost.evil.example",
                "http://sub.localhost",
                "file://",
                "",
            )
        ),
        *({"Sec-Fetch-Site": site} for site in ("cross-site", "same-site", "", "same-origin, cross-site")),
        {"Origin": "http://localhost", "Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "none"},
    )
    for fields in pages:
        for method, path in (
            ("GET", PATH),
            ("GET", "/v1/galleries"),
            ("POST", "/v1/galleries"),
            ("DELETE", PATH),
        ):
            answer = browser.send(method, path, **fields)
            row.tried(answer.status != 403, f"{method} {path} {fields}: {answer.status}")
    return row


def _smuggled(target: Target) -> Attack:
    row = Attack(
        KIND, "the token or the cookie in odd fields: underscores, folded lines, twice, in the query"
    )
    browser = signed_in_admin(target)
    token, cookie = browser.csrf_token, f"{NAME}={browser.token}"
    head = f"DELETE {PATH}%s HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n%s\r\n"
    for query, fields in (
        ("", f"X_CSRF_Token: {token}\r\n"),
        ("", f"X-CSRF-Token : {token}\r\n"),
        ("", f"X-CSRF-Token:\r\n {token}\r\n"),
        ("", f"X-A: b\r\n X-CSRF-Token: {token}\r\n"),
        ("", f"X-A: b\rX-CSRF-Token: {token}\r\n"),
        ("", f"X-CSRF-Token: {token}\r\nX-CSRF-Token: x\r\n"),
        ("", f"X-CSRF-Token: x\r\nX-CSRF-Token: {token}\r\n"),
        ("", f"X-CSRF-Token: {token}\x00\r\n"),
        (f"?X-CSRF-Token={token}", ""),
        (f"?csrf_token={token}", ""),
    ):
        answer = browser.client.raw((head % (query, fields)).encode(), method="DELETE")
        row.tried(200 <= answer.status < 300, f"{fields!r}: {answer.status}")
    for fields in (
        f"Cookie:\r\n {cookie}\r\n",
        f"X-A: b\r\n Cookie: {cookie}\r\n",
        f"Cookie_: {cookie}\r\n",
        f"X-Cookie: {cookie}\r\n",
    ):
        answer = browser.client.raw(f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n".encode())
        row.tried(answer.status == 200, f"{fields!r}: {answer.status}")
    row.tried(browser.send().status != 200, "the session itself has ended")
    return row
