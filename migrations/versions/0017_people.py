"""People: reviews of pairs, pairs known to be different, and changes that can be undone

Revision: 0017.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "review",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("gallery_id", sa.Uuid, sa.ForeignKey("gallery.id", ondelete="CASCADE"), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("identity_id", sa.Uuid, nullable=False),
        sa.Column("other_id", sa.Uuid, nullable=False),
        sa.Column("score", sa.REAL, nullable=False),
        sa.Column("threshold", sa.REAL, nullable=False),
        sa.Column("state", sa.Text, server_default="open", nullable=False),
        _time("created_at"),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("decided_by", sa.Text),
        sa.Column("change_id", sa.Uuid),
        sa.CheckConstraint("kind IN ('duplicate', 'doubtful_match')", name="review_kind_check"),
        sa.CheckConstraint("state IN ('open', 'same', 'different')", name="review_state_check"),
        sa.CheckConstraint("identity_id <> other_id", name="review_pair_check"),
        sa.CheckConstraint("(state = 'open') = (decided_at IS NULL)", name="review_decided_check"),
    )
    op.create_index(
        "review_open_key",
        "review",
        [sa.text("least(identity_id, other_id)"), sa.text("greatest(identity_id, other_id)")],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("review_gallery_id_idx", "review", ["gallery_id", "state", "id"])
    op.create_index("review_identity_id_idx", "review", ["identity_id"])
    op.create_index("review_other_id_idx", "review", ["other_id"])
    op.create_table(
        "distinct_people",
        sa.Column("lower_id", sa.Uuid, sa.ForeignKey("identity.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("higher_id", sa.Uuid, sa.ForeignKey("identity.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("gallery_id", sa.Uuid, sa.ForeignKey("gallery.id", ondelete="CASCADE"), nullable=False),
        _time("created_at"),
        sa.CheckConstraint("lower_id < higher_id", name="distinct_people_pair_check"),
    )
    op.create_index("distinct_people_higher_id_idx", "distinct_people", ["higher_id"])
    op.create_table(
        "person_change",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("gallery_id", sa.Uuid, sa.ForeignKey("gallery.id", ondelete="CASCADE"), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("identity_id", sa.Uuid, nullable=False),
        sa.Column("other_id", sa.Uuid, nullable=False),
        sa.Column("before", JSONB, nullable=False),
        _time("created_at"),
        sa.Column("undone_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("kind IN ('merge', 'split', 'move')", name="person_change_kind_check"),
    )
    for column in ("identity_id", "other_id", "gallery_id"):
        op.create_index(f"person_change_{column}_idx", "person_change", [column])


def downgrade() -> None:
    for table in ("person_change", "distinct_people", "review"):
        op.drop_table(table)


def _time(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False)
