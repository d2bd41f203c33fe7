"""Updates of identities are in the change log; an index for filters of metadata

Revision: 0032.
"""

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint("change_kind_check", "change")
    op.create_check_constraint("change_kind_check", "change", "kind IN ('enrol', 'delete', 'update')")
    op.create_index(
        "identity_metadata_idx",
        "identity",
        ["metadata"],
        postgresql_using="gin",
        postgresql_ops={"metadata": "jsonb_path_ops"},
    )


def downgrade() -> None:
    """An update becomes the deletion of a face that does not exist, which every index skips: a log must not
    get gaps."""
    op.drop_index("identity_metadata_idx", "identity")
    op.execute("UPDATE change SET kind = 'delete', face_key = -face_key WHERE kind = 'update'")
    op.drop_constraint("change_kind_check", "change")
    op.create_check_constraint("change_kind_check", "change", "kind IN ('enrol', 'delete')")
