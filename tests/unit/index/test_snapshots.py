"""Snapshots on disk: complete and correct, or rejected."""

import errno
import hashlib
import json
import os
import signal
import uuid
from pathlib import Path

import pytest

from indexer.errors import SnapshotDamaged, SnapshotForeign
from indexer.index.snapshots import SnapshotStore
from indexer.types import Tier
from tests.support.faults.forkserver import exit_code
from tests.support.faults.snapshots import GALLERY, built, write, write_and_die, write_on_a_full_disk

FILES = ("index.faiss", "keys.npy", "owners.npy", "manifest.json")


def test_what_is_loaded_is_what_was_written(tmp_path: Path) -> None:
    snapshots, made = SnapshotStore(tmp_path, GALLERY, "model-1"), built()

    live, manifest = snapshots.load(write(snapshots, made))

    assert (live.applied, live.count, live.tier) == (5, 2_000, Tier.COMPACT)
    assert live.digest == made.digest.hex == manifest.digest
    assert manifest.recall == made.recall
    probe = next(made.searcher.contents())[1][:3]
    expected = made.searcher.search(probe, 4)[1].tolist()
    assert [[n.key for n in row] for row in live.search(probe, 4)] == expected
    expected = made.searcher.search_identities(probe, 4)[1].tolist()
    assert [[n.key for n in row] for row in live.search_identities(probe, 4)] == expected


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", ["a bit", "the end", "all of it", "the file"])
def test_damage_is_noticed_before_the_index_is_read(tmp_path: Path, name: str, damage: str) -> None:
    snapshots = SnapshotStore(tmp_path, GALLERY, "model-1")
    snapshot = write(snapshots, built())
    path = snapshots.path / snapshot / name
    data = bytearray(path.read_bytes())
    if damage == "a bit":
        data[len(data) // 2] ^= 4
    path.unlink()
    if damage != "the file":
        path.write_bytes(bytes({"a bit": data, "the end": data[:-1], "all of it": b""}[damage]))

    with pytest.raises(SnapshotDamaged):
        snapshots.load(snapshot)
    snapshots.quarantine(snapshot)

    assert snapshots.names() == []


def test_every_flipped_bit_of_a_manifest_is_noticed(tmp_path: Path) -> None:
    snapshots = SnapshotStore(tmp_path, GALLERY, "model-1")
    snapshot = write(snapshots, built(20, Tier.EXACT))
    path = snapshots.path / snapshot / "manifest.json"
    data = path.read_bytes()
    whole = snapshots.manifest(snapshot)
    with path.open("r+b", buffering=0) as file:  # to empty it each time would wait for the disk
        for bit in range(8 * len(data)):
            os.pwrite(file.fileno(), bytes([data[bit // 8] ^ 1 << bit % 8]), bit // 8)
            try:
                manifest = snapshots.manifest(snapshot)
            except (SnapshotDamaged, SnapshotForeign):
                continue
            finally:
                os.pwrite(file.fileno(), data[bit // 8 : bit // 8 + 1], bit // 8)
            assert manifest == whole, "only white space may change"


def test_snapshots_of_another_model_or_gallery_are_foreign_and_not_damaged(tmp_path: Path) -> None:
    snapshots = SnapshotStore(tmp_path, GALLERY, "model-1")
    mine = write(snapshots, built(20, Tier.EXACT))
    theirs = write(snapshots, built(20, Tier.EXACT), applied=6, gallery=uuid.UUID(int=8))

    other = SnapshotStore(tmp_path, GALLERY, "model-2")
    other.path.mkdir()
    (snapshots.path / mine).rename(other.path / mine)

    with pytest.raises(SnapshotForeign, match="model"):
        other.load(mine)
    with pytest.raises(SnapshotForeign, match="gallery"):
        snapshots.load(theirs)


@pytest.mark.parametrize("change", [{"format": 4}, {"tier": "graph"}, {"target": "ivf"}])
def test_a_snapshot_of_another_version_is_foreign_and_not_damaged(
    tmp_path: Path, change: dict[str, object]
) -> None:
    """Of another format, or of a tier that this version does not have."""
    snapshots = SnapshotStore(tmp_path, GALLERY, "model-1")
    snapshot = write(snapshots, built(20, Tier.EXACT))
    path = snapshots.path / snapshot / "manifest.json"
    body = json.loads(path.read_bytes()) | change
    del body["sha256"]
    body["sha256"] = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    path.write_text(json.dumps(body))

    with pytest.raises(SnapshotForeign, match=r"version"):
        snapshots.load(snapshot)


def test_of_two_at_the_same_change_the_later_comes_first(tmp_path: Path) -> None:
    """A rebuild without a change in between, in the same second."""
    snapshots, made = SnapshotStore(tmp_path, GALLERY, "model-1"), built(20, Tier.EXACT)
    written = [write(snapshots, made) for _ in range(8)]

    assert snapshots.names() == written[::-1]


def test_the_newest_comes_first_and_pruning_keeps_it(tmp_path: Path) -> None:
    snapshots, made = SnapshotStore(tmp_path, GALLERY, "model-1"), built(20, Tier.EXACT)
    names = [write(snapshots, made, applied=applied) for applied in (9, 10, 100)]
    snapshots.quarantine(names[0])

    removed = snapshots.prune(1)

    assert snapshots.names() == [names[2]]
    assert removed == [names[1], names[0] + ".damaged"]


@pytest.mark.parametrize(
    "step",
    [
        "indexer.index.snapshots:write_index:before:1",
        "indexer.index.snapshots:write_array:before:1",
        "indexer.index.snapshots:write_array:before:2",
        "indexer.index.snapshots:write_manifest:before:1",
        "os:fsync:before:1",
        "os:fsync:before:4",
        "os:fsync:before:5",
        "os:rename:before:1",
    ],
)
def test_a_writer_killed_at_any_step_leaves_the_snapshot_before(tmp_path: Path, step: str) -> None:
    snapshots = SnapshotStore(tmp_path, GALLERY, "model-1")
    before = write(snapshots, built())

    assert exit_code(write_and_die, step, tmp_path) == -signal.SIGKILL

    assert snapshots.names() == [before]
    assert snapshots.load(before)[0].count == 2_000
    after = write(snapshots, built(1_500), applied=60)
    assert snapshots.names() == [after, before]
    assert not list(snapshots.path.glob(".*.new")), "the hidden directory of the killed writer is gone"


def test_a_writer_killed_after_the_rename_has_written_the_whole_snapshot(tmp_path: Path) -> None:
    assert exit_code(write_and_die, "os:fsync:before:6", tmp_path) == -signal.SIGKILL

    snapshots = SnapshotStore(tmp_path, GALLERY, "model-1")
    [name] = snapshots.names()
    assert snapshots.load(name)[0].count == 1_500


def test_a_failed_write_raises_oserror_and_leaves_nothing(tmp_path: Path) -> None:
    assert exit_code(write_on_a_full_disk, tmp_path) == errno.EFBIG

    assert [p.name for p in SnapshotStore(tmp_path, GALLERY, "model-1").path.iterdir()] == []


def test_a_directory_that_cannot_be_created_raises_oserror(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(OSError, match="file"):
        write(SnapshotStore(tmp_path / "file", GALLERY, "model-1"), built(20, Tier.EXACT))
    assert os.listdir(tmp_path) == ["file"]
