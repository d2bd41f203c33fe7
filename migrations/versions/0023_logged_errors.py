"""The last warnings and errors of all processes

Revision: 0023.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "logged_error",
        sa.Column("number", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("pid", sa.BigInteger, nullable=False),
        sa.Column("level", sa.Text, nullable=False),
        sa.Column("logger", sa.Text, nullable=False),
        sa.Column("code", sa.Text),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text),
        sa.Column("suppressed", sa.Integer, nullable=False),
        sa.CheckConstraint("level IN ('warning', 'error')", name="logged_error_level_check"),
    )
    op.create_index("logged_error_at_idx", "logged_error", ["at"])


def downgrade() -> None:
    op.drop_table("logged_error")
