"""Clusterings: jobs that join anonymous identities

Revision: 0030.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "clustering",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("gallery_id", sa.Uuid, sa.ForeignKey("gallery.id", ondelete="CASCADE"), nullable=False),
        sa.Column("state", sa.Text, server_default="waiting", nullable=False),
        sa.Column("step", sa.Text),
        *(sa.Column(name, sa.Boolean, nullable=False) for name in ("dry_run", "join_groups", "join_named")),
        *(sa.Column(name, sa.REAL) for name in ("threshold", "used_threshold")),
        sa.Column("figures", JSONB, server_default="{}", nullable=False),
        sa.Column("result", sa.LargeBinary),
        sa.Column("problem", sa.Text),
        sa.Column("caller_name", sa.Text, nullable=False),
        sa.Column("caller_key_id", sa.Uuid),
        sa.Column("worker", sa.Text),
        sa.Column("leased_until", sa.DateTime(timezone=True)),
        sa.Column("attempts", sa.SmallInteger, server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'done', 'failed', 'cancelled')", name="clustering_state_check"
        ),
        sa.CheckConstraint(
            "(state IN ('done', 'failed', 'cancelled')) = (ended_at IS NOT NULL)",
            name="clustering_ended_check",
        ),
        sa.CheckConstraint("threshold > 0 AND threshold <= 1", name="clustering_threshold_check"),
    )
    op.create_index("clustering_gallery_id_idx", "clustering", ["gallery_id", "id"])
    op.create_index(
        "clustering_open_key",
        "clustering",
        ["gallery_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("clustering")
