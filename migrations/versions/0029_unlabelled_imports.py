"""Imports of pictures whose people nobody has named; faces by the digest of their picture

Revision: 0029.
"""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_CHECK = "import_job_people_by_check"


def upgrade() -> None:
    op.drop_constraint(_CHECK, "import_job")
    op.create_check_constraint(_CHECK, "import_job", "people_by IN ('folder', 'file', 'nobody')")
    op.create_index("face_image_sha256_idx", "face", ["image_sha256"], postgresql_using="hash")


def downgrade() -> None:
    op.drop_index("face_image_sha256_idx", "face")
    op.execute("DELETE FROM import_job WHERE people_by = 'nobody'")
    op.drop_constraint(_CHECK, "import_job")
    op.create_check_constraint(_CHECK, "import_job", "people_by IN ('folder', 'file')")
