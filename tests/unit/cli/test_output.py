"""Output of commands is readable, and no control character in it reaches the terminal."""

import io
import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from rich.table import Table

from indexer.cli import output
from indexer.cli.output import (
    console,
    escape_text,
    print_result,
    replace_controls,
    write_atomically,
    write_json,
)

HOSTILE = "\x1b[2J\x1b]0;owned\x07[red]Grace[/]\u202e\r\x9b31m"


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """The text that a terminal would receive."""
    written = io.StringIO()
    monkeypatch.setattr(output.console, "_file", written)
    monkeypatch.setattr(output.out, "_file", written)
    return written


@pytest.mark.parametrize("soft_wrap", [True, False])
def test_no_control_character_of_a_name_reaches_the_terminal(screen: io.StringIO, soft_wrap: bool) -> None:
    table = Table("Name")
    table.add_row(escape_text(HOSTILE))
    console.print(table)
    console.print(HOSTILE, markup=False, soft_wrap=soft_wrap)
    console.print(f"[bold]{HOSTILE}[/]", soft_wrap=soft_wrap)

    got = screen.getvalue()
    assert not {c for c in got if (ord(c) < 32 and c != "\n") or 127 <= ord(c) < 160 or c == "\u202e"}
    assert got.count("Grace") == 3


def test_brackets_in_a_name_are_not_markup(screen: io.StringIO) -> None:
    console.print(escape_text("[red]Grace[/] [link=http://x]Hopper[/link]"))

    assert "[red]Grace[/] [link=http://x]Hopper[/link]" in " ".join(screen.getvalue().split())


def test_a_file_name_that_is_not_unicode_can_be_printed(screen: io.StringIO) -> None:
    console.print(escape_text(Path("caf\udce9.jpg")))

    screen.getvalue().encode()


def test_letters_of_every_script_are_printed_as_they_are() -> None:
    assert replace_controls("Zoë 山田 ‌نامه 🙂\n") == "Zoë 山田 ‌نامه 🙂\n"


def test_json_goes_to_stdout_alone_or_to_a_file_in_addition_to_the_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[str] = []
    print_result({"a": 1}, None, lambda: shown.append("none"))
    print_result({"a": 2}, Path("-"), lambda: shown.append("stdout"))
    print_result({"a": 3}, tmp_path / "a.json", lambda: shown.append("file"))

    assert shown == ["none", "file"]
    assert json.loads(capsys.readouterr().out) == {"a": 2}
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": 3}


def test_a_file_name_that_is_not_unicode_is_written_as_it_is_on_the_disk(tmp_path: Path) -> None:
    write_atomically(tmp_path / "report.csv", "caf\udce9.jpg,enrolled\n")

    assert (tmp_path / "report.csv").read_bytes() == b"caf\xe9.jpg,enrolled\n"


def test_a_file_that_cannot_be_written_keeps_its_content(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json({"a": 1}, path)

    class Unwritable:
        def __str__(self) -> str:
            raise OSError("no")

    with pytest.raises(OSError, match="no"):
        write_json({"a": Unwritable()}, path)

    assert json.loads(path.read_text()) == {"a": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_json_has_times_as_the_api_writes_them(tmp_path: Path) -> None:
    write_json({"at": datetime(2026, 1, 31, 9, 30, tzinfo=timezone(timedelta(hours=1)))}, tmp_path / "x.json")

    assert json.loads((tmp_path / "x.json").read_text()) == {"at": "2026-01-31T08:30:00Z"}


def test_a_private_file_is_open_to_this_account_alone_even_where_there_was_another(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("old")
    write_atomically(tmp_path / "page.html", "faces", private=True)

    assert (tmp_path / "page.html").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "page.html").read_text() == "faces"
