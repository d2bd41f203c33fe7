"""An index for reading the faces of an identity page by page

Revision: 0009.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("face_identity_id_key_idx", "face", ["identity_id", "key"])


def downgrade() -> None:
    op.drop_index("face_identity_id_key_idx", table_name="face")
