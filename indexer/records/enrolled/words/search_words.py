"""Search in one box: words of the name, the external id and the metadata, and fields of the metadata.

Everything that is found is a lexeme of one `tsvector` (`identity.search_words`), so that one index finds it:
words as they are, and each scalar of the metadata as `key=value`, a nested one as `outer.inner=value`. The
external id is there once more as a whole, as `=value`. All are case-folded, as in `name_search`.
"""

import re
from collections.abc import Iterator
from typing import Any

from indexer.records.enrolled.words.name_search import fold, quoted, words

MAX_LEXEMES = 1_000
"""Of one person. A search does not find what is beyond."""
_MAX_LENGTH = 255
"""Characters of a lexeme; PostgreSQL takes 2,046 bytes."""
_TOKEN = re.compile(r'([^\s":]+):"([^"]*)"|"([^"]*)"|(\S+)')


def document(name: str | None, external_id: str | None, metadata: dict[str, Any]) -> str:
    """The text of a `tsvector`."""
    found: dict[str, None] = dict.fromkeys([*words(name or ""), *words(external_id or "")])
    if external_id is not None:
        found[_pair("", external_id)] = None
    for path, value in _scalars(metadata, ""):
        if len(found) >= MAX_LEXEMES:
            break
        found[_pair(path, value)] = None
        found |= dict.fromkeys(words(value))
    return " ".join(quoted(lexeme) for lexeme in list(found)[:MAX_LEXEMES])


def query(search: str) -> str | None:
    """The text of a `tsquery`; None if `search` has nothing to search for.

    `grace hop`: both words begin words of the person. `department:computing`: this value; `department:*`: the
    field exists; `department:"two words"`. What has a colon may also be the begin of an external id.
    """
    parts = []
    for key, value, phrase, plain in _TOKEN.findall(search):
        if plain and ":" in plain.strip(":"):
            key, _, value = plain.partition(":")
        if not key:
            parts += [f"{quoted(word)}:*" for word in words(phrase or plain)]
        elif value == "*":
            parts.append(f"{quoted(_pair(key, ''))}:*")
        else:
            whole = f"{quoted(_pair('', plain))}:*" if plain else None
            either = [quoted(_pair(key, value)), *([whole] if whole else [])]
            parts.append(f"({' | '.join(either)})")
    return " & ".join(parts) or None


def _pair(key: str, value: str) -> str:
    return f"{fold(key)}={' '.join(fold(value).split())}"[:_MAX_LENGTH]


def _scalars(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Paths and values as text, of nested objects and lists too."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _scalars(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for inner in value:
            yield from _scalars(inner, path)
    elif isinstance(value, bool):
        yield path, "true" if value else "false"
    else:
        yield path, "null" if value is None else str(value)
