"""`gemel keys`, and a server that keys open."""

import re

import httpx2
import pytest

from tests.support.home import Home


def test_a_key_is_created_shown_rotated_and_revoked(home: Home) -> None:
    made = home.json("keys", "create", "--role", "identify", "--gallery", "staff", "--name", "door")
    assert made["key"].startswith(f"gemel_{made['prefix']}_")
    assert (made["roles"], made["galleries"], made["expires_at"]) == (["identify"], ["staff"], None)

    for name in (made["id"], made["prefix"], f"gemel_{made['prefix']}"):
        shown = home.json("keys", "show", name)
        assert (shown["id"], shown["state"]) == (made["id"], "active")
        assert "key" not in shown
    assert [key["id"] for key in home.json("keys", "list")["keys"]] == [made["id"]]

    rotated = home.json("keys", "rotate", made["id"], "--overlap", "1h")
    assert rotated["key"] != made["key"]
    assert rotated["previous_expires_at"] is not None

    assert home.json("keys", "revoke", made["prefix"])["state"] == "revoked"
    assert home.json("keys", "list")["keys"] == []
    assert [key["id"] for key in home.json("keys", "list", "--all")["keys"]] == [made["id"]]
    failed = home.run("keys", "rotate", made["id"], status=1)
    assert "key_state" in failed.stderr


def test_a_limit_is_shown_as_it_was_given(home: Home) -> None:
    limits = ("--requests-per-second", 20, "--faces-per-second", 0.5)
    made = home.json("keys", "create", "--role", "read", *limits)

    shown = home.run("keys", "show", made["prefix"]).stdout

    assert re.search(r"requests per second +20 *$", shown, re.M)
    assert re.search(r"faces per second +0.5 *$", shown, re.M)


def test_a_limit_is_changed_and_another_removed(home: Home) -> None:
    limits = ("--requests-per-second", 20, "--max-concurrent", 4)
    made = home.json("keys", "create", "--role", "read", *limits)

    changes = ("--faces-per-second", 0.5, "--max-concurrent", "none")
    changed = home.json("keys", "limit", made["prefix"], *changes)

    names = ("requests_per_second", "faces_per_second", "max_concurrent")
    assert [changed[name] for name in names] == [20, 0.5, None]


def test_people_see_the_key_once_and_no_hash(home: Home) -> None:
    created = home.run("keys", "create", "--role", "read", "--role", "verify", "--expires", "90d").stdout
    text = next(word for word in created.split() if word.startswith("gemel_"))
    prefix = text.split("_")[1]

    assert "cannot be shown again" in created
    shown = home.run("keys", "show", prefix).stdout + home.run("keys", "list").stdout
    assert "read, verify" in shown
    assert "hash" not in shown
    assert text not in shown


@pytest.mark.parametrize(
    "arguments",
    [
        ("create",),
        ("create", "--role", "root"),
        ("create", "--role", "read", "--gallery", "*"),
        ("create", "--role", "read", "--gallery", "a/b"),
        ("create", "--role", "read", "--expires", "soon"),
        ("create", "--role", "read", "--max-concurrent", "0"),
        ("create", "--role", "read", "--requests-per-second", "nan"),
    ],
)
def test_a_wrong_option_creates_nothing(home: Home, arguments: tuple[str, ...]) -> None:
    before = home.json("keys", "list", "--all")

    home.run("keys", *arguments, status=2)

    assert home.json("keys", "list", "--all") == before


def test_an_unknown_key_is_not_found(home: Home) -> None:
    assert "key_not_found" in home.run("keys", "revoke", "0123456789ab", status=1).stderr


def test_a_server_listens_on_every_address_once_there_is_a_key(home: Home) -> None:
    made = home.json("keys", "create", "--role", "read")

    with home.server(GEMEL_HOST="0.0.0.0") as (base, _):
        assert httpx2.get(f"{base}/v1/galleries").status_code == 401
        key = {"X-API-Key": made["key"]}
        assert httpx2.get(f"{base}/v1/galleries", headers=key).status_code == 200
        home.run("keys", "revoke", made["id"])
        while httpx2.get(f"{base}/v1/galleries", headers=key).status_code == 200:
            pass
        log = (home.folder / "server.log").read_text()
    assert "Uvicorn running on http://0.0.0.0" in log
    assert made["key"] not in log
