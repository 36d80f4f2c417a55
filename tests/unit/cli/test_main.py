"""Facts about the command line: every failure has its exit code, every command its help."""

import inspect

import pytest
from typer.testing import CliRunner

from idv.cli import main
from idv.domain import errors
from idv.domain.errors import ConfigurationError, IdvError, IntegrityError, ModelError, NotFound, Overloaded


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigurationError(["x"]), 2),
        (ModelError("model_missing", "x"), 3),
        (IntegrityError("chain_broken", "x"), 4),
        (NotFound("not_found", "x"), 5),
        (Overloaded("busy", "x", retry_after_s=1), 6),
        (IdvError("other", "x"), 6),
    ],
)
def test_each_kind_of_failure_has_its_exit_code(error: IdvError, code: int) -> None:
    """The table is the one that the help text and the README state."""
    assert main.exit_code(error) == code


def test_no_exception_of_the_tree_is_without_an_exit_code() -> None:
    """Whatever class is added to the tree, the table covers it."""
    for _, kind in inspect.getmembers(errors, inspect.isclass):
        if issubclass(kind, IdvError):
            assert any(issubclass(kind, known) for known, _ in main._EXIT_CODES)


@pytest.mark.parametrize(
    "command",
    [
        *([], ["verify"], ["score"], ["serve"], ["demo"], ["doctor"], ["config"], ["config", "show"]),
        *(["models"], ["keys"], ["audit"], ["webhooks"]),
    ],
)
def test_every_command_explains_itself(command: list[str]) -> None:
    """`--help` of every group and command exits with 0 and says something."""
    shown = CliRunner().invoke(main.app, [*command, "--help"])
    assert shown.exit_code == 0
    assert "Usage" in shown.output
