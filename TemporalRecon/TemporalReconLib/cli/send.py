"""``temporal-recon send``: play a series to an engine as a scanner would."""

from __future__ import annotations

import argparse

from TemporalReconLib.cli.options import INPUT_HELP, add_series_options, path_name, series_options
from TemporalReconLib.cli.progress import Progress
from TemporalReconLib.cli.serve import parse_address
from TemporalReconLib.errors import InputError


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("send", help="play a series to an engine as a scanner would")
    parser.add_argument("input", type=path_name, metavar="INPUT", help=INPUT_HELP)
    parser.add_argument("--to", required=True, metavar="HOST:PORT", help="the engine's OpenIGTLink port")
    parser.add_argument("--rate", type=float, metavar="FPS", help="frames per second (the series' own rate, else 5)")
    parser.add_argument("--legacy-v1", action="store_true", help="send version 1 headers, without metadata")
    add_series_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from TemporalReconLib.engine.offline import open_for_playing
    from TemporalReconLib.engine.player import play
    from TemporalReconLib.igtl.client import IgtlClient

    if options.rate is not None and not 0 < options.rate <= 1000:
        raise InputError(f"--rate {options.rate}: expected frames per second between 0 and 1000")
    host, port = parse_address(options.to)
    opened = open_for_playing(options.input, series_options(options))
    with IgtlClient(host, port, legacy_v1=options.legacy_v1) as client, Progress() as progress:
        for _ in progress.count(play(opened, client, options.rate), len(opened), "sent"):
            pass
    return 0
