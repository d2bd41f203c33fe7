"""Sign-ins of the console

Revision: 0024.
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "sign_in",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("token_hash", sa.LargeBinary, nullable=False),
        sa.Column("key_id", sa.Uuid),
        sa.Column("key_binding", sa.LargeBinary, nullable=False),
        sa.Column("created_at", time, server_default=sa.func.now(), nullable=False),
        sa.Column("last_used_at", time, server_default=sa.func.now(), nullable=False),
        sa.Column("expires_at", time, nullable=False),
        sa.CheckConstraint("octet_length(token_hash) = 32", name="sign_in_token_hash_check"),
        sa.CheckConstraint("octet_length(key_binding) = 32", name="sign_in_key_binding_check"),
        sa.UniqueConstraint("token_hash", name="sign_in_token_hash_key"),
    )
    op.create_index("sign_in_key_id_idx", "sign_in", ["key_id", "id"])


def downgrade() -> None:
    op.drop_table("sign_in")
