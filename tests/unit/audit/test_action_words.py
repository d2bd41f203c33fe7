"""The console has words for every action of the audit record."""

import re
from pathlib import Path

import service
from indexer.records.audit.event import Action

TEXTS = Path(service.__file__).parent / "console/texts/en.js"


def test_each_action_has_words_in_the_console() -> None:
    assert _words("actions") == {action.replace(".", "_", 1) for action in Action}


def test_each_noun_of_an_action_has_words_in_the_console() -> None:
    assert _words("nouns") == {action.split(".")[0] for action in Action}


def _words(name: str) -> set[str]:
    block = re.search(rf"^ +{name}: \{{\n(.*?)^ +\}},\n", TEXTS.read_text(), re.MULTILINE | re.DOTALL)
    assert block is not None
    return set(re.findall(r"^ +(\w+): \"", block[1], re.MULTILINE))
