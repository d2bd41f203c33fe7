"""Re-index jobs; names of models, by which any process can open them; faces that a model could not embed

Revision: 0003.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("model", sa.Column("name", sa.Text(), nullable=True))
    op.add_column("model", sa.Column("mirror", sa.Boolean(), nullable=True))
    op.alter_column("embedding", "vector", existing_type=sa.LargeBinary(), nullable=True)
    op.add_column("embedding", sa.Column("problem", sa.Text(), nullable=True))
    op.create_check_constraint(
        "embedding_problem_check", "embedding", "(vector IS NULL) = (problem IS NOT NULL)"
    )
    op.drop_constraint("replica_pkey", "replica", type_="primary")
    op.create_primary_key("replica_pkey", "replica", ["process_id", "gallery_id", "model"])
    op.create_table(
        "reindex",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("gallery_id", sa.Uuid(), nullable=False),
        sa.Column("from_model_id", sa.SmallInteger(), nullable=False),
        sa.Column("to_model_id", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.Text(), server_default="embedding", nullable=False),
        sa.Column("paused", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("gates", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("plan", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("verified", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("comparison", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state IN ('embedding', 'building', 'comparing', 'ready', 'active', 'cleaning', 'cancelling',"
            " 'done', 'cancelled')",
            name="reindex_state_check",
        ),
        sa.CheckConstraint("from_model_id <> to_model_id", name="reindex_models_check"),
        sa.ForeignKeyConstraint(["gallery_id"], ["gallery.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["from_model_id"], ["model.id"]),
        sa.ForeignKeyConstraint(["to_model_id"], ["model.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "reindex_open_key",
        "reindex",
        ["gallery_id"],
        unique=True,
        postgresql_where=sa.text("state NOT IN ('done', 'cancelled')"),
    )
    op.create_table(
        "reindex_chunk",
        sa.Column("reindex_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first_key", sa.BigInteger(), nullable=False),
        sa.Column("last_key", sa.BigInteger(), nullable=False),
        sa.Column("faces", sa.Integer(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("embedded", sa.Integer(), server_default="0", nullable=False),
        sa.Column("skipped", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["reindex_id"], ["reindex.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("reindex_id", "number"),
    )
    op.create_index(
        "reindex_chunk_open_idx",
        "reindex_chunk",
        ["reindex_id", "number"],
        unique=False,
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.create_table(
        "reindex_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("reindex_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["reindex_id"], ["reindex.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("reindex_event_reindex_id_idx", "reindex_event", ["reindex_id", "id"], unique=False)


def downgrade() -> None:
    op.drop_table("reindex_event")
    op.drop_table("reindex_chunk")
    op.drop_table("reindex")
    op.execute("DELETE FROM replica")
    op.drop_constraint("replica_pkey", "replica", type_="primary")
    op.create_primary_key("replica_pkey", "replica", ["process_id", "gallery_id"])
    op.execute("DELETE FROM embedding WHERE vector IS NULL")
    op.drop_constraint("embedding_problem_check", "embedding", type_="check")
    op.drop_column("embedding", "problem")
    op.alter_column("embedding", "vector", existing_type=sa.LargeBinary(), nullable=False)
    op.drop_column("model", "mirror")
    op.drop_column("model", "name")
