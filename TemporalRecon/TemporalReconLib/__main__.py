"""Command line ``temporal-recon``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from TemporalReconLib import __version__
from TemporalReconLib.cli import benchmark, reconstruct, send, serve, simulate, train
from TemporalReconLib.cli.runner import build_parser, run_command


def make_parser() -> argparse.ArgumentParser:
    """The parser of all subcommands; the reference of the documentation is made from it."""
    return build_parser(
        "temporal-recon",
        "Causal reconstruction of undersampled MR series, live or from file. Research software, not a medical device.",
        __version__,
        [simulate, reconstruct, serve, send, train, benchmark],
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand; returns the exit code."""
    return run_command(make_parser(), arguments)


if __name__ == "__main__":
    sys.exit(main())
