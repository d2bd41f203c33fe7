"""What API keys have used of their limits

Revision: 0020.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "token_bucket",
        sa.Column("key_id", sa.Uuid(), primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("tokens", sa.Double, nullable=False),
        sa.Column("filled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("granted", sa.Double, nullable=False),
        prefixes=["UNLOGGED"],
    )
    op.create_table(
        "request_slot",
        sa.Column("key_id", sa.Uuid(), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("lease", sa.Uuid()),
        sa.Column("leased_until", sa.DateTime(timezone=True)),
        prefixes=["UNLOGGED"],
    )


def downgrade() -> None:
    op.drop_table("request_slot")
    op.drop_table("token_bucket")
