"""`gemel person merge|split|move|undo` and `gemel reviews`."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.home import Home
from tests.support.pictures import shared


@pytest.fixture(scope="module")
def enrolled(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Colin Powell twice, and Al Gore."""
    folder = tmp_path_factory.mktemp("people")
    lfw = shared("data/lfw")
    for person, source in (("powell", "Colin_Powell"), ("again", "Colin_Powell"), ("gore", "Al_Gore")):
        (folder / person).mkdir()
        number = 2 if person == "again" else 1
        picture = lfw / source / f"{source}_000{number}.jpg"
        (folder / person / f"{number}.jpg").write_bytes(picture.read_bytes())
    assert home.json("enrol", folder, "--gallery", "people")["identities_created"] == 3
    return home


def show(home: Home, person: Any) -> dict[str, Any]:
    return dict(home.json("person", "show", person, "--gallery", "people"))


def test_a_merge_is_made_shown_and_undone(enrolled: Home) -> None:
    other = show(enrolled, "again")

    shown = enrolled.run("person", "merge", "powell", "again", "--gallery", "people").stdout
    assert "Merged again into powell: 1 face." in shown
    change = shown.split("gemel person undo ")[1].split()[0]
    assert len(show(enrolled, "powell")["faces"]) == 2
    gone = enrolled.run("person", "show", other["id"], "--gallery", "people", status=1)
    assert "was merged into" in gone.stderr

    undone = enrolled.run("person", "undo", change, "--gallery", "people").stdout
    assert undone.strip() == "Undid the merge: 1 face returned."
    assert show(enrolled, "again")["faces"] == other["faces"]


def test_a_face_is_split_off_and_moved_back(enrolled: Home) -> None:
    [face] = show(enrolled, "gore")["faces"]

    split = enrolled.json(
        "person", "split", "gore", face["id"], "--gallery", "people", "--external-id", "other"
    )
    assert (split["kind"], split["faces"]) == ("split", 1)
    assert show(enrolled, "other")["faces"] == [face]
    moved = enrolled.run("person", "move", "other", face["id"], "--to", "gore", "--gallery", "people").stdout
    assert "Moved 1 face of other to gore." in moved
    assert show(enrolled, "gore")["faces"] == [face]
    enrolled.run("person", "delete", "other", "--gallery", "people", "--yes")


def test_reviews_are_listed_decided_and_reopened(enrolled: Home) -> None:
    enrolled.run("duplicates", "--gallery", "people", "--review")
    reviews = ("reviews", "list", "--gallery", "people")

    shown = enrolled.run(*reviews).stdout
    [review] = enrolled.json(*reviews)["reviews"]
    assert {review["identity"]["external_id"], review["other"]["external_id"]} == {"powell", "again"}
    assert all(word in shown for word in (review["id"], "powell", "again", f"{review['score']:.3f}"))

    enrolled.run("reviews", "different", review["id"], "--gallery", "people")
    assert "No review of people." in enrolled.run(*reviews).stdout
    assert enrolled.json(*reviews, "--state", "different")["reviews"][0]["id"] == review["id"]
    enrolled.run("reviews", "reopen", review["id"], "--gallery", "people")
    enrolled.run("reviews", "same", review["id"], "--gallery", "people")
    [decided] = enrolled.json(*reviews, "--state", "all")["reviews"]
    assert (decided["state"], decided["decided_by"].startswith("command line: ")) == ("same", True)
    again = enrolled.run("reviews", "same", review["id"], "--gallery", "people", status=1)
    assert "was decided already" in again.stderr


def test_a_group_is_named_hidden_listed_and_made_anonymous_again(enrolled: Home) -> None:
    [face] = show(enrolled, "gore")["faces"]
    group = enrolled.json("person", "split", "gore", face["id"], "--gallery", "people")["other_id"]

    def listed(*options: str) -> list[str]:
        page = enrolled.json("person", "list", "--gallery", "people", *options)
        return [one["id"] for one in page["identities"]]

    assert listed("--anonymous") == [group]
    assert group not in listed("--named")
    assert "unnamed" in enrolled.run("person", "list", "--gallery", "people", "--anonymous").stdout
    assert "nobody has named them" in enrolled.run("person", "show", group, "--gallery", "people").stdout

    named = enrolled.run(
        "person", "name", group, "Albert Gore", "--external-id", "g", "--gallery", "people"
    ).stdout
    assert named.strip() == f"{group} is Albert Gore."
    assert listed("--anonymous") == []
    assert listed("--named", "--order", "newest", "--limit", "1") == [group]
    again = enrolled.json("person", "name", "g", "--clear", "--gallery", "people")
    assert (again["name"], again["external_id"], again["anonymous"]) == (None, None, True)

    enrolled.run("person", "hide", group, "--gallery", "people")
    assert (listed("--anonymous"), listed("--hidden")) == ([], [group])
    enrolled.run("person", "unhide", group, "--gallery", "people")
    assert listed("--anonymous", "--order", "faces", "--min-faces", "1") == [group]
    nothing = enrolled.run("person", "name", group, "--gallery", "people", status=2)
    assert "give a name" in nothing.stderr
    enrolled.run("person", "move", group, face["id"], "--to", "gore", "--gallery", "people")
    enrolled.run("person", "delete", group, "--gallery", "people", "--yes")


def test_an_unknown_field_to_take_is_an_error_of_usage(unused: Home, tmp_path: Path) -> None:
    failed = unused.run("person", "merge", "1", "2", "--gallery", "people", "--take", "name,face", status=2)
    assert "'face' is none of" in " ".join(failed.stderr.split())
