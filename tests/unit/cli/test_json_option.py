"""`--json` is the same option for every command, with or without a file."""

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


def run_show(*arguments: str) -> str:
    done = CliRunner().invoke(commands, ["show", *arguments])
    assert done.exit_code == 0, done.output
    return "".join(done.stdout.split())


def test_a_photograph_after_json_is_not_the_output_file() -> None:
    assert run_show("--json", "party.jpg") == '{"words":["party.jpg"]}'
    assert run_show("party.jpg", "--json") == '{"words":["party.jpg"]}'


def test_the_output_file_is_given_in_the_same_word_or_ends_in_json(tmp_path: Path) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.txt"
    run_show("a", "--json", str(first))
    run_show("a", f"--json={second}")

    assert json.loads(first.read_text()) == json.loads(second.read_text()) == {"words": ["a"]}
    assert run_show("a", "--json", "-") == '{"words":["a"]}'


def test_words_after_two_dashes_are_arguments() -> None:
    assert run_show("--json", "--", "--json") == '{"words":["--json"]}'


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
