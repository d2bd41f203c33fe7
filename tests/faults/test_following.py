"""Several processes on one PostgreSQL: what one enrols the others find, whatever breaks on the way."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from indexer.errors import IndexBehind, IndexNotReady
from indexer.records import embedded, galleries
from indexer.records.database import schema
from indexer.records.database.session import Database
from indexer.replica.store import IndexStore
from tests.support.faults.driven import Driven
from tests.support.faults.load import Load
from tests.support.faults.node import GALLERY, Node
from tests.support.faults.postgresql import pg_ctl, restart
from tests.support.home import wait_for

CUT_ALL = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE pid <> pg_backend_pid() AND application_name = 'gemel'"
)


def applied(node: Node) -> int:
    """What the open index has, without asking for it to be brought along."""
    return max((report.applied for report in node.index_cache.reports()), default=0)


def has_tier(node: Node, tier: str) -> Callable[[], bool]:
    return lambda: node.index_cache.reports()[0].tier == tier


def work_goes_on(load: Load) -> None:
    seen = load.done
    wait_for(lambda: load.done > seen + 3)


def snapshot(node: Node) -> str | None:
    [report] = node.index_cache.reports()
    return report.snapshot


@pytest.fixture
def start(database: Database, migrated: str, tmp_path: Path) -> Iterator[Callable[..., Node]]:
    """Nodes with an open index of 30 people each, on one disk."""
    with database.transaction() as session:
        galleries.create(session, GALLERY)
    nodes: list[Node] = []

    def start(**options: Any) -> Node:
        node = Node(migrated, tmp_path, **options)
        if not nodes:
            for person in range(30):
                node.enrol(person)
        nodes.append(node)
        assert node.finds(1)
        return node

    yield start
    for node in nodes:
        node.close()


def check(node: Node, load: Load, others: set[int]) -> None:
    """All that was acknowledged holds, here and in a process that starts now."""
    assert load.wrong == []
    enrolled = load.enrolled | others
    assert node.enrolled() == enrolled
    missing = [person for person in enrolled if not node.finds(person)]
    back = [person for person in load.deleted if node.finds(person)]
    assert (missing, back) == ([], [])
    verification = node.verify()
    assert verification.clean
    assert verification.digest == node.index_cache.reports()[0].digest


def test_a_change_reaches_the_other_process_without_anybody_asking(start: Callable[..., Node]) -> None:
    one, other = start(), start()

    number = one.enrol(100)

    wait_for(lambda: applied(other) >= number)
    one.delete(100)
    wait_for(lambda: applied(other) == number + 1)


def test_a_lost_notice_costs_a_poll_and_nothing_else(
    start: Callable[..., Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = start(), start()
    monkeypatch.setattr("indexer.records.changes.CHANNEL", "nobody_listens")

    number = one.enrol(100)

    assert other.finds(100), "who asks need not wait for the poll"
    wait_for(lambda: applied(other) >= number)
    monkeypatch.undo()


def test_connections_are_cut_again_and_again_under_load(
    start: Callable[..., Node], database: Database
) -> None:
    one, other = start(), start()
    with Load(one, first=100) as load:
        for _ in range(8):
            with database.transaction() as session:
                session.execute(text(CUT_ALL))
            work_goes_on(load)

    assert load.errors, "or nothing was cut"
    wait_for(lambda: applied(other) == one.gallery().change_number)
    check(one, load, set(range(30)))
    check(other, load, set(range(30)))


def test_the_index_is_rebuilt_again_and_again_under_load(
    start: Callable[..., Node], database: Database
) -> None:
    """An operator asks, deletions mount up, another tier is wanted: nobody waits, nothing gets lost."""
    one, other = start(), start()
    snapshots = set()
    with Load(one, first=100) as load:
        for tier in ("exact-fp16", "exact", "exact-fp16", None):
            with database.transaction() as session:
                galleries.request_rebuild(session, one.gallery().id, tier=tier)
            for node in (one, other):
                wait_for(has_tier(node, tier or "exact"))
            snapshots.add(snapshot(one))
        used: dict[Node, set[str | None]] = {one: set(), other: set()}

        def both_used_a_new_one() -> bool:
            for node, seen in used.items():
                seen.add(snapshot(node))
            return bool((used[one] & used[other]) - snapshots - {None})

        wait_for(both_used_a_new_one, 240)

    check(one, load, set(range(30)))
    check(other, load, set(range(30)))
    assert len(snapshots - {None}) == 4
    waited = [error for error in load.errors if isinstance(error, (IndexNotReady, IndexBehind))]
    assert waited == [], "nobody waits for a rebuild"


def test_two_processes_of_a_machine_build_an_index_once(
    start: Callable[..., Node], monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    one, other = start(), start()
    built: list[str] = []
    real = IndexStore.build

    def build(self: IndexStore, *arguments: Any, **named: Any) -> Any:
        built.append(self.card.name)
        return real(self, *arguments, **named)

    monkeypatch.setattr(IndexStore, "build", build)
    before = snapshot(one)
    with database.transaction() as session:
        galleries.request_rebuild(session, one.gallery().id, keep_tier=True)

    wait_for(lambda: snapshot(one) not in (before, None) and snapshot(other) == snapshot(one))
    assert len(built) == 1


@pytest.mark.parametrize("paused", ["while it runs", "while it is down"])
def test_an_index_that_slept_longer_than_the_log_is_kept(
    start: Callable[..., Node], database: Database, migrated: str, tmp_path: Path, paused: str
) -> None:
    one = start()
    other = start(keeping=False)
    for person in range(100, 105):
        one.enrol(person)
    one.delete(3)
    with database.transaction() as session:
        session.execute(text("DELETE FROM change"))

    if paused == "while it is down":
        other = start(keeping=False)

    assert all(other.finds(person) for person in [1, *range(100, 105)])
    assert not other.finds(3)
    assert other.verify().clean


def test_a_database_that_was_set_back_is_noticed(start: Callable[..., Node], database: Database) -> None:
    """From a backup, say: faces that it does not have must not be found any more."""
    one = start()
    number = one.enrol(100)
    wait_for(lambda: applied(one) == number)
    with database.transaction() as session:
        session.execute(text("DELETE FROM identity WHERE external_id = '100'"))
        session.execute(text("DELETE FROM change WHERE number = :number"), {"number": number})
        session.execute(
            text("UPDATE gallery SET change_number = change_number - 1, face_count = face_count - 1")
        )

    wait_for(lambda: applied(one) < number)

    assert not one.finds(100)
    assert one.finds(3)
    one.enrol(101)
    assert one.finds(101)


def test_the_least_recently_used_index_is_closed_and_opened_again(
    database: Database, migrated: str, tmp_path: Path
) -> None:
    names = [f"team-{i}" for i in range(6)]
    with database.transaction() as session:
        for name in names:
            galleries.create(session, name)
    node = Node(migrated, tmp_path, memory_bytes=3 * 20_000)
    try:
        for i, name in enumerate(names):
            node.enrol(i, name)
            assert node.finds(i, name)
        wait_for(lambda: len(node.index_cache.reports()) == 3)

        assert {report.gallery_id for report in node.index_cache.reports()} == {
            node.gallery(name).id for name in names[-3:]
        }
        assert all(node.finds(i, name) for i, name in enumerate(names))
    finally:
        node.close()


def test_a_full_disk_costs_the_snapshot_and_no_answer(
    start: Callable[..., Node], migrated: str, tmp_path: Path
) -> None:
    one = start()
    full = Driven(migrated, tmp_path / "other")
    full.do("limit", bytes=1_000)

    assert full.do("search", person=3), "it is read from PostgreSQL, and not kept"
    refused = full.do("rebuild")
    assert "File too large" in refused
    full.do("enrol", person=100)
    assert full.do("search", person=100)
    full.kill()

    written = [path for path in (tmp_path / "other" / "index").glob("*/*/*") if path.is_dir()]
    assert written == []
    assert one.finds(100)
    assert one.verify().clean


@pytest.mark.parametrize("how", ["fast", "immediate", "killed"])
def test_postgresql_is_restarted_under_load(tmp_path: Path, how: str) -> None:
    home = tmp_path / "postgresql-home"
    url = embedded.start(home)
    database = Database(url)
    schema.migrate(database)
    with database.transaction() as session:
        galleries.create(session, GALLERY)
    database.close()
    node, other = (Node(url, tmp_path / name) for name in ("one", "other"))
    for person in range(30):
        node.enrol(person)
    assert other.finds(3)
    try:
        with Load(node, first=100) as load:
            for _ in range(2):
                work_goes_on(load)
                restart(home, how)
                work_goes_on(load)
        assert load.errors, "or it was never away"
        wait_for(lambda: applied(other) == node.gallery().change_number)
        check(node, load, set(range(30)))
        check(other, load, set(range(30)))
    finally:
        node.close()
        other.close()
        pg_ctl(home, "stop", "-m", "immediate")
        embedded.stop(home)
