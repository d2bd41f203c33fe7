"""Who undoes what a clustering has joined

Revision: 0036.
"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("gallery_job", sa.Column("undone_by", sa.Text))
    op.add_column("gallery_job", sa.Column("undone_by_key_id", sa.Uuid))


def downgrade() -> None:
    op.drop_column("gallery_job", "undone_by_key_id")
    op.drop_column("gallery_job", "undone_by")
