"""Match limits of a gallery: smaller and less sharp faces of a photograph match nobody

Revision: 0010.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_COLUMNS = ("min_match_face_px", "min_match_sharpness")


def upgrade() -> None:
    for column in _COLUMNS:
        op.add_column("gallery", sa.Column(column, sa.Double))
        op.create_check_constraint(f"gallery_{column}_check", "gallery", f"{column} >= 0")


def downgrade() -> None:
    for column in _COLUMNS:
        op.drop_column("gallery", column)
