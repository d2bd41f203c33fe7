"""Every command that changes something leaves an event that names who ran it. A new command has to be
classified here."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from indexer.cli import app
from tests.support.home import Home

CHANGING = {
    "gallery create": "gallery.created",
    "enrol": "identity.enrolled",
    "gallery set": "gallery.changed",
    "identify": "search.identified",
    "index rebuild": "index.rebuild_requested",
    "index prune": "index.log_pruned",
    "reindex start": "reindex.started",
    "reindex pause": "reindex.changed",
    "reindex resume": "reindex.changed",
    "reindex cancel": "reindex.changed",
    "person delete": "identity.deleted",
    "audit anchor": "audit.anchored",
    "audit export": "data.exported",
    "gallery export": "gallery.exported",
    "gallery import": "gallery.imported",
    "gallery delete": "gallery.deleted",
}
"""In the order in which they are run here."""
LIKE_ROUTES = {
    *(
        "keys create",
        "keys limit",
        "keys rotate",
        "keys revoke",
        "reindex activate",
        "reindex rollback",
        "reindex cleanup",
    ),
    *("person merge", "person split", "person move", "person undo"),
    *("person name", "person hide", "person unhide", "visitors forget"),
    *("cluster DIR", "index reshard"),
    *("imports cancel", "reviews same", "reviews different", "reviews reopen"),
    *("audit dispute", "audit forget", "audit replay", "audit prune", "calibrate", "duplicates", "worker"),
}
"""They call a use case whose event another test looks for."""
READING = {
    *(
        "serve",
        "migrate",
        "verify",
        "detect",
        "gallery list",
        "gallery show",
        "gallery check",
        "person list",
    ),
    *(
        "person photographs",
        "person show",
        "index status",
        "index verify",
        "index snapshot",
        "reindex status",
        "reindex watch",
    ),
    *(
        "reindex compare",
        "models list",
        "models show",
        "models fetch",
        "models add",
        "keys list",
        "keys show",
    ),
    *(
        "audit list",
        "audit show",
        "audit verify",
        "audit explain",
        "imports list",
        "imports show",
        "reviews list",
        "visitors list",
        "doctor",
    ),
    *("cluster up", "cluster join", "cluster status"),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, migrated_cluster: Path) -> Iterator[Home]:
    with Home(tmp_path_factory.mktemp("home"), cluster=migrated_cluster) as home:
        yield home


def commands(command: Any, path: str = "") -> set[str]:
    within = getattr(command, "commands", None)
    if within is None:
        return {path.strip()}
    return {name for word, inner in within.items() for name in commands(inner, f"{path} {word}")}


def test_every_command_is_classified() -> None:
    every = {
        name for name in commands(typer.main.get_command(app)) if name.split()[0] not in ("evaluate", "train")
    }

    assert every == CHANGING.keys() | LIKE_ROUTES | READING


def test_a_command_leaves_its_event(home: Home, tmp_path: Path, collins: bytes) -> None:
    person = tmp_path / "people" / "Eileen_Collins"
    person.mkdir(parents=True)
    (person / "1.jpg").write_bytes(collins)
    arguments: dict[str, list[object]] = {
        "gallery create": ["staff"],
        "enrol": [tmp_path / "people", "--gallery", "staff"],
        "gallery set": ["staff", "--person-score", "nearest"],
        "identify": [person / "1.jpg", "--gallery", "staff"],
        "index rebuild": ["--gallery", "staff"],
        "index prune": ["--gallery", "staff"],
        "reindex start": ["--gallery", "staff", "--to", "dlib-resnet", "--force"],
        "reindex pause": [],
        "reindex resume": [],
        "reindex cancel": [],
        "person delete": ["Eileen_Collins", "--gallery", "staff", "--yes"],
        "audit anchor": [],
        "audit export": [tmp_path / "events.jsonl"],
        "gallery export": ["staff", tmp_path / "export"],
        "gallery import": [tmp_path / "export", "--name", "copy"],
        "gallery delete": ["staff", "--yes"],
    }
    for command, action in CHANGING.items():
        home.run(*command.split(), *arguments[command])
        event = home.json("audit", "list", "--action", action, "--limit", 1)["events"][0]
        assert event["action"] == action, command
        assert event["caller"].startswith("command line: "), command
        assert "Collins" not in str(event), command
