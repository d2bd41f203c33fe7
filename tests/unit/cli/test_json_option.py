"""`--json` is the same option for every command: alone, or with a file."""

import json
from pathlib import Path

import typer
from typer.testing import CliRunner

from indexer.cli import app
from indexer.cli.commands import Commands, Json
from indexer.cli.output import out, print_result

commands = Commands("For the test.")


@commands.command()
def show(words: list[str], json_file: Json = None) -> None:
    print_result({"words": words}, json_file, lambda: out.print("shown"))


@commands.command()
def other() -> None:
    pass


def said(*arguments: str) -> str:
    done = CliRunner().invoke(commands, ["show", *arguments])
    assert done.exit_code == 0, done.output
    return "".join(done.stdout.split())


def test_a_picture_behind_json_is_not_taken_for_the_file_to_write() -> None:
    assert said("--json", "party.jpg") == '{"words":["party.jpg"]}'
    assert said("party.jpg", "--json") == '{"words":["party.jpg"]}'


def test_a_file_follows_as_one_word_or_where_it_ends_in_json(tmp_path: Path) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.txt"
    said("a", "--json", str(first))
    said("a", f"--json={second}")

    assert json.loads(first.read_text()) == json.loads(second.read_text()) == {"words": ["a"]}
    assert said("a", "--json", "-") == '{"words":["a"]}'


def test_what_follows_two_dashes_is_left_alone() -> None:
    assert said("--json", "--", "--json") == '{"words":["--json"]}'


def test_every_command_has_the_same_json_option_or_none() -> None:
    found: dict[str, str] = {}

    def visit(name: str, command: object) -> None:
        for parameter in getattr(command, "params", []):
            if "--json" in parameter.opts:
                found[name] = parameter.metavar or ""
        for inner, one in getattr(command, "commands", {}).items():
            visit(f"{name} {inner}", one)

    visit("gemel", typer.main.get_command(app))

    assert len(found) > 20
    assert set(found.values()) == {"[FILE]"}, found
