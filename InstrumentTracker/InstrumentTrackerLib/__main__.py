"""Command line ``instrument-tracker``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from TemporalReconLib.cli.runner import build_parser, run_command

from InstrumentTrackerLib import __version__
from InstrumentTrackerLib.cli import benchmark, calibrate, demo, evaluate, reading_list, serve, track, train


def make_parser() -> argparse.ArgumentParser:
    """The parser of all subcommands; the reference of the documentation is made from it."""
    return build_parser(
        "instrument-tracker",
        "Find and follow the biopsy needle in MR frames, live or from file. Research software, not a medical device.",
        __version__,
        [track, serve, demo, train, calibrate, benchmark, evaluate, reading_list],
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand; returns the exit code."""
    return run_command(make_parser(), arguments)


if __name__ == "__main__":
    sys.exit(main())
