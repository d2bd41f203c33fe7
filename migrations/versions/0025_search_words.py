"""People are found by metadata, searches by whom they matched; faces have the request that enrolled them

Revision: 0025.
"""

import re
import unicodedata
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_BATCH = 10_000
_WORD = re.compile(r"[^\W_]+")
_MAX_LENGTH = 255
_MAX_LEXEMES = 1_000


def upgrade() -> None:
    op.add_column(
        "identity", sa.Column("search_words", postgresql.TSVECTOR(), server_default="", nullable=False)
    )
    _fill(op.get_bind())
    op.create_index("identity_search_words_idx", "identity", ["search_words"], postgresql_using="gin")
    op.add_column("face", sa.Column("audit_id", sa.Uuid))
    op.add_column("face", sa.Column("request_id", sa.Text))
    # Of a photograph with several faces, whom they matched; of others, `identity_id` says it.
    op.execute(
        "CREATE INDEX audit_event_matched_idx ON audit_event USING gin ("
        "jsonb_path_query_array(details::jsonb, '$.faces[*]?(@.matched == true).candidates[0].identity_id'))"
        " WHERE action = 'search.identified' AND jsonb_path_exists(details::jsonb, '$.faces[1]')"
    )


def downgrade() -> None:
    op.drop_index("audit_event_matched_idx", table_name="audit_event")
    op.drop_column("face", "request_id")
    op.drop_column("face", "audit_id")
    op.drop_index("identity_search_words_idx", table_name="identity")
    op.drop_column("identity", "search_words")


def _fill(connection: sa.Connection) -> None:
    last = "00000000-0000-0000-0000-000000000000"
    while True:
        rows = connection.execute(
            sa.text(
                "SELECT id::text, name, external_id, metadata FROM identity"
                " WHERE id > CAST(:last AS uuid) ORDER BY id LIMIT :limit"
            ),
            {"last": last, "limit": _BATCH},
        ).all()
        if not rows:
            return
        connection.execute(
            sa.text(
                "UPDATE identity SET search_words = CAST(filled.words AS tsvector)"
                " FROM unnest(CAST(:ids AS uuid[]), CAST(:words AS text[])) AS filled (id, words)"
                " WHERE identity.id = filled.id"
            ),
            {
                "ids": [row.id for row in rows],
                "words": [_document(row.name, row.external_id, row.metadata) for row in rows],
            },
        )
        last = rows[-1].id


# A copy of `indexer.records.enrolled.search_words` of this revision.


def _document(name: str | None, external_id: str | None, metadata: dict[str, Any]) -> str:
    found = dict.fromkeys([*_words(name or ""), *_words(external_id or "")])
    if external_id is not None:
        found[_pair("", external_id)] = None
    for path, value in _scalars(metadata, ""):
        if len(found) >= _MAX_LEXEMES:
            break
        found[_pair(path, value)] = None
        found |= dict.fromkeys(_words(value))
    lexemes = list(found)[:_MAX_LEXEMES]
    return " ".join("'" + word.replace("\\", "\\\\").replace("'", "''") + "'" for word in lexemes)


def _words(text: str) -> list[str]:
    folded = _fold(text)
    return [word[:_MAX_LENGTH] for word in _WORD.findall(folded) or folded.split()]


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _pair(key: str, value: str) -> str:
    return f"{_fold(key)}={' '.join(_fold(value).split())}"[:_MAX_LENGTH]


def _scalars(value: Any, path: str) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        nested = [_scalars(inner, f"{path}.{key}" if path else key) for key, inner in value.items()]
        return [pair for pairs in nested for pair in pairs]
    if isinstance(value, list):
        return [pair for inner in value for pair in _scalars(inner, path)]
    if isinstance(value, bool):
        return [(path, "true" if value else "false")]
    return [(path, "null" if value is None else str(value))]
