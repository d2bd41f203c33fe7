"""Comparisons of indexes with PostgreSQL

Revision: 0027.
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "index_check",
        sa.Column("gallery_id", sa.Uuid, sa.ForeignKey("gallery.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("pid", sa.BigInteger, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("started_at", time, server_default=sa.func.now(), nullable=False),
        sa.Column("finished_at", time),
        sa.Column("change_number", sa.BigInteger),
        sa.Column("faces", sa.BigInteger),
        sa.Column("equal", sa.Integer),
        sa.Column("different", sa.Integer),
        sa.Column("not_compared", sa.Integer),
        sa.Column("problem", sa.Text),
    )


def downgrade() -> None:
    op.drop_table("index_check")
