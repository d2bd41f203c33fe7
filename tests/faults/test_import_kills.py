"""A server that enrols an import is killed; the next one does the rest, and no picture is enrolled twice."""

import os
import signal
from pathlib import Path

import httpx2
import numpy as np
from sqlalchemy import text

from indexer.records.database.session import Database
from tests.support.home import Home, wait_for
from tests.support.pictures import jpeg, pixels

PEOPLE = 10
PICTURES = 120
PATH = "/v1/galleries/staff/imports"


def test_after_kill_minus_9_in_the_middle_every_picture_is_enrolled_once(
    tmp_path: Path, migrated_cluster: Path, hopper: bytes
) -> None:
    small = jpeg(np.ascontiguousarray(pixels(hopper)[::2, ::2]))
    files = [
        ("files", (f"person{n % PEOPLE}/{n}.jpg", small + n.to_bytes(2, "big"))) for n in range(PICTURES)
    ]
    with Home(tmp_path, cluster=migrated_cluster) as home:
        database = Database(home.database_url)
        with home.server() as (base, process):
            httpx2.post(f"{base}/v1/galleries", json={"name": "staff"}).raise_for_status()
            made = httpx2.post(base + PATH, json={"key": "badges"}).raise_for_status().json()
            one = f"{PATH}/{made['id']}"
            httpx2.post(f"{base}{one}/files", files=files, timeout=60).raise_for_status()
            wait_for(lambda: faces(database) > 2)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        enrolled = faces(database)
        assert enrolled < PICTURES, "it was killed in the middle"
        with database.transaction() as session:  # as if a minute had passed
            session.execute(text("UPDATE import_file SET leased_until = now() WHERE state = 'waiting'"))

        with home.server() as (base, _):
            again = httpx2.post(f"{base}{one}/files", files=files, timeout=60).raise_for_status().json()
            httpx2.post(f"{base}{one}/finish", timeout=60).raise_for_status()
            wait_for(lambda: httpx2.get(base + one, timeout=60).json()["state"] == "done", 120)
            done = httpx2.get(base + one, timeout=60).json()
        database.close()

    assert again["added"] == 0
    assert done["counts"]["enrolled"] == PICTURES, "none counts as known: its row and its face are one commit"
    assert (done["people"], done["people_enrolled"]) == (PEOPLE, PEOPLE)


def faces(database: Database) -> int:
    with database.reading() as session:
        counted = int(session.scalar(text("SELECT count(*) FROM face")) or 0)
        states = text("SELECT count(*) FROM import_file WHERE state = 'enrolled'")
        assert (session.scalar(states) or 0) >= counted, "a face without the row that says so"
        return counted
