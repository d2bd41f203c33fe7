"""Anonymous identities

Revision: 0028.
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in ("anonymous", "hidden"):
        op.add_column(
            "identity", sa.Column(column, sa.Boolean, server_default=sa.text("false"), nullable=False)
        )
    op.add_column("identity", sa.Column("last_seen_at", sa.DateTime(timezone=True)))
    op.create_check_constraint(
        "identity_anonymous_check", "identity", "NOT anonymous OR (name IS NULL AND external_id IS NULL)"
    )
    op.create_index(
        "identity_anonymous_idx", "identity", ["gallery_id", "id"], postgresql_where=sa.text("anonymous")
    )


def downgrade() -> None:
    op.drop_index("identity_anonymous_idx", "identity")
    op.drop_constraint("identity_anonymous_check", "identity")
    for column in ("last_seen_at", "hidden", "anonymous"):
        op.drop_column("identity", column)
