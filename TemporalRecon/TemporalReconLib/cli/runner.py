"""How both command lines fail: one clear line on stderr and the exit codes 0 ok, 2 bad usage or input, 1 failure."""

from __future__ import annotations

import argparse
import atexit
import gc
import logging
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, NoReturn

from TemporalReconLib.errors import InputError

EXIT_FAILURE = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130


class OneLineParser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, and that takes ``-12,30,5`` for a value, not for an option."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__(**keywords)
        self._negative_number_matcher = re.compile(r"^-\.?\d")

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_BAD_INPUT, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def build_parser(program: str, description: str, version: str, commands: Sequence[ModuleType]) -> OneLineParser:
    """A parser with one subcommand per module; each module offers ``add_parser(subparsers)``."""
    parser = OneLineParser(prog=program, description=description)
    parser.add_argument("--version", action="version", version=f"{program} {version}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an unexpected failure")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=OneLineParser)
    for command in commands:
        command.add_parser(subparsers)
    return parser


def run_command(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> int:
    """Parse, run the subcommand, and turn every failure into one line and an exit code."""
    # Beside another busy process OpenMP's spinning threads made each frame seven times slower (496 against 76 ms);
    # sleeping ones cost nothing measurable on an idle machine. It is read when torch is imported, later than here.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    run: Callable[[argparse.Namespace], int] = options.run
    _terminate_as_interrupt()
    # Collecting torch's objects one by one at the end takes seconds on a busy machine, and an engine must end in two.
    atexit.register(gc.freeze)
    try:
        return run(options)
    except InputError as error:
        return _fail(parser.prog, str(error), EXIT_BAD_INPUT)
    except KeyboardInterrupt:
        return _fail(parser.prog, "interrupted", EXIT_INTERRUPTED)
    except BrokenPipeError:
        return EXIT_FAILURE
    except Exception as error:  # the border of the program: whatever was not foreseen ends in one line, too
        if _is_caused_by_interrupt(error):
            return _fail(parser.prog, "interrupted", EXIT_INTERRUPTED)
        if options.debug:
            raise
        return _fail(parser.prog, f"{type(error).__name__}: {error} (run with --debug for details)", EXIT_FAILURE)


def _terminate_as_interrupt() -> None:
    """Let SIGTERM unwind like Ctrl-C, so that sockets are closed and unfinished files removed."""

    def interrupt(signum: int, frame: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, interrupt)


def _is_caused_by_interrupt(error: BaseException) -> bool:
    """Whether the signal came inside native code, which reports it as an error of its own (a SystemError)."""
    while error.__cause__ is not None:
        error = error.__cause__
    return isinstance(error, KeyboardInterrupt)


def _fail(program: str, message: str, code: int) -> int:
    line = " ".join(message.split())
    sys.stderr.write(f"{program}: error: {line}\n")
    return code
