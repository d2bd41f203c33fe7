"""Clusterings become jobs of galleries, of which there are other kinds; changes of people name their job

Revision: 0033.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_FLAGS = ("dry_run", "join_groups", "join_named")


def upgrade() -> None:
    op.rename_table("clustering", "gallery_job")
    for name in ("clustering_gallery_id_idx", "clustering_open_key"):
        op.drop_index(name, "gallery_job")
    for name in ("state", "ended", "threshold"):
        op.drop_constraint(f"clustering_{name}_check", "gallery_job")
    op.execute("ALTER INDEX clustering_pkey RENAME TO gallery_job_pkey")
    op.execute(
        "ALTER TABLE gallery_job RENAME CONSTRAINT clustering_gallery_id_fkey TO gallery_job_gallery_id_fkey"
    )
    op.add_column("gallery_job", sa.Column("kind", sa.Text, server_default="clustering", nullable=False))
    op.alter_column("gallery_job", "kind", server_default=None)
    op.add_column("gallery_job", sa.Column("options", JSONB))
    op.execute(
        "UPDATE gallery_job SET options = jsonb_build_object('dry_run', dry_run, 'join_groups', join_groups,"
        " 'join_named', join_named, 'threshold', threshold)"
    )
    op.alter_column("gallery_job", "options", nullable=False)
    for name in (*_FLAGS, "threshold"):
        op.drop_column("gallery_job", name)
    op.add_column("gallery_job", sa.Column("undo", sa.Boolean, server_default=sa.false(), nullable=False))
    op.add_column("gallery_job", sa.Column("started_at", sa.DateTime(timezone=True)))
    op.create_check_constraint(
        "gallery_job_state_check",
        "gallery_job",
        "state IN ('waiting', 'running', 'done', 'failed', 'cancelled', 'undone')",
    )
    op.create_check_constraint(
        "gallery_job_ended_check",
        "gallery_job",
        "(state IN ('waiting', 'running')) = (ended_at IS NULL)",
    )
    op.create_index("gallery_job_gallery_id_idx", "gallery_job", ["gallery_id", "kind", "id"])
    op.create_index(
        "gallery_job_open_key",
        "gallery_job",
        ["gallery_id", "kind"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.add_column("person_change", sa.Column("job_id", sa.Uuid))
    op.create_index(
        "person_change_job_id_idx",
        "person_change",
        ["job_id", "id"],
        postgresql_where=sa.text("job_id IS NOT NULL"),
    )


def downgrade() -> None:
    """Jobs of other kinds are deleted; a clustering that is undone is cancelled. Thresholds out of range are
    of clusterings that have failed for it."""
    op.drop_index("person_change_job_id_idx", "person_change")
    op.drop_column("person_change", "job_id")
    op.execute("DELETE FROM gallery_job WHERE kind != 'clustering'")
    op.execute("UPDATE gallery_job SET state = 'cancelled', ended_at = coalesce(ended_at, now()) WHERE undo")
    for name in ("gallery_job_gallery_id_idx", "gallery_job_open_key"):
        op.drop_index(name, "gallery_job")
    for name in ("state", "ended"):
        op.drop_constraint(f"gallery_job_{name}_check", "gallery_job")
    for name in _FLAGS:
        op.add_column("gallery_job", sa.Column(name, sa.Boolean))
    op.add_column("gallery_job", sa.Column("threshold", sa.REAL))
    op.execute(
        "UPDATE gallery_job SET dry_run = (options->>'dry_run')::boolean,"
        " join_groups = (options->>'join_groups')::boolean, join_named = (options->>'join_named')::boolean,"
        " threshold = CASE WHEN (options->>'threshold')::float8 BETWEEN 1e-30 AND 1"
        " THEN (options->>'threshold')::real END"
    )
    for name in _FLAGS:
        op.alter_column("gallery_job", name, nullable=False)
    for name in ("kind", "options", "undo", "started_at"):
        op.drop_column("gallery_job", name)
    op.execute("ALTER INDEX gallery_job_pkey RENAME TO clustering_pkey")
    op.execute(
        "ALTER TABLE gallery_job RENAME CONSTRAINT gallery_job_gallery_id_fkey TO clustering_gallery_id_fkey"
    )
    op.rename_table("gallery_job", "clustering")
    op.create_check_constraint(
        "clustering_state_check",
        "clustering",
        "state IN ('waiting', 'running', 'done', 'failed', 'cancelled')",
    )
    op.create_check_constraint(
        "clustering_ended_check",
        "clustering",
        "(state IN ('done', 'failed', 'cancelled')) = (ended_at IS NOT NULL)",
    )
    op.create_check_constraint("clustering_threshold_check", "clustering", "threshold > 0 AND threshold <= 1")
    op.create_index("clustering_gallery_id_idx", "clustering", ["gallery_id", "id"])
    op.create_index(
        "clustering_open_key",
        "clustering",
        ["gallery_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
