"""The change log gets an identity, a random token per change; face keys come from the clock

Revision: 0008.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_START = sa.text("'00000000-0000-0000-0000-000000000000'")


def upgrade() -> None:
    op.add_column("gallery", sa.Column("change_token", sa.Uuid(), server_default=_START, nullable=False))
    op.add_column("gallery", sa.Column("last_face_key", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("change", sa.Column("token", sa.Uuid(), nullable=True))
    op.add_column("change", sa.Column("predecessor", sa.Uuid(), nullable=True))
    op.execute("UPDATE change SET token = gen_random_uuid()")
    op.execute(
        "UPDATE change SET predecessor = CASE WHEN number = 1 THEN uuid_nil ELSE coalesce(before, random) END"
        " FROM (SELECT gallery_id AS gallery, number AS place, gen_random_uuid() AS random,"
        " '00000000-0000-0000-0000-000000000000'::uuid AS uuid_nil,"
        " lag(token) OVER (PARTITION BY gallery_id ORDER BY number) AS before FROM change) AS chained"
        " WHERE gallery_id = gallery AND number = place"
    )
    op.execute(
        "UPDATE gallery SET change_token = coalesce((SELECT token FROM change WHERE gallery_id = gallery.id"
        " AND number = gallery.change_number), gen_random_uuid()) WHERE change_number > 0"
    )
    op.alter_column("change", "token", nullable=False)
    op.alter_column("change", "predecessor", nullable=False)
    op.execute("ALTER TABLE face ALTER COLUMN key DROP IDENTITY")
    op.add_column("replica", sa.Column("token", sa.Uuid(), nullable=True))
    op.create_index("reindex_to_model_idx", "reindex", ["gallery_id", "to_model_id", "created_at"])


def downgrade() -> None:
    op.drop_index("reindex_to_model_idx", table_name="reindex")
    op.drop_column("replica", "token")
    op.execute("ALTER TABLE face ALTER COLUMN key ADD GENERATED ALWAYS AS IDENTITY")
    op.execute(
        "SELECT setval(pg_get_serial_sequence('face', 'key'),"
        " greatest((SELECT max(key) FROM face), (SELECT max(face_key) FROM change), 1))"
    )
    op.drop_column("change", "predecessor")
    op.drop_column("change", "token")
    op.drop_column("gallery", "last_face_key")
    op.drop_column("gallery", "change_token")
