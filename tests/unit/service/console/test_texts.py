"""All words of the console are in one file, and all of that file is used."""

import re

from indexer.attributes.estimate import CannotTell
from indexer.records.audit.event import Action
from indexer.types import Attribute
from tests.support.browser.console_files import TEXTS, code, name_of, scripts, texts

_CALL = re.compile(r"""\b(?:t|has)\(([^,;{)]*(?:\$\{[^}]*\}[^,;{)]*)*)""")
_LITERAL = re.compile(r"""["']([\w-]+(?:\.[\w-]+)+)["']""")
_TEMPLATE = re.compile(r"`([\w.-]*\$\{[^`]*)`")
_OTHERS = [path for path in scripts() if path != TEXTS]


def test_every_text_that_a_module_names_is_there() -> None:
    named = {
        key: name_of(path)
        for path in _OTHERS
        for call in _CALL.findall(code(path))
        for key in _LITERAL.findall(call)
    }
    assert len(named) > 20
    assert {key: where for key, where in named.items() if key not in texts()} == {}


def test_every_action_of_the_audit_record_has_words_and_so_has_its_noun() -> None:
    missing = {f"audit.actions.{action}" for action in Action} - texts().keys()
    missing |= {f"audit.nouns.{action.partition('.')[0]}" for action in Action} - texts().keys()
    assert missing == set()


def test_every_attribute_of_a_face_has_a_name_and_every_reason_for_none_has_words() -> None:
    keys = {f"attributes.names.{name}" for name in Attribute} | {
        f"attributes.why.{why}" for why in CannotTell
    }
    assert keys - texts().keys() == set()


def test_every_text_is_used() -> None:
    literal, patterns = set(), []
    for path in _OTHERS:
        script = code(path)
        literal.update(_LITERAL.findall(script))
        patterns += [
            re.sub(r"\$\{[^}]*\}", r"[\\w.-]+", found) for found in _TEMPLATE.findall(script) if "." in found
        ]
    varying = [re.compile(pattern) for pattern in patterns if re.match(r"[\w-]+\.", pattern)]
    assert len(varying) > 2
    unused = [
        key
        for key in texts()
        if key not in literal and not any(pattern.fullmatch(key) for pattern in varying)
    ]
    assert unused == []
