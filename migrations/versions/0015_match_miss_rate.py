"""A further match limit of a gallery: faces of a photograph with a higher expected miss rate match nobody

Revision: 0015.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("gallery", sa.Column("max_match_miss_rate", sa.Double))
    op.create_check_constraint(
        "gallery_max_match_miss_rate_check",
        "gallery",
        "max_match_miss_rate >= 0 AND max_match_miss_rate <= 1",
    )


def downgrade() -> None:
    op.drop_column("gallery", "max_match_miss_rate")
