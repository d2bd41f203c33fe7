"""Imports: people who are enrolled in bulk

Revision: 0026.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "import_job",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("gallery_id", sa.Uuid, sa.ForeignKey("gallery.id", ondelete="CASCADE"), nullable=False),
        sa.Column("state", sa.Text, server_default="receiving", nullable=False),
        *(sa.Column(name, sa.Text) for name in ("key", "name")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("people_by", "several_faces")),
        sa.Column("allow_duplicates", sa.Boolean, nullable=False),
        sa.Column("path", sa.Text),
        sa.Column("files_expected", sa.Integer),
        sa.Column("problem", sa.Text),
        sa.Column("caller_name", sa.Text, nullable=False),
        sa.Column("caller_key_id", sa.Uuid),
        sa.Column("worker", sa.Text),
        sa.Column("leased_until", sa.DateTime(timezone=True)),
        *(
            sa.Column(name, sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False)
            for name in ("created_at", "updated_at")
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "state IN ('receiving', 'enrolling', 'done', 'cancelled')", name="import_job_state_check"
        ),
        sa.CheckConstraint(
            "(state IN ('done', 'cancelled')) = (ended_at IS NOT NULL)", name="import_job_ended_check"
        ),
        sa.CheckConstraint("people_by IN ('folder', 'file')", name="import_job_people_by_check"),
        sa.CheckConstraint(
            "several_faces IN ('reject', 'subject', 'largest')", name="import_job_several_faces_check"
        ),
        sa.UniqueConstraint("gallery_id", "key", name="import_job_key_key"),
    )
    op.create_index("import_job_open_idx", "import_job", ["id"], postgresql_where=sa.text("ended_at IS NULL"))
    op.create_table(
        "import_file",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("import_id", sa.Uuid, sa.ForeignKey("import_job.id", ondelete="CASCADE"), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.Text) for name in ("external_id", "person_name")),
        sa.Column("metadata", JSONB, nullable=False),
        sa.Column("state", sa.Text, server_default="waiting", nullable=False),
        *(sa.Column(name, sa.Text) for name in ("code", "message")),
        sa.Column("identity_id", sa.Uuid),
        sa.Column("worker", sa.Text),
        sa.Column("leased_until", sa.DateTime(timezone=True)),
        sa.Column("attempts", sa.SmallInteger, server_default="0", nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "state IN ('waiting', 'enrolled', 'known', 'rejected', 'failed', 'skipped', 'cancelled')",
            name="import_file_state_check",
        ),
        sa.CheckConstraint("octet_length(sha256) = 32", name="import_file_sha256_check"),
        sa.UniqueConstraint("import_id", "name", "sha256", name="import_file_name_key"),
    )
    op.create_index(
        "import_file_waiting_idx",
        "import_file",
        ["import_id", "id"],
        postgresql_include=["size"],
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index("import_file_state_idx", "import_file", ["import_id", "state", "id"])
    op.create_index("import_file_external_id_idx", "import_file", ["import_id", "external_id"])
    for column in ("identity_id", "worker"):
        op.create_index(
            f"import_file_{column}_idx",
            "import_file",
            [column],
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )
    op.create_table(
        "import_picture",
        sa.Column(
            "file_id",
            sa.BigInteger,
            sa.ForeignKey("import_file.id", ondelete="CASCADE"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.Column("is_preview", sa.Boolean, server_default=sa.false(), nullable=False),
    )
    # Pictures are compressed already: PostgreSQL need not try.
    op.execute("ALTER TABLE import_picture ALTER COLUMN data SET STORAGE EXTERNAL")


def downgrade() -> None:
    for table in ("import_picture", "import_file", "import_job"):
        op.drop_table(table)
