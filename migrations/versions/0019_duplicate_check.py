"""A gallery's policy for people who are enrolled a second time: the check, and its FPIR

Revision: 0019.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("gallery", sa.Column("duplicate_check", sa.Text, server_default="off", nullable=False))
    op.add_column("gallery", sa.Column("duplicate_fpir", sa.Double))
    op.create_check_constraint(
        "gallery_duplicate_check_check",
        "gallery",
        "duplicate_check IN ('off', 'warn', 'review', 'reject')",
    )
    op.create_check_constraint(
        "gallery_duplicate_fpir_check", "gallery", "duplicate_fpir > 0 AND duplicate_fpir < 1"
    )


def downgrade() -> None:
    op.drop_column("gallery", "duplicate_fpir")
    op.drop_column("gallery", "duplicate_check")
