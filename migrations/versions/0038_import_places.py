"""Imports: where the face of a file is

Revision: 0038.
"""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("import_file", sa.Column("place", sa.ARRAY(sa.REAL)))


def downgrade() -> None:
    op.drop_column("import_file", "place")
