"""The console has words for every action of the audit record."""

import re
from pathlib import Path

import service
from indexer.records.audit.event import Action

TEXTS = Path(service.__file__).parent / "console/texts/en.js"


def test_each_action_has_words_in_the_console() -> None:
    by_noun = re.findall(r"^ +(\w+): \{\n(.*?)^ +\},\n", _block("actions"), re.MULTILINE | re.DOTALL)
    assert {f"{noun}.{verb}" for noun, verbs in by_noun for verb in _words(verbs)} == set(Action)


def test_each_noun_of_an_action_has_words_in_the_console() -> None:
    assert _words(_block("nouns")) == {action.split(".")[0] for action in Action}


def _block(name: str) -> str:
    block = re.search(rf"^( +){name}: \{{\n(.*?)^\1\}},\n", TEXTS.read_text(), re.MULTILINE | re.DOTALL)
    assert block is not None
    return block[2]


def _words(block: str) -> set[str]:
    return set(re.findall(r"^ +(\w+): \"", block, re.MULTILINE))
