"""Options of every ``train`` command: how long, from where, and into which folder."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable

from TemporalReconLib.acquisition.output_file import require_writable
from TemporalReconLib.cli.options import add_device_option, path_name, seed_number
from TemporalReconLib.errors import InputError


def add_training_options(parser: argparse.ArgumentParser, recipes: Iterable[str], small: str, behind: str) -> None:
    """``--output --recipe --steps --minutes --backgrounds --weights --seed --device``.

    Parameters
    ----------
    small
        What the recipe of this name takes, in words.
    behind
        What the anatomy of ``--backgrounds`` stands behind.
    """
    parser.add_argument("--output", type=path_name, required=True, metavar="DIR", help="continues what it holds")
    parser.add_argument(
        "--recipe",
        choices=tuple(recipes),
        default="small",
        help=f"small: two CPU cores, {small}; full: one large GPU (%(default)s)",
    )
    parser.add_argument("--steps", type=int, metavar="N", help="instead of the recipe's; the schedule follows")
    parser.add_argument(
        "--minutes",
        type=float,
        metavar="M",
        help="stop after this time, to go on later; first examples and validation take a minute or two more",
    )
    parser.add_argument(
        "--backgrounds", nargs="+", type=path_name, default=[], metavar="VOL", help=f"MR anatomy behind {behind}"
    )
    parser.add_argument(
        "--weights", type=path_name, metavar="PATH", help="begin with these, not with random ones: fine-tuning"
    )
    parser.add_argument("--seed", type=seed_number, default=0, metavar="S", help="weights and data (%(default)s)")
    add_device_option(parser)


def check_training_options(options: argparse.Namespace) -> None:
    """Refuse at once, before torch is imported, what cannot be meant; raises InputError."""
    from TemporalReconLib.acquisition.series import check_input

    if options.steps is not None and options.steps < 1:
        raise InputError(f"--steps {options.steps}: expected 1 or more")
    if options.minutes is not None and not 0.0 <= options.minutes < math.inf:
        raise InputError(f"--minutes {options.minutes}: expected 0 or more")
    for path in options.backgrounds:
        check_input(path)
    if options.weights is not None and not options.weights.exists():
        raise InputError(f"--weights {options.weights}: does not exist; give a model folder or a weights file")
    if options.output.exists() and not options.output.is_dir():
        raise InputError(f"--output {options.output}: a file of that name is there; give the name of a folder")
    require_writable(options.output / "newest.pt" if options.output.exists() else options.output)


def seconds_of(options: argparse.Namespace) -> float:
    """The parsed ``--minutes``; without them there is no end."""
    return math.inf if options.minutes is None else 60.0 * float(options.minutes)
