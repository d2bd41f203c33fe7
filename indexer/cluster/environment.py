"""Ray's environment variables, as Gemel needs them. Ray reads them once, when it is imported.

Each is a default: what the operator has set stays.
"""

import os
from collections.abc import MutableMapping
from urllib.parse import urlsplit

from indexer.cluster import token
from indexer.settings import Settings

LOOPBACK = "127.0.0.1"
NO_OUTER_ADDRESS = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""With 0, Ray leaves a loopback address as it is. Otherwise it replaces it by an outer address of the
machine, where the nodes of `gemel cluster up` do not listen. It has no other effect on Linux."""
HEAD_AWAY_SECONDS = 600
"""For so long, nodes and their processes wait for a head that does not answer; then they end. Ray's default
is one minute, less than a restart of the head's machine takes."""


def prepare(settings: Settings, environment: MutableMapping[str, str] = os.environ) -> None:
    """For a process that uses the cluster of `GEMEL_CLUSTER`. Raises Misconfigured without a token."""
    token.authenticate(settings, environment)
    common(environment)
    if settings.cluster == "auto" or is_loopback(settings.cluster):
        environment.setdefault(NO_OUTER_ADDRESS, "0")


def common(environment: MutableMapping[str, str]) -> None:
    """For nodes, and for processes that use them."""
    environment.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    environment.setdefault("RAY_gcs_rpc_server_reconnect_timeout_s", str(HEAD_AWAY_SECONDS))


def is_loopback(address: str) -> bool:
    """Whether HOST:PORT, with `ray://` before it or not, is on this machine's loopback interface."""
    host = urlsplit(address if "://" in address else f"//{address}").hostname or ""
    return host == "localhost" or host == "::1" or host.startswith("127.")
