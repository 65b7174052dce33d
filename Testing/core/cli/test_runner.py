"""The border of a command line: what a user's interrupt and an unforeseen failure look like from outside."""

import argparse
from types import SimpleNamespace

import pytest
from TemporalReconLib.cli.runner import build_parser, run_command


def native_code_that_was_interrupted():
    """As CPython reports a KeyboardInterrupt that was raised while a C function ran (``_PyErr_FormatFromCause``)."""
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt as interrupt:
        raise SystemError("<built-in method __new__> returned a result with an exception set") from interrupt


def failure_while_cleaning_up():
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt:
        raise OSError("the disk is full")  # noqa: B904  (as in a finally block: a context, not a cause)


def command_that(fails):
    def add_parser(subparsers: argparse._SubParsersAction) -> None:
        subparsers.add_parser("work").set_defaults(run=lambda _: fails())

    return SimpleNamespace(add_parser=add_parser)


@pytest.mark.parametrize(
    ("fails", "code", "told"),
    [
        (native_code_that_was_interrupted, 130, "program: error: interrupted\n"),
        (failure_while_cleaning_up, 1, "program: error: OSError: the disk is full (run with --debug for details)\n"),
    ],
)
def test_an_interrupt_is_told_from_a_failure(fails, code, told, capsys):
    assert run_command(build_parser("program", "", "0", [command_that(fails)]), ["work"]) == code
    assert capsys.readouterr().err == told
