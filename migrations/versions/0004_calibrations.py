"""Calibrations, and the policy of a gallery: its share of false alarms

Revision: 0004.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calibration",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("gallery_id", sa.Uuid(), nullable=True),
        sa.Column("model_id", sa.SmallInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("parameters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("source IN ('gallery', 'photographs', 'pairs')", name="calibration_source_check"),
        sa.ForeignKeyConstraint(["gallery_id"], ["gallery.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "calibration_in_force_idx", "calibration", ["model_id", "gallery_id", "created_at"], unique=False
    )
    op.add_column("gallery", sa.Column("identify_fpir", sa.Double(), nullable=True))
    op.create_check_constraint(
        "gallery_identify_fpir_check", "gallery", "identify_fpir > 0 AND identify_fpir < 1"
    )


def downgrade() -> None:
    op.drop_constraint("gallery_identify_fpir_check", "gallery", type_="check")
    op.drop_column("gallery", "identify_fpir")
    op.drop_index("calibration_in_force_idx", table_name="calibration")
    op.drop_table("calibration")
