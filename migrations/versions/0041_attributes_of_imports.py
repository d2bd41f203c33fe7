"""Attributes that imports estimate, and why an import waits

Revision: 0041.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "import_job", sa.Column("attributes", sa.ARRAY(sa.Text), server_default="{}", nullable=False)
    )
    op.create_check_constraint(
        "import_job_attributes_check",
        "import_job",
        "attributes <@ ARRAY['liveness', 'expression', 'age', 'gender', 'mask', 'glasses', 'pose',"
        " 'eyes', 'occlusion', 'quality']",
    )
    op.add_column("import_job", sa.Column("waits_for", sa.Text))
    op.add_column("import_file", sa.Column("estimates", JSONB))


def downgrade() -> None:
    op.drop_column("import_file", "estimates")
    op.drop_column("import_job", "waits_for")
    op.drop_constraint("import_job_attributes_check", "import_job")
    op.drop_column("import_job", "attributes")
