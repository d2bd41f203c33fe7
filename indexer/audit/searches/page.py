"""An explanation as an HTML page, with the kept crops side by side.

One file that needs no other. It shows people's faces, so it is as confidential as the gallery.
"""

from indexer.audit.searches.explanation import Explanation
from indexer.pages import html as pages
from indexer.records.audit import present, probes
from indexer.records.database.session import Database


def render(database: Database, explained: Explanation) -> str:
    """Raises Misconfigured without the extra `report`."""
    pages.require()
    with database.reading() as session:
        kept = probes.of_event(session, explained.audit_id)
        crops = present.crops(session, {c.face_id for face in explained.faces for c in face.candidates})
    return pages.render(
        "explanation.html.j2",
        explained=explained,
        probes=[_url(kept[n].jpeg if n in kept else None) for n in range(len(explained.faces))],
        crops={c.face_id: _url(crops.get(c.face_id)) for face in explained.faces for c in face.candidates},
    )


def _url(jpeg: bytes | None) -> str | None:
    return None if jpeg is None else pages.as_url("image/jpeg", jpeg)
