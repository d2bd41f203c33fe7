"""Counted searches of all processes are added up by day; a new calibration starts at zero."""

from datetime import timedelta
from uuid import uuid4

import numpy as np
from sqlalchemy import update

from indexer.records import galleries, search_counts
from indexer.records.database.session import Database
from indexer.records.search_counts import ENOUGH, GROUPS, WINDOW, SearchCounts
from indexer.records.tables import SearchCount


def counted(searches: int) -> SearchCounts:
    """All of them in the second group."""
    groups = np.zeros(GROUPS, np.int64)
    groups[1] = searches
    return SearchCounts(searches=searches, expected_false_alarms=searches / 100, unmatched_searches=groups)


def test_the_counts_of_two_processes_are_added_up(database: Database) -> None:
    with database.transaction() as session:
        gallery = galleries.create(session, "staff")
    for searches in (3, 4):
        with database.transaction() as session:
            total = search_counts.add(session, gallery.id, "m-1", counted(searches))

    with database.reading() as session:
        stored = search_counts.recent(session, gallery.id, "m-1")
        other = search_counts.recent(session, gallery.id, "m-2")

    for sums in (total, stored):
        assert (sums.searches, sums.unmatched_searches[1], sums.unmatched_searches.sum()) == (7, 7, 7)
        assert sums.expected_false_alarms == 0.07
    assert other.searches == 0, "another calibration"


def test_as_many_days_are_added_up_as_have_enough_searches_and_old_ones_are_deleted(
    database: Database,
) -> None:
    with database.transaction() as session:
        gallery = galleries.create(session, "staff")
    for age, searches in (
        (WINDOW + timedelta(days=1), 1),
        (timedelta(days=20), 10),
        (timedelta(days=2), 100),
    ):
        with database.transaction() as session:
            search_counts.add(session, gallery.id, "m-1", counted(searches))
            session.execute(
                update(SearchCount)
                .where(SearchCount.searches == searches)
                .values(day=SearchCount.day - age)
                .execution_options(synchronize_session=False)
            )
    with database.transaction() as session:
        few = search_counts.add(session, gallery.id, "m-1", counted(1000))
        enough = search_counts.add(session, gallery.id, "m-1", counted(ENOUGH))
        search_counts.prune(session)
    with database.reading() as session:
        days = session.query(SearchCount).count()

    assert few.searches == 1000 + 100 + 10
    assert enough.searches == 1000 + ENOUGH
    assert days == 3


def test_counts_of_a_gallery_that_was_deleted_meanwhile_are_dropped(database: Database) -> None:
    with database.transaction() as session:
        assert search_counts.add(session, uuid4(), "m-1", counted(3)).searches == 0
        assert session.query(SearchCount).count() == 0
