"""`gemel gallery export|import` as they are typed."""

from pathlib import Path

import pytest

from tests.support.home import Home


@pytest.fixture(scope="module")
def export(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    home.run("gallery", "create", "staff")
    home.run("gallery", "export", "staff", folder / "staff.tar")
    return folder / "staff.tar"


def test_an_export_is_imported_under_another_name(home: Home, export: Path) -> None:
    done = home.json("gallery", "import", export, "--name", "copy")

    assert (done["gallery"], done["identities_created"], done["faces_added"]) == ("copy", 0, 0)


def test_a_file_that_is_no_export_is_named(home: Home, tmp_path: Path) -> None:
    (tmp_path / "notes.tar").write_text("no export " * 100)
    (tmp_path / "empty").mkdir()
    for path, why in (
        (tmp_path / "notes.tar", "the file is not a tar archive"),
        (tmp_path / "empty", "there is no manifest.json"),
    ):
        said = home.run("gallery", "import", path, status=1).stderr
        assert f"{path}: {why}" in said


def test_a_name_that_no_gallery_can_have_is_rejected_before_anything_is_read(
    home: Home, export: Path, tmp_path: Path
) -> None:
    data = export.read_bytes()
    damaged = tmp_path / "damaged.tar"
    damaged.write_bytes(data.replace(b'"identities": 0', b'"identities": 1'))

    assert "the manifest says" in home.run("gallery", "import", damaged, "--name", "ok", status=1).stderr
    said = home.run("gallery", "import", damaged, "--name", "bad name", status=1).stderr

    assert "a gallery's name has 1 to 63 letters" in said
