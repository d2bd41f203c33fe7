"""`gemel imports`: what clients import is seen and cancelled at the command line."""

from indexer.records import galleries
from indexer.records.database.session import Database
from indexer.records.imports import files, jobs
from indexer.records.imports.files import NewFile
from tests.support.home import Home


def test_an_import_is_listed_shown_and_cancelled(home: Home) -> None:
    home.run("gallery", "create", "imported")
    database = Database(home.database_url)
    with database.transaction() as session:
        gallery = galleries.get(session, "imported")
        job, _ = jobs.create(session, gallery, name="[red]Badges")
        skipped = NewFile(
            name="notes.txt", sha256=bytes(32), size=1, data=None, code="not_a_picture", message="no"
        )
        waits = NewFile(name="a/1.jpg", sha256=bytes(32), size=1, data=b"x", external_id="a")
        files.add(session, jobs.get(session, gallery.id, job.id, lock=True), [skipped, waits])
    database.close()

    listed = home.json("imports", "list", "--gallery", "imported")["imports"]
    shown = home.json("imports", "show", job.id, "--gallery", "imported")
    words = home.run("imports", "list", "--gallery", "imported").stdout
    cancelled = home.run("imports", "cancel", job.id, "--gallery", "imported").stdout

    assert [(one["id"], one["state"]) for one in listed] == [(str(job.id), "receiving")]
    assert "[red]Badges" in words
    assert shown["not_enrolled"] == [
        {"name": "notes.txt", "state": "skipped", "code": "not_a_picture", "message": "no"}
    ]
    assert cancelled.startswith("cancelled: 0 of 1 person enrolled, 1 file skipped")
    again = home.json("imports", "show", job.id, "--gallery", "imported")
    assert (again["state"], again["counts"]["cancelled"]) == ("cancelled", 1)
