"""Names and external ids in Unicode's composed form (NFC), in which they are looked up from now on

If the external ids of two people in a gallery differ in their form only, both stay: only their owner can tell
which one is meant. The one in another form is found by its id. A text whose composed form has more than 255
characters stays too.

Revision: 0006.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_IDS = """
UPDATE identity SET external_id = normalize(external_id, NFC)
WHERE id IN (
    SELECT DISTINCT ON (one.gallery_id, normalize(one.external_id, NFC)) one.id
    FROM identity AS one
    WHERE one.external_id IS NOT NFC NORMALIZED
      AND char_length(normalize(one.external_id, NFC)) <= 255
      AND NOT EXISTS (
          SELECT FROM identity AS other
          WHERE other.gallery_id = one.gallery_id AND other.external_id = normalize(one.external_id, NFC)
      )
    ORDER BY one.gallery_id, normalize(one.external_id, NFC), one.id
)
"""
_NAMES = """
UPDATE identity SET name = normalize(name, NFC)
WHERE name IS NOT NFC NORMALIZED AND char_length(normalize(name, NFC)) <= 255
"""


def upgrade() -> None:
    for statement in (_IDS, _NAMES):
        op.execute(sa.text(statement))


def downgrade() -> None:
    """The composed form is the same text."""
