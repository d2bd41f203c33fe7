"""Damaged, foreign and hostile exports: a typed error, and nothing in the database."""

import hashlib
import io
import json
import os
import tarfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer.errors import ArchiveDamaged, ArchiveInvalid, ArchiveVersionUnknown, GemelError
from indexer.records import galleries
from indexer.records.database.session import Database
from indexer.transfer import folder
from indexer.transfer.archive import contents as archive_contents
from indexer.transfer.archive.check import check
from indexer.transfer.archive.contents import Contents
from indexer.transfer.archive.manifest import NAME
from indexer.transfer.archive.source import open_source
from tests.integration.transfer.conftest import Restore
from tests.support.transfer.galleries import nobody, people

FACES, VECTORS = "faces-000001.ndjson", "vectors-000001.f32"
CROPS, IDENTITIES, PAIRS = "crops-000001.bin", "identities-000001.ndjson", "distinct-000001.ndjson"


class Export:
    """Whose files a test changes, with checksums that fit or not."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def manifest(self, change: Callable[[dict[str, Any]], object]) -> None:
        values = json.loads((self.path / NAME).read_text())
        change(values)
        (self.path / NAME).write_text(json.dumps(values))

    def write(self, name: str, data: bytes) -> None:
        """With its new checksum in the manifest."""
        (self.path / name).write_bytes(data)

        def signed(values: dict[str, Any]) -> None:
            [file] = [file for file in values["files"] if file["name"] == name]
            file |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}

        self.manifest(signed)

    def lines(self, name: str, change: Callable[[dict[str, Any]], object], line: int = 0) -> None:
        lines = [json.loads(each) for each in (self.path / name).read_bytes().splitlines()]
        change(lines[line])
        self.write(name, b"".join(json.dumps(each).encode() + b"\n" for each in lines))

    def vectors(self, change: Callable[[Any], object]) -> None:
        values = np.frombuffer((self.path / VECTORS).read_bytes(), "<f4").reshape(-1, 128).copy()
        change(values)
        self.write(VECTORS, values.tobytes())


@pytest.fixture
def export(database: Database, tmp_path: Path) -> Export:
    people(database, "staff")
    folder.to_folder(database, "staff", tmp_path / "export", progress=nobody)
    with database.transaction() as session:
        galleries.remove(session, galleries.get(session, "staff").id)
    return Export(tmp_path / "export")


def set_to(**values: Any) -> Callable[[Any], None]:
    def change(line: Any) -> None:
        for name, value in values.items():
            line[name] = value

    return change


def set_rows(name: str, rows: int) -> Callable[[Any], None]:
    def change(manifest: Any) -> None:
        [file] = [file for file in manifest["files"] if file["name"] == name]
        file["rows"] = rows

    return change


def nan(vectors: Any) -> None:
    vectors[3, 7] = np.nan


def twice_as_long(vectors: Any) -> None:
    vectors[3] *= 2


def zero(vectors: Any) -> None:
    vectors[3] = 0


def link(export: Export) -> None:
    (export.path / FACES).rename(export.path / "elsewhere")
    (export.path / FACES).symlink_to("/etc/passwd")


def fifo(export: Export) -> None:
    (export.path / FACES).unlink()
    os.mkfifo(export.path / FACES)


def huge_jpeg(export: Export) -> None:
    data = (export.path / CROPS).read_bytes()
    place = data.index(b"\xff\xc0") + 5  # height and width in the first frame header
    export.write(CROPS, data[:place] + b"\xff\xff\xff\xff" + data[place + 4 :])


def twice(export: Export) -> None:
    """Its id is also that of the second one."""
    first = json.loads((export.path / FACES).read_bytes().splitlines()[0])["id"]
    export.lines(FACES, set_to(id=first), line=1)
    export.manifest(lambda m: m["counts"].update(faces=m["counts"]["faces"] - 1))


def with_problem(export: Export) -> None:
    export.lines(FACES, set_to(problem="a\0b"))
    export.vectors(lambda vectors: vectors[0].fill(0))


HOSTILE: dict[str, tuple[Callable[[Export], object], type[GemelError]]] = {
    "no manifest": (lambda e: (e.path / NAME).unlink(), ArchiveDamaged),
    "a manifest of a million lists": (
        lambda e: e.manifest(set_to(policy={"a": [[]] * 1_000_000})),
        ArchiveInvalid,
    ),
    "a million faces in a group": (lambda e: e.manifest(set_rows(FACES, 1_000_000)), ArchiveInvalid),
    "more lines than rows": (lambda e: e.manifest(set_rows(IDENTITIES, 3)), ArchiveInvalid),
    "fewer lines than rows": (lambda e: e.manifest(set_rows(IDENTITIES, 300)), ArchiveInvalid),
    "no line end at the end": (
        lambda e: e.write(IDENTITIES, (e.path / IDENTITIES).read_bytes()[:-1]),
        ArchiveInvalid,
    ),
    "not a manifest": (lambda e: (e.path / NAME).write_text("[" * 100_000), ArchiveInvalid),
    "another manifest": (lambda e: (e.path / NAME).write_text('{"format": "zip"}'), ArchiveInvalid),
    "a later version": (lambda e: e.manifest(set_to(version=2)), ArchiveVersionUnknown),
    "a path as a name": (
        lambda e: e.manifest(lambda m: m["files"][0].update(name="../../etc/passwd")),
        ArchiveInvalid,
    ),
    "a line end after a name": (
        lambda e: e.manifest(lambda m: m["files"][0].update(name=FACES + "\n")),
        ArchiveInvalid,
    ),
    "a file twice": (lambda e: e.manifest(lambda m: m["files"].append(m["files"][0])), ArchiveInvalid),
    "a terabyte": (lambda e: e.manifest(lambda m: m["files"][0].update(bytes=10**12)), ArchiveInvalid),
    "another dimension": (lambda e: e.manifest(lambda m: m["model"].update(dimension=64)), ArchiveInvalid),
    "no model": (lambda e: e.manifest(set_to(model=None)), ArchiveInvalid),
    "a wrong policy": (lambda e: e.manifest(lambda m: m["policy"].update(identify_fpir=7)), ArchiveInvalid),
    "a wrong calibration": (
        lambda e: e.manifest(lambda m: m["calibrations"][0].update(parameters={"format": 1})),
        ArchiveInvalid,
    ),
    "a calibration of one size": (
        lambda e: e.manifest(lambda m: m["calibrations"][0]["parameters"].update(sizes=[1])),
        ArchiveInvalid,
    ),
    "fewer faces than promised": (
        lambda e: e.manifest(lambda m: m["counts"].update(faces=21)),
        ArchiveInvalid,
    ),
    "a missing file": (lambda e: (e.path / VECTORS).unlink(), ArchiveDamaged),
    "a shorter file": (lambda e: os.truncate(e.path / CROPS, 1000), ArchiveDamaged),
    "a flipped bit": (
        lambda e: (e.path / IDENTITIES).write_bytes(
            (e.path / IDENTITIES).read_bytes().replace(b"Person 2", b"Person 3")
        ),
        ArchiveDamaged,
    ),
    "a link": (link, ArchiveInvalid),
    "a pipe": (fifo, OSError),  # type: ignore[dict-item]
    "a huge line": (lambda e: e.lines(IDENTITIES, set_to(metadata={"a": "x" * 300_000})), ArchiveInvalid),
    "metadata that no API takes": (
        lambda e: e.lines(IDENTITIES, set_to(metadata={"a": "x" * 20_000})),
        ArchiveInvalid,
    ),
    "a name with a line end": (lambda e: e.lines(IDENTITIES, set_to(name="a\nb")), ArchiveInvalid),
    "a NUL": (lambda e: e.lines(IDENTITIES, set_to(external_id="a\0")), ArchiveInvalid),
    "an anonymous person with a name": (
        lambda e: e.lines(IDENTITIES, set_to(anonymous=True)),
        ArchiveInvalid,
    ),
    "an external id twice": (
        lambda e: e.lines(IDENTITIES, set_to(external_id="staff-1")),
        ArchiveInvalid,
    ),
    "a year before PostgreSQL's": (
        lambda e: e.lines(IDENTITIES, set_to(created_at="0001-01-01T00:00:00+14:00")),
        ArchiveInvalid,
    ),
    "a time without a zone": (
        lambda e: e.lines(FACES, set_to(created_at="2026-01-01T00:00:00")),
        ArchiveInvalid,
    ),
    "a face of nobody": (
        lambda e: e.lines(FACES, set_to(identity_id="019c8f2e-5f0e-7d3a-b1c4-2f4d6a8b0c1e")),
        ArchiveInvalid,
    ),
    "a face twice": (
        lambda e: e.lines(FACES, set_to(id=json.loads((e.path / FACES).read_text().splitlines()[1])["id"])),
        ArchiveInvalid,
    ),
    "infinity": (lambda e: e.lines(FACES, set_to(quality=float("inf"))), ArchiveInvalid),
    "nine landmarks": (lambda e: e.lines(FACES, set_to(landmarks=[1.0] * 9)), ArchiveInvalid),
    "a pair of one": (
        lambda e: e.lines(PAIRS, lambda line: line.update(other_id=line["identity_id"])),
        ArchiveInvalid,
    ),
    "a crop outside of the file": (
        lambda e: e.lines(FACES, lambda line: line["crop"].update(offset=100_000_000)),
        ArchiveInvalid,
    ),
    "a crop that is that of another face": (
        lambda e: e.lines(
            FACES,
            set_to(crop=json.loads((e.path / FACES).read_text().splitlines()[0])["crop"]),
            line=1,
        ),
        ArchiveInvalid,
    ),
    "a crop that is no JPEG": (
        lambda e: e.write(CROPS, b"GIF89a" + (e.path / CROPS).read_bytes()[6:]),
        ArchiveInvalid,
    ),
    "a crop of four billion pixels": (huge_jpeg, ArchiveInvalid),
    "NaN": (lambda e: e.vectors(nan), ArchiveInvalid),
    "a vector that is too long": (lambda e: e.vectors(twice_as_long), ArchiveInvalid),
    "a vector of zeros": (lambda e: e.vectors(zero), ArchiveInvalid),
    "a problem with a vector": (lambda e: e.lines(FACES, set_to(problem="none")), ArchiveInvalid),
    "a vector too few": (lambda e: e.write(VECTORS, (e.path / VECTORS).read_bytes()[512:]), ArchiveInvalid),
    "a face twice, counted once": (twice, ArchiveInvalid),
    "a NUL in the model": (
        lambda e: e.manifest(lambda m: m["model"].update(fingerprint="a\0b")),
        ArchiveInvalid,
    ),
    "a NUL in a calibration": (
        lambda e: e.manifest(lambda m: m["calibrations"][0]["parameters"].update({"note": "a\0"})),
        ArchiveInvalid,
    ),
    "infinity in a calibration": (
        lambda e: e.manifest(lambda m: m["calibrations"][0]["parameters"].update({"note": float("inf")})),
        ArchiveInvalid,
    ),
    "a lone surrogate in a calibration": (
        lambda e: e.manifest(lambda m: m["calibrations"][0]["parameters"].update({"note": "\ud800"})),
        ArchiveInvalid,
    ),
    "infinity in metadata": (
        lambda e: e.lines(IDENTITIES, set_to(metadata={"a": float("inf")})),
        ArchiveInvalid,
    ),
    "a NUL in a component": (
        lambda e: e.lines(FACES, set_to(quality_components={"a\0": 1.0})),
        ArchiveInvalid,
    ),
    "a NUL in a problem": (with_problem, ArchiveInvalid),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_it_is_rejected_and_nothing_is_imported(
    database: Database, restore: Restore, export: Export, what: str
) -> None:
    damage, error = HOSTILE[what]
    damage(export)

    with pytest.raises(error):
        restore(export.path)
    with database.reading() as session:
        assert galleries.list_all(session) == []


def test_numbers_that_are_too_small_to_be_stored_are_zero(restore: Restore, export: Export) -> None:
    tiny = set_to(confidence=1e-60, quality=1e-60, box=[-1e-60, 1e-300, 1.0, 1.0])
    export.lines(FACES, tiny)

    assert restore(export.path).faces.added == 20


def test_a_backslash_before_u0000_is_no_nul(restore: Restore, export: Export) -> None:
    export.lines(IDENTITIES, set_to(name="a\\u0000b"))

    assert restore(export.path).people.created == 12


def test_a_file_of_line_ends_takes_little_memory_until_it_is_rejected(export: Export) -> None:
    export.write(IDENTITIES, b"\n" * 100_000_000)
    contents = Contents.open(open_source(export.path))

    tracemalloc.start()
    with pytest.raises(ArchiveInvalid):
        check(contents, progress=nobody)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert most < 150_000_000, "of which the file itself is 100 MB"


def test_people_are_read_in_portions_however_large_their_file_is(
    export: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_contents, "LINES_OF_A_PORTION", 5)

    portions = Contents.open(open_source(export.path)).identities()

    assert [len(portion) for portion in portions] == [5, 5, 2]


def entry(name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, size: int | None = None) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = len(data) if size is None else size, kind, "x" * (kind in b"12")
    return info.tobuf(tarfile.GNU_FORMAT) + data + bytes(-len(data) % 512)


TARS = {
    "empty": (b"", ArchiveDamaged),
    "not a tar": (b"PK\3\4" + bytes(range(256)) * 4, ArchiveInvalid),
    "a link": (entry(NAME, kind=tarfile.SYMTYPE), ArchiveInvalid),
    "a device": (entry(NAME, kind=tarfile.CHRTYPE), ArchiveInvalid),
    "a foreign file": (entry("../../etc/cron.d/x", b"x"), ArchiveInvalid),
    "a file twice": (entry(NAME, b"{}") * 2, ArchiveInvalid),
    "a file that is larger than the archive": (entry(NAME, b"{}", size=2**33 - 1), ArchiveDamaged),
    "attributes of a terabyte": (entry(NAME, b"", kind=tarfile.XHDTYPE, size=2**40), ArchiveInvalid),
    "a negative size": (
        (lambda header: header[:124] + b"-0000000001\0" + header[136:])(entry(NAME)),
        ArchiveInvalid,
    ),
}


@pytest.mark.parametrize("what", TARS)
def test_a_hostile_tar_file_is_rejected(restore: Restore, tmp_path: Path, what: str) -> None:
    data, error = TARS[what]
    (tmp_path / "x.tar").write_bytes(data)
    with pytest.raises(error):
        restore(tmp_path / "x.tar")


def test_a_tar_file_that_was_not_copied_completely_is_rejected(
    export: Export, restore: Restore, tmp_path: Path
) -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        tar.add(export.path, "staff")
    for name, size, error in (("half", 0.5, ArchiveDamaged), ("whole", 1.0, None)):
        path = tmp_path / f"{name}.tar"
        path.write_bytes(file.getvalue()[: int(size * len(file.getvalue()))])
        if error is None:
            assert restore(path).faces.added == 20, "folders of a tar program are skipped"
        else:
            with pytest.raises(error):
                restore(path)
