"""The attributes of a face that a gallery permits

Revision: 0034.
"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("gallery", sa.Column("attributes", sa.ARRAY(sa.Text)))
    op.create_check_constraint(
        "gallery_attributes_check",
        "gallery",
        "attributes <@ ARRAY['liveness', 'expression', 'age', 'gender', 'mask', 'glasses', 'pose',"
        " 'eyes', 'occlusion', 'quality']",
    )


def downgrade() -> None:
    op.drop_column("gallery", "attributes")
