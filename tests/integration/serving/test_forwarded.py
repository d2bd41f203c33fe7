"""The client's address in the log of a real server, which uvicorn would take from anybody on this machine."""

from pathlib import Path

import httpx2
import pytest

from tests.support.home import Home

CLAIMED = "198.51.100.7"


@pytest.mark.parametrize(("proxies", "logged"), [("10.0.0.1", "127.0.0.1"), ("127.0.0.1", CLAIMED)])
def test_the_log_names_the_claimed_address_only_if_a_named_proxy_sends_it(
    tmp_path: Path, migrated_cluster: Path, proxies: str, logged: str
) -> None:
    home = Home(tmp_path, cluster=migrated_cluster)
    with home.server(FORWARDED_ALLOW_IPS="*", GEMEL_FORWARDED_ALLOW_IPS=proxies) as (base, _):
        httpx2.get(f"{base}/v1/galleries", headers={"X-Forwarded-For": CLAIMED}, timeout=60)
    [line] = [
        line for line in (tmp_path / "server.log").read_text().splitlines() if "GET /v1/galleries" in line
    ]
    assert f"{logged}:" in line
