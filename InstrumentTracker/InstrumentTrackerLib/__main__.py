"""Command line ``instrument-tracker``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from TemporalReconLib.cli.runner import build_parser, run_command

from InstrumentTrackerLib import __version__
from InstrumentTrackerLib.cli import benchmark, demo, serve, track, train


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand; returns the exit code."""
    parser = build_parser(
        "instrument-tracker",
        "Find and follow the biopsy needle in MR frames, live or from file. Research software, not a medical device.",
        __version__,
        [track, serve, demo, train, benchmark],
    )
    return run_command(parser, arguments)


if __name__ == "__main__":
    sys.exit(main())
