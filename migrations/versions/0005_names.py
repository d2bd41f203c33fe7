"""Words of names, by which people are found

Revision: 0005.
"""

import re
import unicodedata

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_BATCH = 10_000
_WORD = re.compile(r"[^\W_]+")
_MAX_WORD = 255


def upgrade() -> None:
    op.add_column(
        "identity", sa.Column("name_words", postgresql.TSVECTOR(), server_default="", nullable=False)
    )
    _fill(op.get_bind())
    op.create_index("identity_name_words_idx", "identity", ["name_words"], postgresql_using="gin")


def downgrade() -> None:
    op.drop_index("identity_name_words_idx", table_name="identity")
    op.drop_column("identity", "name_words")


def _fill(connection: sa.Connection) -> None:
    last = "00000000-0000-0000-0000-000000000000"
    while True:
        rows = connection.execute(
            sa.text(
                "SELECT id::text, name FROM identity WHERE name IS NOT NULL AND id > CAST(:last AS uuid)"
                " ORDER BY id LIMIT :limit"
            ),
            {"last": last, "limit": _BATCH},
        ).all()
        if not rows:
            return
        connection.execute(
            sa.text(
                "UPDATE identity SET name_words = CAST(filled.words AS tsvector)"
                " FROM unnest(CAST(:ids AS uuid[]), CAST(:words AS text[])) AS filled (id, words)"
                " WHERE identity.id = filled.id"
            ),
            {"ids": [row.id for row in rows], "words": [_document(row.name) for row in rows]},
        )
        last = rows[-1].id


def _document(name: str) -> str:
    """The words of a name as a `tsvector` is written: a copy of `indexer.records.name_search` of this
    revision."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    words = [word[:_MAX_WORD] for word in _WORD.findall(folded) or folded.split()]
    return " ".join("'" + word.replace("\\", "\\\\").replace("'", "''") + "'" for word in words)
