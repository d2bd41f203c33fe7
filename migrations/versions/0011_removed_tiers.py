"""Galleries of the tiers `graph` and `ivf`, which are gone, are searched as the settings say

Revision: 0011.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    gallery = sa.table("gallery", sa.column("index_tier", sa.Text))
    removed = gallery.c.index_tier.in_(["graph", "ivf"])
    op.execute(gallery.update().where(removed).values(index_tier=None))
    op.execute(
        "UPDATE reindex SET verified = (verified - 'generation') || jsonb_build_object("
        "'snapshot', verified -> 'generation')"
        " WHERE verified ? 'generation'"
    )


def downgrade() -> None:
    """Which galleries had one of the tiers is not known; the older version reads NULL too."""
    op.execute(
        "UPDATE reindex SET verified = (verified - 'snapshot') || jsonb_build_object("
        "'generation', verified -> 'snapshot')"
        " WHERE verified ? 'snapshot'"
    )
