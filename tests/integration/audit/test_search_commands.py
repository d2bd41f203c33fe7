"""`gemel audit explain|replay|dispute|forget` on real faces."""

from pathlib import Path

from tests.support.home import Home


def test_a_search_is_explained_repeated_disputed_and_forgotten_by_commands(
    tmp_path: Path, migrated: str, database: object, hopper: bytes, collins: bytes
) -> None:
    home = Home(tmp_path)
    home.environment["GEMEL_DATABASE_URL"] = migrated
    for name, image in (("Grace", hopper), ("Eileen", collins)):
        (tmp_path / "people" / name).mkdir(parents=True)
        (tmp_path / "people" / name / "1.jpg").write_bytes(image)
    (tmp_path / "door.jpg").write_bytes(hopper)
    home.run("gallery", "create", "staff", "--keep-probes")
    home.run("enrol", tmp_path / "people", "-g", "staff")
    [answer] = home.json("identify", tmp_path / "door.jpg", "-g", "staff")
    audit_id, person = answer["audit_id"], answer["faces"][0]["candidates"][0]["identity"]["id"]

    explained = home.run("audit", "explain", audit_id, "--html", tmp_path / "why.html").stdout
    assert "The face was matched with Grace: a score of 1.000" in explained
    page = (tmp_path / "why.html").read_text()
    assert page.count('src="data:image/jpeg;base64,') == 3  # the probe, and the first two people
    assert "The face was matched with Grace" in page

    assert "The answer is the same: Grace is matched." in home.run("audit", "replay", audit_id).stdout

    home.run("audit", "dispute", audit_id, person)
    [later] = home.json("identify", tmp_path / "door.jpg", "-g", "staff")
    assert later["faces"][0]["candidates"][0]["disputed"] == 1
    assert "no longer disputed" in home.run("audit", "dispute", audit_id, person, "--withdraw").stdout
    missing = home.run("audit", "dispute", audit_id, person, "--withdraw", status=1)
    assert "nobody disputes this match" in missing.stderr

    assert home.json("audit", "forget", audit_id) == {"deleted": 1}
    assert "no crop of its faces is kept" in home.run("audit", "replay", audit_id, status=1).stderr
    assert "does not keep probes" in home.run("gallery", "set", "staff", "--no-keep-probes").stdout
