"""`gemel serve` on machines, and their clients."""

import httpx2
import numpy as np

from benchmarks.gallery import GALLERY
from benchmarks.machines.gemel import start_gemel
from benchmarks.machines.machine import Machine
from tests.support.home import wait_for

PORT = 8000
KEY = "a-key-for-this-run"


def serve(machine: Machine, url: str, **variables: str) -> str:
    """Starts a server on the machine. Returns its base URL at once."""
    key = {"GEMEL_API_KEY": KEY, "GEMEL_LOG_LEVEL": "warning"}
    start_gemel(machine, url, "serve", "--no-migrate", "--host", "0.0.0.0", variables=key | variables)
    return f"http://{machine.address}:{PORT}"


def client(base: str) -> httpx2.Client:
    return httpx2.Client(base_url=f"{base}/v1/galleries/{GALLERY}/", headers={"X-API-Key": KEY}, timeout=60)


def await_ready(*bases: str) -> None:
    for base in bases:
        wait_for(lambda base=base: _is_ready(base), 300)  # type: ignore[misc]


def _is_ready(base: str) -> bool:
    try:
        return httpx2.get(f"{base}/readyz", timeout=5).status_code == 200
    except httpx2.TransportError:
        return False


def quantiles(milliseconds: list[float]) -> dict[str, float]:
    p50, p95 = np.percentile(milliseconds, [50, 95])
    most = max(milliseconds)
    return {"p50_ms": round(float(p50), 2), "p95_ms": round(float(p95), 2), "most_ms": round(most, 1)}
