"""How people are found by name: each word of a search begins a word of the name, whatever its case.

Words are folded here and not by PostgreSQL, whose `lower` depends on the locale it was made with.
"""

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+")
_MAX_WORD = 255
"""Characters; PostgreSQL takes 2,046 bytes."""


def words(name: str) -> list[str]:
    """Letters and digits of `name` in words, folded: "O'Brien-Straße" is o, brien and strasse.

    Of a name without any letter or digit, what stands between blanks.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return [word[:_MAX_WORD] for word in _WORD.findall(folded) or folded.split()]


def document(name: str | None) -> str:
    """The words as PostgreSQL's `tsvector` is written."""
    return " ".join(_quoted(word) for word in words(name or ""))


def query(search: str) -> str | None:
    """As `tsquery` is written; None where there is no word in it."""
    return " & ".join(f"{_quoted(word)}:*" for word in words(search)) or None


def _quoted(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"
