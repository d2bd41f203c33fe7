"""`gemel` as it is typed, on an embedded PostgreSQL of its own; what is about processes is a real one."""

import csv
import json
import signal
import socket
import subprocess
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import text

from indexer.records import embedded
from indexer.records.database.session import Database
from tests.support.faults.embedded_user import User
from tests.support.home import GEMEL, Home, ready, wait_for


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, migrated_cluster: Path) -> Iterator[Home]:
    with Home(tmp_path_factory.mktemp("home"), cluster=migrated_cluster) as home:
        assert "revision 0" in home.run("migrate").stdout
        yield home


@pytest.fixture
def unused(tmp_path_factory: pytest.TempPathFactory, migrated_cluster: Path) -> Home:
    """A home whose PostgreSQL runs only while a command uses it."""
    return Home(tmp_path_factory.mktemp("unused"), cluster=migrated_cluster)


@pytest.fixture
def people(tmp_path: Path, hopper: bytes, collins: bytes, nobody: bytes) -> Path:
    """Two people, and a picture of a cup of coffee."""
    for name, data in {
        "Grace_Hopper/1.jpg": hopper,
        "Eileen_Collins/1.jpg": collins,
        "Eileen_Collins/2.jpg": nobody,
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    return tmp_path


def test_a_folder_is_enrolled_once_and_a_second_run_passes_over_it(home: Home, people: Path) -> None:
    first = home.json("enrol", people, "--gallery", "once")
    second = home.json("enrol", people, "--gallery", "once")

    assert (first["identities_created"], first["faces_enrolled"], first["images_known"]) == (2, 2, 0)
    assert [(Path(r["image"]).name, r["code"]) for r in first["rejected"]] == [("2.jpg", "no_face_found")]
    assert (second["identities_created"], second["faces_enrolled"], second["images_known"]) == (0, 0, 2)


def test_a_picture_added_to_a_known_person_is_enrolled_by_the_next_run(
    home: Home, people: Path, hopper: bytes
) -> None:
    home.run("enrol", people, "--gallery", "more")
    (people / "Grace_Hopper" / "2.jpg").write_bytes(hopper + b"\0")  # the same face in another file

    again = home.json("enrol", people, "--gallery", "more")

    assert (again["identities_created"], again["faces_enrolled"], again["images_known"]) == (0, 1, 2)


def test_every_file_of_a_folder_is_accounted_for_and_everybody_without_a_face_is_named(
    home: Home, people: Path, nobody: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (people / "Nobody").mkdir()
    (people / "Nobody" / "1.jpg").write_bytes(nobody)
    (people / "Nobody" / "2.png").write_text("no picture")
    (people / "Nobody" / "notes.txt").write_text("hello")
    (people / "Nobody" / "2019").mkdir()
    (people / "Nobody" / "2019" / "3.jpg").write_bytes(nobody)
    (people / "loose.jpg").write_bytes(nobody)
    report = tmp_path_factory.mktemp("report") / "enrolled.csv"

    told = home.json("enrol", people, "--gallery", "accounted", "--report", report)

    with report.open(newline="") as file:
        rows = {row["file"]: (row["person"], row["outcome"], row["code"]) for row in csv.DictReader(file)}
    assert rows == {
        "Eileen_Collins/1.jpg": ("Eileen_Collins", "enrolled", ""),
        "Eileen_Collins/2.jpg": ("Eileen_Collins", "rejected", "no_face_found"),
        "Grace_Hopper/1.jpg": ("Grace_Hopper", "enrolled", ""),
        "Nobody/1.jpg": ("Nobody", "rejected", "no_face_found"),
        "Nobody/2.png": ("Nobody", "rejected", "unsupported_image_format"),
        "Nobody/notes.txt": ("", "skipped", "not_a_picture"),
        "Nobody/2019/3.jpg": ("", "skipped", "nested_file"),
        "loose.jpg": ("", "skipped", "loose_file"),
    }
    assert told["files"] == len(rows)
    assert told["without_face"] == ["Nobody"]
    assert told["reasons"]["no_face_found"] == 2
    shown = home.run("enrol", people, "--gallery", "accounted").stdout
    assert "People without a face in the gallery: 1" in shown
    assert "Nobody" in shown.splitlines()[-1]


def test_a_folder_whose_name_can_be_no_id_is_named_with_what_to_do(
    home: Home, people: Path, hopper: bytes
) -> None:
    (people / "new\nline").mkdir()
    (people / "new\nline" / "1.jpg").write_bytes(hopper)

    done = home.run("enrol", people, "--gallery", "renamed", status=1)

    assert "Failed: 1 invalid_request (rename the person's folder)" in done.stdout
    assert "2 new people, 2 new faces;" in done.stdout


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_enrolment_says_so_and_the_next_one_goes_on(
    unused: Home, tmp_path: Path, hopper: bytes, how: signal.Signals
) -> None:
    """Ctrl-C, or as a service is ended, in the middle of many pictures, many of them one person's."""
    for person in range(4):
        (tmp_path / f"person{person}").mkdir()
        for number in range(30):
            (tmp_path / f"person{person}" / f"{number:03d}.jpg").write_bytes(hopper + bytes([person, number]))
    answer = unused.folder / f"{how.name}.json"
    user = User(unused.folder)
    database = Database(user.url())
    with subprocess.Popen(
        [GEMEL, "enrol", tmp_path, "--gallery", how.name, f"--json={answer}"],
        env=unused.environment,
        cwd=unused.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as command:
        wait_for(lambda: _faces(database, how.name) > 0, 120)
        database.close()
        assert user.leave() == ""
        command.send_signal(how)
        assert command.wait(timeout=120) == 130
        assert command.stderr is not None
        assert "Run the command again to continue" in command.stderr.read()
    assert not (unused.folder / "postgresql" / "postmaster.pid").exists(), "nobody else uses it"

    first = json.loads(answer.read_text())
    second = unused.json("enrol", tmp_path, "--gallery", how.name)

    assert first["interrupted"]
    assert 0 < first["faces_enrolled"] < 120
    assert first["faces_enrolled"] + first["not_reached"] == first["files"] == 120
    assert second["images_known"] == first["faces_enrolled"]
    assert second["faces_enrolled"] == 120 - first["faces_enrolled"]


def _faces(database: Database, gallery: str) -> int:
    with database.reading() as session:
        counted = text("SELECT face_count FROM gallery WHERE name = :name")
        return session.scalar(counted, {"name": gallery}) or 0


def test_a_name_is_the_same_however_its_letters_are_composed(
    home: Home, tmp_path: Path, hopper: bytes
) -> None:
    composed, decomposed = (unicodedata.normalize(form, "Zo\u00eb") for form in ("NFC", "NFD"))
    for name in (composed, decomposed):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{len(name)}.jpg").write_bytes(hopper + name.encode())

    home.run("enrol", tmp_path, "--gallery", "composed")

    [person] = home.json("person", "list", "--gallery", "composed")["identities"]
    assert (person["external_id"], person["faces"]) == (composed, 2)
    shown = home.json("person", "show", decomposed, "--gallery", "composed")
    assert [face["quality"] > 0 for face in shown["faces"]] == [True, True]
    assert composed in home.run("person", "show", person["id"], "--gallery", "composed").stdout


def test_galleries_and_people_are_listed_and_deleted_in_the_terminal(home: Home, people: Path) -> None:
    home.run("gallery", "create", "listed")
    home.run("enrol", people, "--gallery", "listed")

    [listed] = [one for one in home.json("gallery", "list")["galleries"] if one["name"] == "listed"]
    assert (listed["identities"], listed["faces"]) == (2, 2)
    assert "listed" in home.run("gallery", "list").stdout
    assert "Grace Hopper" in home.run("person", "list", "--gallery", "listed").stdout
    [grace] = home.json("person", "list", "--gallery", "listed", "--name", "hop")["identities"]
    assert grace["external_id"] == "Grace_Hopper"
    page = home.json("person", "list", "--gallery", "listed", "--limit", "1")
    rest = home.json("person", "list", "--gallery", "listed", "--after", page["next"])
    assert len(page["identities"]) == len(rest["identities"]) == 1
    assert {p["external_id"] for p in page["identities"] + rest["identities"]} == {
        "Eileen_Collins",
        "Grace_Hopper",
    }

    home.run("person", "delete", "Grace_Hopper", "--gallery", "listed", "--yes")
    missing = home.run("person", "show", "Grace_Hopper", "--gallery", "listed", status=1)
    assert "identity_not_found" in missing.stderr
    [answer] = home.json("identify", people / "Grace_Hopper" / "1.jpg", "--gallery", "listed")
    assert [c["matched"] for c in answer["faces"][0]["candidates"]] == [False]

    unanswered = home.run("gallery", "delete", "listed", status=1)
    assert "`--yes` deletes without confirmation" in unanswered.stderr
    home.run("gallery", "delete", "listed", "--yes")
    assert "listed" not in home.run("gallery", "list").stdout


def test_the_version_is_told_by_the_installed_script(home: Home) -> None:
    assert home.process("--version").stdout == f"gemel {version('gemel')}\n"


def test_a_running_server_finds_whom_the_command_line_enrols(home: Home, people: Path, hopper: bytes) -> None:
    with home.server() as (base, _), httpx2.Client(base_url=base, timeout=60) as client:
        client.post("/v1/galleries", json={"name": "running"}).raise_for_status()
        before = client.post("/v1/galleries/running/identify", files={"image": hopper}).json()
        home.run("enrol", people, "--gallery", "running")
        after = client.post("/v1/galleries/running/identify", files={"image": hopper}).json()

    assert before["faces"][0]["candidates"] == []
    assert after["faces"][0]["candidates"][0]["identity"]["external_id"] == "Grace_Hopper"
    assert after["gallery_size"] == 2


def test_after_a_stop_of_any_kind_everybody_enrolled_is_still_found(unused: Home, hopper: bytes) -> None:
    """Asked to stop, interrupted, killed: what was answered with 201 is there when it runs again."""
    enrolled: list[str] = []
    for how in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL, None):
        with unused.server() as (base, process), httpx2.Client(base_url=base, timeout=60) as client:
            for name in enrolled:
                found = client.post(f"/v1/galleries/{name}/identify", files={"image": hopper}).json()
                [candidate] = found["faces"][0]["candidates"]
                assert (candidate["identity"]["name"], candidate["matched"]) == (name, True)
            if how is None:
                break
            name = f"stopped-by-{how.name}"
            client.post("/v1/galleries", json={"name": name}).raise_for_status()
            client.post(
                f"/v1/galleries/{name}/identities", files={"images": hopper}, data={"name": name}
            ).raise_for_status()
            enrolled.append(name)
            process.send_signal(how)
            process.wait()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_postgresql_stops_with_the_server(unused: Home, how: signal.Signals) -> None:
    with unused.server() as (_, process):
        assert (unused.folder / "postgresql" / "postmaster.pid").exists()
        process.send_signal(how)
        process.wait()

    assert not (unused.folder / "postgresql" / "postmaster.pid").exists()


def test_postgresql_stops_with_the_last_process_though_another_was_killed(unused: Home) -> None:
    with unused.server() as (_, process):
        process.kill()
        process.wait()
    assert (unused.folder / "postgresql" / "postmaster.pid").exists()

    unused.process("migrate")

    assert not (unused.folder / "postgresql" / "postmaster.pid").exists()


def test_postgresql_stops_with_the_server_though_a_command_that_used_it_was_killed(unused: Home) -> None:
    with unused.server() as (_, process):
        user = User(unused.folder)
        user.url()
        user.kill()
        process.terminate()
        process.wait()

    assert not (unused.folder / "postgresql" / "postmaster.pid").exists()


def test_a_slow_upload_does_not_hold_up_a_stop(home: Home) -> None:
    with (
        home.server() as (base, process),
        socket.create_connection(("127.0.0.1", int(base.rsplit(":", 1)[1]))) as slow,
    ):
        slow.sendall(
            b"POST /v1/detect HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
            b"Content-Type: application/json\r\n\r\n{"
        )
        assert ready(base)
        process.terminate()
        process.wait(timeout=60)


def test_one_request_too_many_is_told_to_come_again_and_the_others_are_served(home: Home) -> None:
    """The first is held by a lock in PostgreSQL; health is asked beside it."""
    database = Database(embedded.start(home.folder))
    try:
        with (
            home.server(GEMEL_MAX_REQUESTS="1") as (base, _),
            ThreadPoolExecutor(1) as elsewhere,
            database.transaction() as session,
        ):
            session.execute(text("LOCK TABLE identity"))
            first = elsewhere.submit(httpx2.get, f"{base}/v1/galleries", timeout=60)
            waiting = text("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
            wait_for(lambda: session.scalar(waiting))
            second = httpx2.get(f"{base}/v1/galleries")
            health = httpx2.get(f"{base}/healthz")
            session.rollback()
            answer = first.result()
            third = httpx2.get(f"{base}/v1/galleries")
    finally:
        database.close()

    assert (second.status_code, second.json()["code"]) == (503, "busy")
    assert int(second.headers["Retry-After"]) >= 1
    assert health.status_code == 200
    assert (answer.status_code, third.status_code) == (200, 200)


def test_people_are_identified_and_pictures_verified_in_the_terminal(
    home: Home, people: Path, hopper: bytes
) -> None:
    home.run("enrol", people, "--gallery", "terminal")
    grace, eileen = people / "Grace_Hopper" / "1.jpg", people / "Eileen_Collins" / "1.jpg"

    [answer] = home.json("identify", grace, "--gallery", "terminal")
    shown = home.run("identify", grace, eileen, "--gallery", "terminal").stdout

    assert answer["faces"][0]["candidates"][0]["identity"]["name"] == "Grace Hopper"
    assert "Grace Hopper" in shown
    assert "Eileen Collins" in shown
    assert home.json("verify", grace, grace)["matched"] is True
    assert home.json("verify", grace, eileen)["matched"] is False


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("identify", "{grace}", "--gallery", "nowhere"), "gallery_not_found"),
        (("identify", "{text}", "--gallery", "nowhere"), "gallery_not_found"),
        (("verify", "{text}", "{grace}"), "unsupported_image_format"),
        (("verify", "{grace}", "{text}"), "text.jpg: this is not an image"),
        (("enrol", "{empty}", "--gallery", "x"), "one folder per person"),
        (("enrol", "{people}", "--gallery", "a name with spaces"), "invalid_request"),
    ],
)
def test_errors_are_one_line_and_a_status(
    home: Home, people: Path, tmp_path_factory: pytest.TempPathFactory, arguments: tuple[str, ...], words: str
) -> None:
    empty = tmp_path_factory.mktemp("empty")
    (empty / "text.jpg").write_text("hello")
    names = {
        "grace": people / "Grace_Hopper" / "1.jpg",
        "text": empty / "text.jpg",
        "empty": empty,
        "people": people,
    }

    done = home.run(*(argument.format(**names) for argument in arguments), status=1)

    assert words in " ".join(done.stderr.split())


def test_without_a_key_the_server_listens_on_loopback_whatever_it_is_told(home: Home) -> None:
    with home.server(GEMEL_HOST="0.0.0.0") as (base, process):
        assert ready(base)
        process.terminate()
        process.wait()
        said = (home.folder / "server.log").read_text()

    assert "listening on 127.0.0.1 instead of 0.0.0.0" in " ".join(said.split())
    assert "Uvicorn running on http://127.0.0.1" in said


def test_a_setting_that_cannot_be_is_named_with_its_variable(home: Home) -> None:
    assert "GEMEL_PORT" in home.run("serve", status=2, GEMEL_PORT="many").stderr


@pytest.mark.parametrize(
    "command",
    [
        *("serve", "migrate", "enrol", "identify", "verify", "calibrate", "models", "train"),
        *("evaluate lfw", "evaluate openset", "evaluate robustness", "evaluate fairness", "evaluate speed"),
    ],
)
def test_every_commands_help_shows_an_example(home: Home, command: str) -> None:
    shown = home.run(*command.split(), "--help").stdout

    assert "Example:" in shown
    assert f"gemel {command}" in " ".join(shown.split())


def test_models_are_listed(home: Home) -> None:
    models = home.json("models")["models"]

    assert [m["active"] for m in models].count(True) == 1
    assert "sface" in home.run("models").stdout


def test_an_operator_brings_a_gallery_to_another_model_and_back(home: Home, people: Path) -> None:
    home.json("enrol", people, "--gallery", "moving")
    of = ("--gallery", "moving")
    [plan] = home.json("reindex", "start", "--to", "dlib-resnet", "--dry-run", *of)
    [ready] = home.json("reindex", "start", "--to", "dlib-resnet", "--wait", "--gate", "skipped<=0", *of)
    compared = home.json("reindex", "compare", *of)
    twice = home.run("reindex", "start", "--to", "dlib-resnet", *of, status=1)
    nonsense = home.run("reindex", "start", "--to", "dlib-resnet", "--gate", "better", *of, status=1)
    active = home.json("reindex", "activate", *of)
    [answer] = home.json("identify", people / "Grace_Hopper" / "1.jpg", *of)
    verified = home.json("index", "verify", *of)
    back = home.json("reindex", "rollback", *of)
    cancelled = home.json("reindex", "cancel", *of)

    assert (plan["faces"], plan["without_crop"]) == (2, 0)
    assert (ready["state"], ready["progress"]["embedded"]) == ("ready", 2)
    assert compared["gates"][0]["passed"]
    assert "reindex_exists" in twice.stderr
    assert "better" in nonsense.stderr
    assert answer["model"] == active["to_model"] == ready["to_model"]
    assert answer["faces"][0]["candidates"][0]["identity"]["external_id"] == "Grace_Hopper"
    assert [one["clean"] for one in verified] == [True, True], "by both models"
    assert (back["state"], cancelled["state"]) == ("ready", "cancelled")
    assert "moving" in home.run("reindex", "status").stdout


def test_a_worker_ends_when_it_is_told_to(home: Home) -> None:
    with subprocess.Popen(
        [GEMEL, "worker"], env=home.environment, cwd=home.folder, stderr=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stderr is not None
        assert "waits for work" in worker.stderr.readline()
        worker.send_signal(signal.SIGTERM)

        assert worker.wait(timeout=60) == 0


def test_an_operator_builds_proves_damages_and_prunes_an_index(home: Home, people: Path) -> None:
    home.json("enrol", people, "--gallery", "indexed")
    written = home.json("index", "rebuild", "--gallery", "indexed")["indexed"]
    [row] = home.json("index", "status", "--gallery", "indexed")
    [clean] = home.json("index", "verify", "--gallery", "indexed")

    [snapshot] = row["snapshots"]
    assert snapshot["snapshot"] == written
    assert (snapshot["tier"], snapshot["count"], snapshot["lag"]) == ("exact", 2, 0)
    assert clean["clean"]
    assert clean["index_digest"] == clean["digest"] == snapshot["digest"]
    assert home.json("index", "snapshot", "--gallery", "indexed") == {"indexed": None}

    [path] = (home.folder / "index").glob(f"*/*/{written}/index.faiss")
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    differing = home.run("index", "verify", "--gallery", "indexed", status=1)

    assert "index.faiss" in differing.stderr
    home.json("index", "rebuild", "--gallery", "indexed", "--tier", "exact-fp16")
    assert home.json("index", "status", "--gallery", "indexed")[0]["tier"] == "exact-fp16"
    pruned = home.json("index", "prune", "--keep", "1", "--log-days", "0", "--gallery", "indexed")
    assert pruned == {"snapshots": {"indexed": [written]}, "changes": {"indexed": 2}}
    assert home.json("index", "verify", "--gallery", "indexed")[0]["clean"]
    assert "Traceback" not in home.run("index", "status").stderr
