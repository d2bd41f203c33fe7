"""The audit record: hash-chained events, in partitions by month, and the head of the chain

Revision: 0018.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "audit_event",
        sa.Column("number", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("at", time, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("caller", sa.Text, nullable=False),
        sa.Column("key_id", sa.Uuid),
        sa.Column("address", sa.Text),
        sa.Column("request_id", sa.Text),
        sa.Column("gallery", sa.Text),
        sa.Column("identity_id", sa.Uuid),
        sa.Column("details", sa.JSON, nullable=False),
        sa.Column("previous_hash", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        postgresql_partition_by="RANGE (at)",
    )
    # No primary key: `pg_restore --clean` cannot drop that of a partition.
    op.create_index("audit_event_number_idx", "audit_event", ["number", "at"], unique=True)
    op.create_index("audit_event_id_idx", "audit_event", ["id"])
    op.create_index("audit_event_identity_id_idx", "audit_event", ["identity_id", "number"])
    # For months whose partition was not made ahead.
    op.execute("CREATE TABLE audit_event_default PARTITION OF audit_event DEFAULT")
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("at", time, nullable=False),
        sa.CheckConstraint("id = 1", name="audit_head_one_row_check"),
    )
    op.execute("INSERT INTO audit_head VALUES (1, 0, decode(repeat('00', 32), 'hex'), now())")


def downgrade() -> None:
    op.drop_table("audit_head")
    op.drop_table("audit_event")
