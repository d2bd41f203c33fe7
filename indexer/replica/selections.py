"""The people whom filters select, kept in step with the change log: a cache of this process.

A request has read the gallery's row. A selection of that row's position is used as it is; otherwise the
changes since are read, and the filter is applied again to the people whom they touch. So a person whose
metadata changed is found, or not found, by the next request, whichever process made the change.
"""

import threading
from collections import OrderedDict
from uuid import UUID

from indexer.index.searchable_index import SearchableIndex
from indexer.index.selections.selection import Selection
from indexer.records.database.session import Database
from indexer.records.filters import selected_people
from indexer.records.filters.people_filter import PeopleFilter
from indexer.records.tables import Gallery
from indexer.types import LogPosition

MAX_FILTERS = 1_000
MAX_BYTES = 128 * 2**20
"""Of all selections together; beyond, those that were not used for the longest time are dropped."""

_Key = tuple[UUID, str]
"""Gallery, and the filter by its checksum: its text may have megabytes."""


class SelectionCache:
    """Safe to call from several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._entries: OrderedDict[_Key, _Entry] = OrderedDict()

    def caught_up(
        self, gallery: Gallery, people: PeopleFilter, index: SearchableIndex
    ) -> tuple[Selection, int]:
        """The selection with every change that the gallery's row, as it was read, and `index` know of; and
        the number of its last change. Raises GalleryNotFound, DatabaseUnavailable, Busy."""
        key = (gallery.id, people.sha256)
        with self._lock:
            entry = self._entries.setdefault(key, _Entry())
            self._entries.move_to_end(key)
        selection, position = entry.caught_up(self._database, gallery, people, index.applied)
        self._shrink()
        return selection, position.number

    def _shrink(self) -> None:
        with self._lock:
            size = sum(entry.memory_bytes for entry in self._entries.values())
            while len(self._entries) > 1 and (len(self._entries) > MAX_FILTERS or size > MAX_BYTES):
                size -= self._entries.popitem(last=False)[1].memory_bytes


class _Entry:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        """Held during a query, so that requests that wait for the same people send one."""
        self._selection: Selection | None = None
        self._position: LogPosition | None = None

    @property
    def memory_bytes(self) -> int:
        selection = self._selection
        return 0 if selection is None else selection.memory_bytes

    def caught_up(
        self, database: Database, gallery: Gallery, people: PeopleFilter, applied: int
    ) -> tuple[Selection, LogPosition]:
        with self._lock:
            selection, position = self._selection, self._position
            if selection is not None and position == gallery.position and applied <= position.number:
                return selection, position
            with database.reading() as session:
                changed = None
                if position is not None and gallery.change_number - position.number <= (
                    selected_people.MAX_CHANGES
                ):
                    changed = selected_people.read_changed(session, gallery.id, people, position)
                if changed is not None and selection is not None:
                    # Of a selection of everybody else, those who meet the condition are left out.
                    ins, outs = changed.selected, changed.others
                    if selection.excluded:
                        ins, outs = outs, ins
                    selection, position = selection.replaced(ins, outs), changed.position
                else:
                    position, numbers = selected_people.read_all(session, gallery.id, people)
                    selection = Selection(numbers, excluded=people.is_anonymous_only)
            self._selection, self._position = selection, position
            return selection, position
