"""API keys, and a version that names the present content of their table

Revision: 0021.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "api_key",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("prefix", sa.Text, nullable=False),
        sa.Column("secret_hash", sa.LargeBinary, nullable=False),
        sa.Column("previous_hash", sa.LargeBinary),
        sa.Column("previous_expires_at", time),
        sa.Column("roles", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("galleries", sa.ARRAY(sa.Text)),
        sa.Column("requests_per_second", sa.Double),
        sa.Column("faces_per_second", sa.Double),
        sa.Column("max_concurrent", sa.Integer),
        sa.Column("created_at", time, server_default=sa.func.now(), nullable=False),
        sa.Column("expires_at", time),
        sa.Column("rotated_at", time),
        sa.Column("revoked_at", time),
        sa.Column("last_used_at", time),
        sa.CheckConstraint("octet_length(secret_hash) = 32", name="api_key_secret_hash_check"),
        sa.CheckConstraint("cardinality(roles) > 0", name="api_key_roles_check"),
        sa.CheckConstraint("cardinality(galleries) > 0", name="api_key_galleries_check"),
        sa.UniqueConstraint("prefix", name="api_key_prefix_key"),
    )
    op.create_table(
        "api_key_version",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("version", sa.Uuid, nullable=False),
        sa.CheckConstraint("id = 1", name="api_key_version_id_check"),
    )


def downgrade() -> None:
    op.drop_table("api_key_version")
    op.drop_table("api_key")
