"""Transfers: exports that are uploaded and imported

Revision: 0035.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "transfer",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("gallery", sa.Text, nullable=False),
        *(sa.Column(name, sa.Boolean, nullable=False) for name in ("into_existing", "join_people")),
        sa.Column("model", sa.Text),
        *(sa.Column(name, sa.LargeBinary, nullable=False) for name in ("manifest", "manifest_sha256")),
        sa.Column("files", sa.Integer, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, server_default="receiving", nullable=False),
        sa.Column("step", sa.Text),
        sa.Column("figures", JSONB, server_default="{}", nullable=False),
        *(sa.Column(name, sa.Text) for name in ("code", "problem")),
        sa.Column("caller_name", sa.Text, nullable=False),
        sa.Column("caller_key_id", sa.Uuid),
        sa.Column("worker", sa.Text),
        sa.Column("leased_until", sa.DateTime(timezone=True)),
        sa.Column("attempts", sa.SmallInteger, server_default="0", nullable=False),
        *(
            sa.Column(name, sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False)
            for name in ("created_at", "updated_at")
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "state IN ('receiving', 'waiting', 'running', 'done', 'failed', 'cancelled')",
            name="transfer_state_check",
        ),
        sa.CheckConstraint(
            "(state IN ('done', 'failed', 'cancelled')) = (ended_at IS NOT NULL)", name="transfer_ended_check"
        ),
        sa.CheckConstraint("octet_length(manifest_sha256) = 32", name="transfer_manifest_sha256_check"),
    )
    op.create_index("transfer_gallery_idx", "transfer", ["gallery", "id"])
    op.create_index(
        "transfer_open_key",
        "transfer",
        ["gallery"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "transfer_file",
        sa.Column("transfer_id", sa.Uuid, sa.ForeignKey("transfer.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("received", sa.Boolean, server_default=sa.false(), nullable=False),
        sa.CheckConstraint("octet_length(sha256) = 32", name="transfer_file_sha256_check"),
    )
    op.create_index(
        "transfer_file_missing_idx",
        "transfer_file",
        ["transfer_id", "name"],
        postgresql_where=sa.text("NOT received"),
    )
    op.create_table(
        "transfer_part",
        sa.Column("transfer_id", sa.Uuid, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.ForeignKeyConstraint(
            ["transfer_id", "name"],
            ["transfer_file.transfer_id", "transfer_file.name"],
            ondelete="CASCADE",
        ),
    )
    # Crops are compressed already, and vectors are numbers: PostgreSQL need not try.
    op.execute("ALTER TABLE transfer_part ALTER COLUMN data SET STORAGE EXTERNAL")


def downgrade() -> None:
    for table in ("transfer_part", "transfer_file", "transfer"):
        op.drop_table(table)
