"""Whether a server's memory grows while people are enrolled, identified and deleted, over and over.

Photographs are sent over HTTP to a `gemel serve` of its own. Its resident size is noted after each stint. The
result is its growth after the first quarter, when pools and caches are full.
"""

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from rich.console import Console
from rich.progress import track

from benchmarks.gallery import GALLERY, filled, one_face_640x480
from benchmarks.server import Server, readiness, serve
from indexer.pages.plots import set_titles
from indexer.types import Tier

STINT = 25
"""Number of rounds between two measurements of the memory."""
SEARCHES = 10


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faces", type=int, default=20_000, help="size of the gallery")
    parser.add_argument(
        "--rounds", type=int, default=2_000, help="number of people who are enrolled and deleted"
    )
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--plot", type=Path, help="draw the resident size here, a PNG")
    arguments = parser.parse_args()
    with (
        filled(arguments.faces) as (home, url, _),
        serve(url, home / "one", Tier.EXACT) as server,
    ):
        server.wait(readiness)
        figures = measure(server, arguments.rounds) | {"faces": arguments.faces, "cores": os.cpu_count()}
    Console().print(summary(figures))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    if arguments.plot:
        draw(figures, arguments.plot)


def measure(server: Server, rounds: int) -> dict[str, Any]:
    photograph = one_face_640x480()
    embedding = np.random.default_rng(0).standard_normal(128)
    probe = (embedding / np.linalg.norm(embedding)).tolist()
    resident_mb = []
    start = time.perf_counter()
    with httpx2.Client(
        base_url=f"http://127.0.0.1:{server.port}/v1/galleries/{GALLERY}/", timeout=60
    ) as client:
        for number in track(range(rounds), description="People come and go", transient=True):
            identity = _ask(client, "POST", "identities", files={"images": photograph})["id"]
            found = _ask(client, "POST", "identify", files={"image": photograph})
            if found["faces"][0]["candidates"][0]["identity"]["id"] != identity:
                raise SystemExit(f"{identity} is not found")
            for _ in range(SEARCHES):
                _ask(client, "POST", "search", json={"embedding": probe})
            client.delete(f"identities/{identity}").raise_for_status()
            if number % STINT == STINT - 1:
                resident_mb.append(round(server.resident_bytes / 1e6, 3))
    return {
        "rounds": rounds,
        "requests": rounds * (3 + SEARCHES),
        "seconds": round(time.perf_counter() - start, 1),
        "resident_mb": resident_mb,
        "bytes_per_round": round(_growth(resident_mb), 1),
    }


def summary(figures: dict[str, Any]) -> str:
    resident = figures["resident_mb"]
    return (
        f"{figures['requests']:,} requests in {figures['seconds']:.0f} s: {resident[0]:.1f} MB after"
        f" the first {STINT} rounds, {resident[-1]:.1f} MB after the last, {max(resident):.1f} MB at most;"
        f" {figures['bytes_per_round']:.0f} bytes a round after the first quarter"
    )


def draw(figures: dict[str, Any], path: Path) -> None:
    figure = Figure(figsize=(8, 4), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)  # no pyplot: it would open a display
    axes = figure.subplots()
    resident = figures["resident_mb"]
    axes.plot(STINT * np.arange(1, len(resident) + 1), resident, linewidth=1.5)
    axes.set(
        xlabel="people who came, were found and were deleted",
        ylabel="resident size of the server, MB",
        ylim=(0, 1.2 * max(resident)),
    )
    set_titles(axes, "Memory over time", f"{figures['requests']:,} requests, gallery of {figures['faces']:,}")
    figure.savefig(path, format="png")


def _ask(client: httpx2.Client, method: str, path: str, **arguments: Any) -> Any:
    answer = client.request(method, path, **arguments)
    answer.raise_for_status()
    return answer.json()


def _growth(resident_mb: list[float]) -> float:
    """Bytes per round, by a straight line through the sizes after the first quarter."""
    settled = resident_mb[len(resident_mb) // 4 :]
    return float(np.polyfit(STINT * np.arange(len(settled)), settled, 1)[0] * 1e6)


if __name__ == "__main__":
    main()
