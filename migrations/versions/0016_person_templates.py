"""Person templates: a gallery's person score, the templates' rows, and their changes in the log

Revision: 0016.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_SCORES = "person_score IN ('nearest', 'fused')"


def upgrade() -> None:
    for table in ("gallery", "calibration"):
        op.add_column(table, sa.Column("person_score", sa.Text, server_default="nearest", nullable=False))
        op.create_check_constraint(f"{table}_person_score_check", table, _SCORES)
    op.create_table(
        "person_template",
        sa.Column("gallery_id", sa.Uuid(), sa.ForeignKey("gallery.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("key", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("identity_id", sa.Uuid(), sa.ForeignKey("identity.id", ondelete="CASCADE"), nullable=False),
        sa.UniqueConstraint("identity_id", name="person_template_identity_id_key"),
    )
    # Without a default: an older process that still runs cannot change a person's faces, because it would
    # leave the person's template as it is.
    op.add_column("change", sa.Column("is_template", sa.Boolean, server_default=sa.false(), nullable=False))
    op.alter_column("change", "is_template", server_default=None)


def downgrade() -> None:
    # The older version does not load newer snapshots, and leaves them on the disk: a later upgrade must not
    # use them, since their templates are deleted here, without a change in the log.
    op.execute(
        "UPDATE gallery SET index_epoch = index_epoch + 1"
        " WHERE id IN (SELECT gallery_id FROM person_template)"
    )
    # Their thresholds are too low for the score of the nearest face, by which the older version searches.
    op.execute("DELETE FROM calibration WHERE person_score = 'fused'")
    op.drop_column("change", "is_template")
    op.drop_table("person_template")
    for table in ("gallery", "calibration"):
        op.drop_column(table, "person_score")
