"""Numbers of identities, which an index stores beside each face

Revision: 0007.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("identity", sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False))
    op.create_unique_constraint("identity_number_key", "identity", ["number"])


def downgrade() -> None:
    op.drop_column("identity", "number")
