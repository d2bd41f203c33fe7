"""Archives whose entries cannot be read, or should not be."""

import tracemalloc
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from tests.integration.imports.conftest import Importer
from tests.support.home import wait_for

Pair = tuple[bytes, bytes]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_entry_whose_compression_has_no_bound_is_not_unpacked(
    importer: Importer, small: Pair, method: int
) -> None:
    body = BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("Grace/1.jpg", small[0])
        archive.writestr("Grace/bomb.jpg", b"\0" * 30_000_000, method)
    lying = body.getvalue().replace((30_000_000).to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    id = importer.create()

    tracemalloc.start()
    try:
        importer.send_raw(id, lying, "application/zip").raise_for_status()
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert importer.files(id)["Grace/bomb.jpg"]["code"] == "unreadable_file"
    assert most < 30_000_000


@pytest.mark.parametrize("what", ["damaged", "encrypted", "another compression"])
def test_an_archive_whose_manifest_cannot_be_read_is_rejected(
    importer: Importer, import_folder: Path, small: Pair, what: str
) -> None:
    manifest = b"file,external_id\na.jpg,4711\n"
    body = BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("a.jpg", small[0])
        archive.writestr(
            "manifest.csv", manifest, zipfile.ZIP_LZMA if what == "another compression" else None
        )
    whole = body.getvalue()
    if what == "damaged":
        whole = whole.replace(manifest, manifest.upper())
    if what == "encrypted":
        at = whole.rindex(b"PK\x01\x02") + 8
        whole = whole[:at] + b"\x01" + whole[at + 1 :]
    (import_folder / "manifest.zip").write_bytes(whole)
    id = importer.create()

    answer = importer.send_raw(id, whole, "application/zip")
    of_path = importer.create(path="manifest.zip")
    wait_for(lambda: importer.get(of_path)["state"] == "done", 60)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert "manifest.csv" in importer.get(of_path)["problem"]


def test_a_field_of_a_form_that_is_no_picture_in_base64_is_skipped(importer: Importer, small: Pair) -> None:
    id = importer.create()
    form = [("files", ("Grace/1.jpg", small[0])), ("files", (None, b"data:image/jpeg;base64,A!!!"))]

    answer = importer.client.post(f"{importer.path}/{id}/files", files=form)

    assert (answer.status_code, answer.json()["skipped"]) == (202, 1)
