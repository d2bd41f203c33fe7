"""Counted searches: whether a gallery's promised false positive rate is kept

Revision: 0014.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "search_count",
        sa.Column("gallery_id", sa.Uuid, sa.ForeignKey("gallery.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("basis", sa.Text, primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("searches", sa.BigInteger, nullable=False),
        sa.Column("matched", sa.BigInteger, nullable=False),
        sa.Column("expected_false_alarms", sa.Double, nullable=False),
        sa.Column("duplicates", sa.BigInteger, nullable=False),
        sa.Column("matched_searches", sa.ARRAY(sa.BigInteger), nullable=False),
        sa.Column("matched_reached", sa.ARRAY(sa.BigInteger), nullable=False),
        sa.Column("matched_limit", sa.Double, nullable=False),
        sa.Column("unmatched_searches", sa.ARRAY(sa.BigInteger), nullable=False),
        sa.Column("unmatched_reached", sa.ARRAY(sa.BigInteger), nullable=False),
        sa.Column("unmatched_limit", sa.Double, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("search_count")
