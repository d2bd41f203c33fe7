"""What people are found by, and how a search is read."""

import pytest

from indexer.records.enrolled.words import search_words


def test_words_of_the_name_the_external_id_and_the_metadata_are_found() -> None:
    document = search_words.document(
        "Grace Hopper", "E-4711", {"Dept": "Computing", "since": 1943, "home": {"city": "New York"}}
    )

    assert document.split("' '")[0] == "'grace"
    for lexeme in ("hopper", "e", "4711", "=e-4711", "dept=computing", "computing", "since=1943", "1943"):
        assert f"'{lexeme}'" in document
    assert "'home.city=new york'" in document


@pytest.mark.parametrize(
    ("search", "query"),
    [
        ("Grace hop", "'grace':* & 'hop':*"),
        ("dept:Computing", "('dept=computing' | '=dept:computing':*)"),
        ('home.city:"New  York"', "('home.city=new york')"),
        ('"Grace Hopper"', "'grace':* & 'hopper':*"),
        ("dept:*", "'dept=':*"),
        ("E-4711", "'e':* & '4711':*"),
        ("o'brien:x'y", "('o''brien=x''y' | '=o''brien:x''y':*)"),
        (":", "':':*"),
        ("  ", None),
    ],
)
def test_a_search_is_read_as_a_person_types_it(search: str, query: str | None) -> None:
    assert search_words.query(search) == query


def test_a_person_with_much_metadata_has_a_bounded_number_of_words() -> None:
    document = search_words.document("Grace", None, {f"k{n}": f"a{n} b{n}" for n in range(5_000)})

    assert document.count("' '") == search_words.MAX_LEXEMES - 1
    assert document.startswith("'grace'")
