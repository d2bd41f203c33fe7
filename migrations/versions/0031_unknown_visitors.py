"""A gallery's policy for unknown visitors

Revision: 0031.
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("remember_unknown", sa.Boolean, server_default=sa.text("false"), nullable=False),
        sa.Column("min_visitor_quality", sa.Double),
        sa.Column("visitor_lifetime_hours", sa.Double, server_default="72", nullable=False),
        sa.Column("max_visitors", sa.Integer, server_default="10000", nullable=False),
        sa.Column("max_visitor_faces", sa.Integer, server_default="5", nullable=False),
    ):
        op.add_column("gallery", column)
    op.create_check_constraint(
        "gallery_min_visitor_quality_check",
        "gallery",
        "min_visitor_quality >= 0 AND min_visitor_quality <= 100",
    )
    for name in ("visitor_lifetime_hours", "max_visitors", "max_visitor_faces"):
        op.create_check_constraint(f"gallery_{name}_check", "gallery", f"{name} > 0")
    op.create_index(
        "identity_visitor_idx",
        "identity",
        ["gallery_id", "last_seen_at", "id"],
        postgresql_where=sa.text("anonymous AND last_seen_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("identity_visitor_idx", "identity")
    for column in (
        *("max_visitor_faces", "max_visitors", "visitor_lifetime_hours", "min_visitor_quality"),
        "remember_unknown",
    ):
        op.drop_column("gallery", column)
