"""Options of every ``benchmark`` command: on which simulated biopsies, and into which folder.

What a benchmark compares is named in the plural and separated by commas (``--masks paper,golden``); what is the same
for all of its results is named in the singular (``--mask golden``).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib.util import find_spec
from typing import TypeVar

from TemporalReconLib.cli.options import path_name, seed_number
from TemporalReconLib.errors import InputError

Item = TypeVar("Item")


def add_benchmark_options(parser: argparse.ArgumentParser, accelerations: str, has_subcommands: bool = False) -> None:
    """``--output --series --frames --seconds --accelerations --backgrounds --matrix --seed --jobs``.

    Parameters
    ----------
    accelerations
        Those that are compared unless others are asked for, as on a command line.
    has_subcommands
        Whether the command may be followed by another one, which has no use for a folder; then ``--output`` may be
        missing, and the command itself has to ask for it.
    """
    needed = "needed; " if has_subcommands else ""
    parser.add_argument(
        "--output",
        type=path_name,
        required=not has_subcommands,
        metavar="DIR",
        help=f"{needed}continues what it holds",
    )
    parser.add_argument("--series", type=int, default=20, metavar="N", help="simulated biopsies (%(default)s)")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--frames", type=int, default=24, metavar="F", help="frames of each (%(default)s)")
    length.add_argument(
        "--seconds",
        type=float,
        default=0.0,
        metavar="S",
        help="duration of each instead, as on a scanner: the hand is then as fast at every acceleration",
    )
    parser.add_argument(
        "--accelerations", default=accelerations, metavar="R,R", help="accelerations to compare (%(default)s)"
    )
    parser.add_argument(
        "--backgrounds", nargs="+", type=path_name, default=[], metavar="VOL", help="MR anatomy of half of the series"
    )
    parser.add_argument("--matrix", type=int, default=256, metavar="N", help="rows, columns (%(default)s)")
    parser.add_argument("--seed", type=seed_number, default=0, metavar="S", help="another test set (%(default)s)")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes, except for timing (%(default)s)")


def require_jobs_and_figures(jobs: int) -> None:
    """Refuse at once what would fail after hours.

    Raises
    ------
    InputError
        If there are no processes to work, or there is no library to draw with.
    """
    if jobs < 1:
        raise InputError(f"--jobs {jobs}: expected 1 or more")
    if find_spec("matplotlib") is None:
        raise InputError("the benchmark draws with matplotlib, which is not installed; pip install matplotlib")


def listed(text: str, option: str, convert: Callable[[str], Item]) -> tuple[Item, ...]:
    """Values separated by commas, each once.

    Parameters
    ----------
    option
        Where the text comes from, such as ``--accelerations``; for the message.
    convert
        Makes a value of each word; raises ValueError or KeyError where it cannot.

    Raises
    ------
    InputError
        If a word cannot be converted, or two give the same value.
    """
    found = []
    for word in text.split(","):
        try:
            found.append(convert(word.strip()))
        except (ValueError, KeyError):
            raise InputError(f"{option} {text}: '{word}' is none; see --help") from None
    if len(set(found)) < len(found):
        raise InputError(f"{option} {text}: names something twice")
    return tuple(found)
