"""``temporal-recon send``: play a series to an engine as a scanner would."""

from __future__ import annotations

import argparse
import time
from contextlib import closing

from TemporalReconLib.cli.options import INPUT_HELP, add_series_options, path_name, series_options
from TemporalReconLib.cli.progress import Progress
from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.peer_address import parse_address

_POLL_S = 0.05


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
    from TemporalReconLib.playback.player_status import PlayerState
    from TemporalReconLib.playback.series_player import SeriesPlayer

    if options.rate is not None and not 0 < options.rate <= 1000:
        raise InputError(f"--rate {options.rate}: expected frames per second between 0 and 1000")
    host, port = parse_address(options.to)
    opened = open_for_playing(options.input, series_options(options))
    player = SeriesPlayer(lambda: opened, host, port, rate_fps=options.rate, legacy_v1=options.legacy_v1)
    player.play()
    with closing(player), Progress() as progress:
        while True:
            status = player.status
            if status.position is not None:
                progress.show(f"sent {status.position + 1}/{len(opened)}")
            if status.state is PlayerState.FAILED:
                raise InputError(status.reason)
            if status.state is PlayerState.FINISHED:
                return 0
            time.sleep(_POLL_S)
