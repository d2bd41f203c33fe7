"""Search by name: each word of a query is a prefix of a word of the name, in any case.

Words are case-folded here, because PostgreSQL's `lower` depends on the locale of the database.
"""

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+")
_MAX_WORD = 255
"""Characters; PostgreSQL takes 2,046 bytes."""


def words(name: str) -> list[str]:
    """The words of `name`, case-folded, letters and digits only: "O'Brien-Straße" gives o, brien, strasse.

    A name without letters and digits is split at blanks.
    """
    folded = fold(name)
    return [word[:_MAX_WORD] for word in _WORD.findall(folded) or folded.split()]


def fold(text: str) -> str:
    """As texts are compared: without case, and with one form of each character."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def document(name: str | None) -> str:
    """The words of a name, as the text of a `tsvector`."""
    return " ".join(quoted(word) for word in words(name or ""))


def query(search: str) -> str | None:
    """The text of a `tsquery`; None if `search` has no word."""
    return " & ".join(f"{quoted(word)}:*" for word in words(search)) or None


def quoted(word: str) -> str:
    """A lexeme, as a `tsvector` and a `tsquery` are written."""
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"
