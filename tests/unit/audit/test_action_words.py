"""The console has words for every action of the audit record."""

import re
from pathlib import Path

import service
from indexer.records.audit.event import Action

TEXTS = Path(service.__file__).parent / "console/texts/en.js"


def test_each_action_has_words_in_the_console() -> None:
    block = re.search(r"^ +actions: \{\n(.*?)^ +\},\n", TEXTS.read_text(), re.MULTILINE | re.DOTALL)
    assert block is not None
    known = set(re.findall(r"^ +(\w+): \"", block[1], re.MULTILINE))

    assert known == {action.replace(".", "_", 1) for action in Action}
