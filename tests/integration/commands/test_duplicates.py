"""`gemel duplicates`: people of a gallery who are enrolled twice."""

import json
import re
from pathlib import Path
from uuid import UUID

import pytest

from indexer.records import embedded, galleries
from indexer.records.database.session import Database
from indexer.records.people import distinct
from tests.support.audit import last_number, rows_after
from tests.support.home import Home
from tests.support.pictures import shared

TWICE = ("Colin_Powell", "Gloria_Macapagal_Arroyo")


@pytest.fixture(scope="module")
def enrolled(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Six people of LFW, two of them a second time with another photograph."""
    folder = tmp_path_factory.mktemp("people")
    lfw = shared("data/lfw")
    for person in (*TWICE, "Abba_Eban", "Al_Gore", "Alan_Ball", "Angela_Merkel"):
        (folder / person).mkdir()
        (folder / person / "1.jpg").write_bytes((lfw / person / f"{person}_0001.jpg").read_bytes())
    for person in TWICE:
        (folder / f"{person}_again").mkdir()
        (folder / f"{person}_again" / "2.jpg").write_bytes((lfw / person / f"{person}_0002.jpg").read_bytes())
    assert home.json("enrol", folder, "--gallery", "twice")["identities_created"] == 8
    return home


def test_people_who_are_enrolled_twice_are_found_and_nobody_else(enrolled: Home) -> None:
    found = enrolled.json("duplicates", "--gallery", "twice")

    assert (found["people"], found["faces"], found["pairs"], found["fpir"]) == (8, 8, 2, 0.001)
    names = [
        [sorted(pair[side]["external_id"] for side in ("one", "other")) for pair in group]
        for group in found["groups"]
    ]
    assert sorted(names) == [[[person, f"{person}_again"]] for person in TWICE]
    scores = [group[0]["score"] for group in found["groups"]]
    assert scores == sorted(scores, reverse=True)
    assert min(scores) >= found["threshold"]
    assert found["expected_false_pairs"] == pytest.approx(8 * 0.001 / 2, rel=1e-3)


def test_the_terminal_names_the_pairs_and_says_how_many_false_ones_to_expect(enrolled: Home) -> None:
    shown = enrolled.run("duplicates", "--gallery", "twice", "--fpir", "0.01").stdout

    assert "8 people with 8 faces compared" in shown
    assert "2 pairs of people in 2 groups" in shown
    assert "About 0.04" in shown
    assert "Colin Powell again" in shown


def test_the_page_has_both_faces_of_each_pair_and_is_an_export_in_the_audit_record(
    enrolled: Home, tmp_path: Path
) -> None:
    database = Database(embedded.start(enrolled.folder))
    before = last_number(database)
    enrolled.run("duplicates", "--gallery", "twice", "--html", tmp_path / "duplicates.html")
    [event] = rows_after(database, before)
    database.close()

    assert (event["action"], event["gallery"]) == ("data.exported", "twice")
    assert json.loads(event["details"]) == {"what": "duplicates", "crops": 4}

    html = (tmp_path / "duplicates.html").read_text()
    assert len(re.findall(r'<img class="face" src="data:image/jpeg;base64,[A-Za-z0-9+/=]{1000,}"', html)) == 4
    assert "Colin Powell again" in html
    assert "http" not in re.sub(r"base64,[^\"]*", "", html)


def test_reviews_are_added_once_and_people_known_to_be_different_are_left_out(enrolled: Home) -> None:
    first = enrolled.json("duplicates", "--gallery", "twice", "--review")
    again = enrolled.json("duplicates", "--gallery", "twice", "--review")
    assert (first["reviews_added"], again["reviews_added"]) == (2, 0)

    [best, *_] = first["groups"][0]
    ids = [UUID(best[side]["identity_id"]) for side in ("one", "other")]
    database = Database(embedded.start(enrolled.folder))
    with database.transaction() as session:
        gallery = galleries.lock(session, galleries.get(session, "twice").id)
        distinct.add(session, gallery.id, [distinct.pair_of(ids[0], ids[1])])
    database.close()

    assert enrolled.json("duplicates", "--gallery", "twice")["pairs"] == 1


def test_an_empty_gallery_has_no_duplicates(home: Home) -> None:
    home.run("gallery", "create", "empty")

    assert "Nobody is enrolled in empty." in home.run("duplicates", "--gallery", "empty").stdout
    assert home.json("duplicates", "--gallery", "empty")["groups"] == []
