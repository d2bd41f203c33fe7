"""Sessions of browsers: forged, planted and replayed cookies."""

import secrets
import threading
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from benchmarks.attacks.browser import NAME, PATH, Browser, signed_in, signed_in_admin
from benchmarks.attacks.table import Attack
from benchmarks.attacks.target import Target
from indexer.access.roles import Role

KIND = "session"
EFFECT_SECONDS = 1.0
"""Within which a sign-out takes effect everywhere."""
ROUNDS = 10


def attacks(target: Target, _: Namespace) -> list[Attack]:
    return [
        _forged(target),
        _planted(target),
        _two_cookies(target),
        _ended(target, "a cookie, used without a pause while its session is signed out", _sign_out),
        _ended(target, "a cookie, used without a pause while its key is revoked", _revoke),
        _race(target),
        _logged(target),
    ]


def _forged(target: Target) -> Attack:
    row = Attack(
        KIND, "random tokens; a real one, cut, extended or changed; a key or a CSRF token as the cookie"
    )
    browser = signed_in_admin(target)
    token = browser.token
    wrong = [secrets.token_hex(32) for _ in range(60)]
    wrong += [token[:i] + ("0" if token[i] != "0" else "1") + token[i + 1 :] for i in range(0, 64, 4)]
    wrong += [token[:-1], token + "0", token.upper(), f'"{token}"', f"{token},{token}", ""]
    wrong += [browser.csrf_token, target.keys[Role.ADMIN, False], "null", "%00", token[::-1]]
    for each in wrong:
        with target.client() as client:
            status = client.get(PATH, headers={"Cookie": f"{NAME}={each}"}).status
        row.tried(status != 401, f"{each[:20]}: {status}")
    return row


def _planted(target: Target) -> Attack:
    row = Attack(KIND, "a token that was planted before the victim signed in (fixation)")
    for _ in range(20):
        own = signed_in(target, target.keys[Role.READ, True])
        for planted in (secrets.token_hex(32), own.token):
            victim = signed_in(target, target.keys[Role.ADMIN, False], cookie=f"{NAME}={planted}")
            with target.client() as client:
                status = client.get(PATH, headers={"Cookie": f"{NAME}={planted}"}).status
            row.tried(victim.token == planted or status != 401, f"the planted token is answered {status}")
    return row


def _two_cookies(target: Target) -> Attack:
    row = Attack(KIND, "a second cookie of the name, from another host of the domain (tossing)")
    victim, other = signed_in_admin(target), signed_in(target, target.keys[Role.READ, True])
    own, planted = f"{NAME}={victim.token}", f"{NAME}={other.token}"
    for value in (
        f"{own}; {planted}",
        f"{planted}; {own}",
        f"{own};{planted}",
        f"x=1; {planted}; y; {own}",
        f"{own}; {own}",
    ):
        row.tried(victim.send(Cookie=value).status != 401, value[:30])
    for first, second in ((own, planted), (planted, own)):
        data = f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\nCookie: {first}\r\nCookie: {second}\r\n\r\n"
        row.tried(victim.client.raw(data.encode()).status != 401, "two fields")
    return row


def _sign_out(_: Target, __: str, browser: Browser) -> int:
    return browser.send("DELETE").status


def _revoke(target: Target, key_id: str, _: Browser) -> int:
    return target.admin.request("DELETE", f"/v1/keys/{key_id}").status


def _ended(target: Target, name: str, end: Callable[[Target, str, Browser], int]) -> Attack:
    """Two clients, one at each process, use the cookie before, during and after its end."""
    row, latest = Attack(KIND, name), 0.0
    for _ in range(ROUNDS):
        issued = target.new_key([Role.READ])
        browser = signed_in(target, issued["key"])
        stop = threading.Event()
        uses: list[tuple[float, int]] = []

        def use(
            process: int,
            token: str = browser.token,
            uses: list[tuple[float, int]] = uses,
            stop: threading.Event = stop,
        ) -> None:
            with target.client(process=process) as client:
                while not stop.is_set():
                    began = time.monotonic()
                    uses.append((began, client.get(PATH, headers={"Cookie": f"{NAME}={token}"}).status))

        threads = [threading.Thread(target=use, args=(process,)) for process in range(len(target.ports))]
        for thread in threads:
            thread.start()
        time.sleep(0.1)
        if end(target, issued["id"], browser) != 204:
            raise SystemExit("a session does not end")
        ended = time.monotonic()
        time.sleep(EFFECT_SECONDS + 0.3)
        stop.set()
        for thread in threads:
            thread.join()
        for began, status in uses:
            if began > ended:
                latest = max(latest, began - ended) if status == 200 else latest
                row.tried(
                    began > ended + EFFECT_SECONDS and status != 401, f"{status} after {began - ended:.2f} s"
                )
    row.remark = f"accepted for {1000 * latest:.0f} ms at most"
    return row


def _race(target: Target) -> Attack:
    row = Attack(KIND, "16 sign-ins and sign-outs of one key at once: an error, or a session that stays")
    key = target.new_key([Role.READ])["key"]

    def in_and_out(number: int) -> list[str]:
        return list(_turns(target, key, number))

    with ThreadPoolExecutor(16) as pool:
        for faults in pool.map(in_and_out, range(16)):
            for fault in faults:
                row.tried(bool(fault), fault)
    return row


def _turns(target: Target, key: str, number: int) -> Iterator[str]:
    for _ in range(12):
        browser = signed_in(target, key, process=number % 2)
        out = browser.send("DELETE").status
        after = browser.send().status
        browser.client.close()
        yield "" if (out, after) == (204, 401) else f"signed out: {out}, then {after}"


def _logged(target: Target) -> Attack:
    row = Attack(KIND, "tokens in the log after all of this")
    browser = signed_in_admin(target)
    browser.send()
    browser.send("DELETE")
    text = target.log_text()
    for secret in (browser.token, browser.csrf_token):
        row.tried(secret in text, "a secret is in the log")
    return row
