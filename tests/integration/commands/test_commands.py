"""What commands print, and what they exit with."""

from importlib.metadata import version
from pathlib import Path

import pytest

from tests.support.home import Home


def test_people_are_identified_among_some_and_in_several_galleries(home: Home, people: Path) -> None:
    grace, both = people / "Grace_Hopper" / "1.jpg", ("--gallery", "one", "--gallery", "other")
    for name in ("one", "other"):
        home.run("enrol", people, "--gallery", name)

    [nobody] = home.json("identify", grace, "-g", "one", "--filter", '{"external_ids": ["nobody"]}')
    [answer] = home.json("identify", grace, *both, "--metadata")
    shown = home.run("identify", grace, *both).stdout

    assert (nobody["faces_searched"], nobody["faces"][0]["candidates"]) == (0, [])
    assert nobody["gallery_size"] > 0
    assert [gallery["gallery"] for gallery in answer["galleries"]] == ["one", "other"]
    candidates = answer["faces"][0]["candidates"]
    assert {candidate["gallery"] for candidate in candidates} == {"one", "other"}
    assert {candidate["identity"]["name"] for candidate in candidates} == {"Grace Hopper"}
    assert all(candidate["matched"] and candidate["metadata"] == {} for candidate in candidates)
    assert "one: " in shown
    assert "other: " in shown


def test_galleries_and_people_are_listed_and_deleted_in_the_terminal(home: Home, people: Path) -> None:
    home.run("gallery", "create", "listed")
    home.run("enrol", people, "--gallery", "listed")

    [listed] = [one for one in home.json("gallery", "list")["galleries"] if one["name"] == "listed"]
    assert (listed["identities"], listed["faces"]) == (2, 2)
    assert "listed" in home.run("gallery", "list").stdout
    shown = home.json("gallery", "show", "listed")
    assert (shown["name"], shown["faces"], shown["fpir_check"]["searches"]) == ("listed", listed["faces"], 0)
    assert shown["threshold"]["fpir"] == 0.01
    assert "No searches are counted yet." in home.run("gallery", "show", "listed").stdout
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
        (("identify", "{grace}", "--gallery", "x", "--filter", "[]"), "invalid_filter"),
        (("identify", "{grace}", "--gallery", "x", "--filter", "site=A"), "invalid_filter"),
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


def test_a_setting_that_cannot_be_is_named_with_its_variable(home: Home) -> None:
    assert "GEMEL_PORT" in home.run("serve", status=2, GEMEL_PORT="many").stderr


@pytest.mark.parametrize(
    "command",
    [
        *("serve", "migrate", "enrol", "identify", "verify", "cluster", "calibrate", "models", "train"),
        *("models list", "models show", "models fetch", "models add"),
        *("evaluate lfw", "evaluate openset", "evaluate robustness", "evaluate fairness", "evaluate speed"),
        *("evaluate expression",),
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
