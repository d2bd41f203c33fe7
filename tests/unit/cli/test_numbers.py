"""Every option for a number rejects values that are not finite."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from indexer.access.roles import Role
from indexer.cli import app


def options_of_floats(words: list[str], command: object) -> Iterator[tuple[list[str], str]]:
    for parameter in getattr(command, "params", []):
        if parameter.type_descriptor.annotation is float:
            yield words, parameter.opts[0]
    for name, inner in getattr(command, "commands", {}).items():
        yield from options_of_floats([*words, name], inner)


EVERY = list(options_of_floats([], typer.main.get_command(app)))


def test_there_are_options_for_floats_in_many_commands() -> None:
    assert len(EVERY) > 10
    assert {words[0] for words, _ in EVERY} >= {
        "identify",
        "verify",
        "calibrate",
        "evaluate",
        "index",
        "train",
    }


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
@pytest.mark.parametrize(("words", "option"), EVERY, ids=[" ".join([*w, o]) for w, o in EVERY])
def test_a_number_that_is_not_finite_is_rejected_with_a_sentence(
    words: list[str], option: str, value: str
) -> None:
    command = typer.main.get_command(app)
    for word in words:
        command = command.commands[word]  # type: ignore[attr-defined]
    required = [argument(parameter) for parameter in command.params if parameter.required]
    given = [word for words in required for word in words]

    done = CliRunner().invoke(app, [*words, *given, f"{option}={value}"])

    assert done.exit_code == 2, done.output
    assert f"Invalid value for '{option}'" in done.output


def argument(parameter: object) -> list[str]:
    """Words with a valid value for a required parameter."""
    folder = getattr(parameter.type_descriptor.parameter_info, "file_okay", True) is False  # type: ignore[attr-defined]
    value = str(Path(__file__).parent) if folder else __file__
    if parameter.type_descriptor.annotation == list[Role]:  # type: ignore[attr-defined]
        value = Role.READ.value
    if parameter.param_type_name == "argument":  # type: ignore[attr-defined]
        return [value]
    return [parameter.opts[0], value]  # type: ignore[attr-defined]
