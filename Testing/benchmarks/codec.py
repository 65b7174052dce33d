"""The link's figures without the command line: ``python Testing/benchmarks/codec.py --output codec.json``."""

from __future__ import annotations

import argparse
import sys

from TemporalReconLib.cli.benchmark_link import add_link_options, run


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    add_link_options(parser)
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
