"""Shards of large galleries

Revision: 0043.
"""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "shard_set",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("gallery_id", sa.Uuid, sa.ForeignKey("gallery.id", ondelete="CASCADE"), nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("shards", sa.Integer, nullable=False),
        sa.Column("copies", sa.Integer, nullable=False),
        sa.Column("block", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, server_default="building", nullable=False),
        sa.Column("rebuild_numbers", sa.ARRAY(sa.BigInteger), nullable=False),
        sa.Column("created_at", time, server_default=sa.func.now(), nullable=False),
        sa.Column("activated_at", time),
        sa.Column("retired_at", time),
        sa.CheckConstraint("shards > 0", name="shard_set_shards_check"),
        sa.CheckConstraint("copies > 0", name="shard_set_copies_check"),
        sa.CheckConstraint("block > 0", name="shard_set_block_check"),
        sa.CheckConstraint("state IN ('building', 'active', 'retired')", name="shard_set_state_check"),
        sa.CheckConstraint("cardinality(rebuild_numbers) = shards", name="shard_set_rebuild_numbers_check"),
    )
    for state in ("building", "active"):
        op.create_index(
            f"shard_set_{state}_key",
            "shard_set",
            ["gallery_id", "model"],
            unique=True,
            postgresql_where=sa.text(f"state = '{state}'"),
        )
    op.create_index("shard_set_gallery_id_idx", "shard_set", ["gallery_id"])
    for column in (
        sa.Column("shard", sa.Integer),
        sa.Column("shards", sa.Integer),
        sa.Column("block", sa.BigInteger),
    ):
        op.add_column("replica", column)
    op.add_column("process", sa.Column("shard_set_id", sa.Uuid))
    op.create_check_constraint("replica_part_check", "replica", "num_nulls(shard, shards, block) IN (0, 3)")
    op.create_index(
        "identity_gallery_id_number_idx", "identity", ["gallery_id", "number"], postgresql_include=["id"]
    )


def downgrade() -> None:
    op.drop_index("identity_gallery_id_number_idx", "identity")
    op.drop_constraint("replica_part_check", "replica")
    op.drop_column("process", "shard_set_id")
    for column in ("block", "shards", "shard"):
        op.drop_column("replica", column)
    op.drop_table("shard_set")
