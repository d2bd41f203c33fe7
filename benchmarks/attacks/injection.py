"""Text that forges lines of a log, or moves the cursor of the terminal that shows it."""

import json
import os
import re
import subprocess
import sys
import time
from argparse import Namespace
from pathlib import Path
from urllib.parse import quote

from benchmarks.attacks.table import Attack
from benchmarks.attacks.target import INSIDE, Target
from indexer.access.roles import Role

KIND = "injection"
MARK = "FORGED"
EVIL = (
    f"a\n{MARK} 2026-01-01T00:00:00Z INFO all is well",
    f"a\r\n{MARK}: b",
    f"\r{MARK}",
    f"\x1b[31m{MARK}\x1b[0m",
    f"\x1b[2J\x1b[H{MARK}",
    f"\x1b]0;{MARK}\x07",
    f"\x9b31m{MARK}",
    f"a\u2028{MARK}",
    f"a\u2029{MARK}",
    f"a\x85{MARK}",
    f"a\x0b{MARK}",
    f"a\x0c{MARK}",
    f"a\x00{MARK}",
    f"a\x7f{MARK}",
    f"\u202e{MARK}",
    f"\u2066{MARK}",
    f"[bold red]{MARK}[/] [link=https://evil.example]a[/link]",
    f"{MARK} %s %d {{0}} ${{jndi:ldap://127.0.0.1/a}}",
)
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Control characters but tab and newline, separators of lines, and overrides of the direction."""


def attacks(target: Target, _: Namespace) -> list[Attack]:
    before = len(target.log_text())
    sent = _send(target)
    time.sleep(2.5)  # rejected requests are recorded each second
    log = Attack(KIND, "lines of the servers' logs", sent)
    log.through += _forged(target.log_text()[before:])
    return [log, *(_command(target, *arguments) for arguments in COMMANDS), _verified(target)]


COMMANDS = (
    ("keys", "list"),
    ("keys", "list", "--json"),
    ("audit", "list"),
    ("audit", "list", "--json"),
    ("audit", "export"),
    ("gallery", "list"),
    ("person", "list", "--gallery", INSIDE),
)


def _send(target: Target) -> int:
    """Wherever a client's text may go; returns how many texts."""
    sent, at = 0, f"/v1/galleries/{INSIDE}"
    for evil in EVIL:
        raw = evil.encode("utf-8")
        issued = target.admin.request("POST", "/v1/keys", body={"name": evil, "roles": ["read", "identify"]})
        key = issued.json["key"] if issued.status == 201 else target.keys[Role.IDENTIFY, False]
        with target.client(key) as client:
            client.request("POST", f"{at}/identify", body={"image": target.picture})
            client.request("DELETE", at)
            client.get(f"/v1/galleries/{quote(evil)}")
            client.get(f"/v1/{quote(evil)}?{quote(evil)}={quote(evil)}")
            client.request("POST", f"{at}/identify", body={evil: evil})
            for name in (
                "User-Agent",
                "X-Request-Id",
                "Origin",
                "Referer",
                "Content-Type",
                "X-Forwarded-For",
            ):
                client.get(at, headers={name: raw})
            client.get(at, key=b"gemel_" + raw)
        admin = target.admin
        admin.request("POST", "/v1/galleries", body={"name": evil})
        admin.request(
            "POST",
            f"{at}/identities",
            body={"images": [], "name": evil, "external_id": evil, "metadata": {evil: evil}},
        )
        admin.request("PUT", f"{at}/identities/by-external-id/{quote(evil, safe='')}", body={"name": evil})
        admin.request("POST", "/v1/reindexes", body={"gallery": INSIDE, "to": evil})
        for name in (evil.replace('"', ""), f"{MARK}.jpg\x1b[31m"):
            head = f'Content-Disposition: form-data; name="image"; filename="{name}"'
            part = f"--b\r\n{head}\r\n\r\nx\r\n--b--\r\n"
            kind = {"Content-Type": "multipart/form-data; boundary=b"}
            admin.request("POST", f"{at}/identify", body=part.encode(), headers=kind)
        sent += 19
    return sent


def _forged(shown: str) -> list[str]:
    """Lines that a client's text begins, and those with characters that a terminal obeys."""
    return [
        repr(line[:200])
        for line in re.split("\r\n|\n|\x85|\u2028|\u2029", shown)
        if line.startswith(MARK) or CONTROL.search(line)
    ]


def _command(target: Target, *arguments: str) -> Attack:
    row = Attack(KIND, f"the same texts in `gemel {' '.join(arguments)}`", 1)
    done = _gemel(target, *arguments)
    if done.returncode:
        row.remark = f"exit code {done.returncode}: {done.stderr.strip()[-100:]}"
    shown = done.stdout
    row.through += _forged(shown)
    if "--json" in arguments and not done.returncode:
        try:
            json.loads(shown)
        except ValueError as error:
            row.through.append(f"no JSON: {error}")
    return row


def _verified(target: Target) -> Attack:
    """The hash chain after all attacks."""
    row = Attack(KIND, "gemel audit verify: does the chain still hold?", 1)
    done = _gemel(target, "audit", "verify")
    row.remark = " ".join(done.stdout.split())[:80]
    if done.returncode:
        row.through.append(done.stdout + done.stderr)
    return row


def _gemel(target: Target, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [Path(sys.executable).parent / "gemel", *arguments],
        env=os.environ | {"GEMEL_DATABASE_URL": target.url, "GEMEL_HOME": str(target.home / "command")},
        capture_output=True,
        text=True,
        check=False,
    )
