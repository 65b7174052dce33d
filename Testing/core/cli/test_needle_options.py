"""What the command line repeats, because it may not import it, is what the library says."""

from __future__ import annotations

import argparse

from InstrumentTrackerLib.cli.guidance_options import add_needle_options, needle_of
from InstrumentTrackerLib.targeting.biopsy_needle import BiopsyNeedle


def test_without_options_the_needle_is_the_default_one() -> None:
    parser = argparse.ArgumentParser()
    add_needle_options(parser)
    assert needle_of(parser.parse_args([])) == BiopsyNeedle()
