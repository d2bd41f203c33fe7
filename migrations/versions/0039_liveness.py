"""What a gallery does with a face that may be a print or a screen

Revision: 0039.
"""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("gallery", sa.Column("liveness", sa.Text, server_default="off", nullable=False))
    op.create_check_constraint("gallery_liveness_check", "gallery", "liveness IN ('off', 'report', 'reject')")


def downgrade() -> None:
    op.drop_column("gallery", "liveness")
