"""Who a face was found to be, as `gemel identify` prints it."""

from uuid import UUID

from indexer.cli.recognition.tables import _describe_person
from indexer.usecases.answers.identify import IdentityRef

ID = UUID("01a21a62-8e53-729d-98cb-11f4598ca95c")


def person(name: str | None, external_id: str | None, *, anonymous: bool = False) -> IdentityRef:
    return IdentityRef(
        id=ID, name=name, external_id=external_id, anonymous=anonymous, hidden=False, last_seen_at=None
    )


def test_somebody_without_a_name_and_an_external_id_is_shown_by_the_id() -> None:
    assert _describe_person(person(None, None, anonymous=True)) == ["[dim]unnamed[/]", f"({ID})"]
    assert _describe_person(person(None, None)) == ["", f"({ID})"]


def test_somebody_with_a_name_is_shown_by_it() -> None:
    assert _describe_person(person("Grace [red]Hopper", None)) == ["Grace \\[red]Hopper", ""]
    assert _describe_person(person(None, "4711")) == ["", "4711"]
