"""An index of people who are not anonymous: lists of them need not read a gallery's unnamed faces

Revision: 0037.
"""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "identity_named_idx", "identity", ["gallery_id", "id"], postgresql_where=sa.text("NOT anonymous")
    )


def downgrade() -> None:
    op.drop_index("identity_named_idx", "identity")
