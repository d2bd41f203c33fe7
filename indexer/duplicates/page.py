"""Possible duplicates of a gallery as an HTML page, one file that needs no other."""

from datetime import UTC, datetime

from indexer.duplicates.gallery_search import GalleryDuplicates, SimilarPeople
from indexer.pages import html as pages
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.database.session import Database
from indexer.records.enrolled import faces

LISTED = 200
"""Pairs that the page shows, with two crops each: some 3 MB. JSON has all."""


def render(database: Database, found: GalleryDuplicates) -> str:
    """The page has crops, so that the audit record says that somebody exported them. Raises Misconfigured
    without the extra `report`."""
    groups = _first(found.groups, LISTED)
    keys = {key for group in groups for pair in group for key in (pair.key, pair.other_key)}
    with database.transaction() as session:
        crops = faces.get_crops(session, found.gallery.id, keys)
        details = {"what": "duplicates", "crops": len(crops)}
        record(session, AuditEvent(action=Action.EXPORTED, gallery=found.gallery.name, details=details))
    return pages.render(
        "duplicates.html.j2",
        found=found,
        groups=groups,
        pairs=len(found.pairs),
        shown=sum(len(group) for group in groups),
        crops={key: pages.as_url("image/jpeg", jpeg) for key, jpeg in crops.items()},
        made=datetime.now(UTC),
    )


def _first(groups: list[list[SimilarPeople]], most: int) -> list[list[SimilarPeople]]:
    """Of the groups, with at most so many pairs together."""
    taken: list[list[SimilarPeople]] = []
    for group in groups:
        if most <= 0:
            break
        taken.append(group[:most])
        most -= len(group)
    return taken
