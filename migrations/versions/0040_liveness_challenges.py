"""Challenges of liveness

Revision: 0040.
"""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "liveness_challenge",
        sa.Column("token_hash", sa.LargeBinary, primary_key=True),
        sa.Column("key_id", sa.Uuid),
        sa.Column("movements", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("created_at", time, server_default=sa.func.now(), nullable=False),
        sa.Column("expires_at", time, nullable=False),
        sa.Column("used_at", time),
        sa.CheckConstraint("octet_length(token_hash) = 32", name="liveness_challenge_token_hash_check"),
    )
    op.create_index("liveness_challenge_expires_at_idx", "liveness_challenge", ["expires_at"])


def downgrade() -> None:
    op.drop_table("liveness_challenge")
