"""People are found by metadata, searches by whom they matched; faces have the request that enrolled them

Revision: 0025.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The words themselves are written afterwards, in batches (`records.enrolled.unsearched`): while one
    transaction writes those of a million people, nobody could read them."""
    # Of a photograph with several faces, whom they matched; of others, `identity_id` says it. First, because
    # what follows locks people and faces until the end.
    op.execute(
        "CREATE INDEX audit_event_matched_idx ON audit_event USING gin ("
        "jsonb_path_query_array(details::jsonb, '$.faces[*]?(@.matched == true).candidates[0].identity_id'))"
        " WHERE action = 'search.identified' AND jsonb_path_exists(details::jsonb, '$.faces[1]')"
    )
    op.add_column("identity", sa.Column("search_words", postgresql.TSVECTOR()))
    op.create_index("identity_search_words_idx", "identity", ["search_words"], postgresql_using="gin")
    op.create_index(
        "identity_unsearched_idx", "identity", ["id"], postgresql_where=sa.text("search_words IS NULL")
    )
    op.add_column("face", sa.Column("audit_id", sa.Uuid))
    op.add_column("face", sa.Column("request_id", sa.Text))


def downgrade() -> None:
    op.drop_index("audit_event_matched_idx", table_name="audit_event")
    op.drop_column("face", "request_id")
    op.drop_column("face", "audit_id")
    op.drop_index("identity_unsearched_idx", table_name="identity")
    op.drop_index("identity_search_words_idx", table_name="identity")
    op.drop_column("identity", "search_words")
