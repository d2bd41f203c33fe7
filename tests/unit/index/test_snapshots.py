"""Snapshots on disk: complete and correct, or rejected."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import numpy as np
import pytest

from indexer.errors import SnapshotDamaged, SnapshotForeign
from indexer.index.build import BuildResult, RecallRequirement, build
from indexer.index.manifest import Manifest
from indexer.index.snapshots import SnapshotStore
from indexer.types import LogPosition, Tier

GALLERY = uuid.UUID(int=7)
FILES = ("index.faiss", "keys.npy", "owners.npy", "manifest.json")


def built(count: int = 2_000, tier: Tier = Tier.COMPACT) -> BuildResult:
    vectors = np.random.default_rng(count).standard_normal((count, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    requirement = RecallRequirement(genuine_cosines=[0.5, 0.9], threshold=0.5, min_recall=0.5)
    keys = np.arange(count, dtype=np.int64)
    return build(tier, 32, lambda take: take(keys, vectors, keys % 7), requirement)


def write(
    snapshots: SnapshotStore, made: BuildResult, *, applied: int = 5, gallery: uuid.UUID = GALLERY
) -> str:
    manifest = Manifest.of(
        made,
        gallery=gallery,
        model="model-1",
        target=Tier.COMPACT,
        position=LogPosition(number=applied, token=uuid.UUID(int=applied)),
        rebuild_number=0,
    )
    with snapshots.locked():
        return snapshots.write(made, manifest)


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
    for place in range(len(data)):
        flipped = bytearray(data)
        flipped[place] ^= 1
        path.write_bytes(flipped)
        try:
            manifest = snapshots.manifest(snapshot)
        except (SnapshotDamaged, SnapshotForeign):
            continue
        path.write_bytes(data)
        assert manifest == snapshots.manifest(snapshot), "only white space may change"


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


VICTIM = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from indexer.index import snapshots
from tests.unit.index.test_snapshots import GALLERY, built, write

name, count = sys.argv[1].split(":")
module, attribute = (os, name) if hasattr(os, name) else (snapshots, name)
real, calls = getattr(module, attribute), 0

def deadly(*arguments, **keywords):
    global calls
    calls += 1
    if calls == int(count):
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments, **keywords)

setattr(module, attribute, deadly)
write(snapshots.SnapshotStore(Path(sys.argv[2]), GALLERY, "model-1"), built(1_500), applied=50)
"""


@pytest.mark.parametrize(
    "step",
    [
        "write_index:1",
        "write_array:1",
        "write_array:2",
        "write_manifest:1",
        "fsync:1",
        "fsync:4",
        "fsync:5",
        "rename:1",
    ],
)
def test_a_writer_killed_at_any_step_leaves_the_snapshot_before(tmp_path: Path, step: str) -> None:
    snapshots = SnapshotStore(tmp_path, GALLERY, "model-1")
    before = write(snapshots, built())

    root = Path(__file__).parents[3]
    killed = subprocess.run([sys.executable, "-c", VICTIM, step, tmp_path, root], capture_output=True)

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert snapshots.names() == [before]
    assert snapshots.load(before)[0].count == 2_000
    after = write(snapshots, built(1_500), applied=60)
    assert snapshots.names() == [after, before]
    assert not list(snapshots.path.glob(".*.new")), "the hidden directory of the killed writer is gone"


def test_a_writer_killed_after_the_rename_has_written_the_whole_snapshot(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    killed = subprocess.run([sys.executable, "-c", VICTIM, "fsync:6", tmp_path, root], capture_output=True)

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    snapshots = SnapshotStore(tmp_path, GALLERY, "model-1")
    [name] = snapshots.names()
    assert snapshots.load(name)[0].count == 1_500


FULL = """
import resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from indexer.index.snapshots import SnapshotStore
from tests.unit.index.test_snapshots import GALLERY, built, write

made = built(1_500)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    write(SnapshotStore(Path(sys.argv[1]), GALLERY, "model-1"), made)
except OSError as error:
    print(error.errno)
"""


def test_a_failed_write_raises_oserror_and_leaves_nothing(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", FULL, tmp_path, root], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip().isdigit(), done.stderr
    assert [p.name for p in SnapshotStore(tmp_path, GALLERY, "model-1").path.iterdir()] == []


def test_a_directory_that_cannot_be_created_raises_oserror(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(OSError, match="file"):
        write(SnapshotStore(tmp_path / "file", GALLERY, "model-1"), built(20, Tier.EXACT))
    assert os.listdir(tmp_path) == ["file"]
